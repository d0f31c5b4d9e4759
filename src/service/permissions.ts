/**
 * Who may call what: every method by its full name, with the roles that may. What has no entry may be called by nobody; a test
 * compares the table with the descriptors of the services.
 */
import { type Role, ROLES } from './caller.js'

const MONITOR = ['Watch', 'GetAnomaly', 'ListAnomalies', 'GetTimeline', 'GetStats']
const BASELINES_READ = [
  'ListBaselines',
  'GetBaseline',
  'WatchLearning',
  'DiffBaselines',
  'ListCandidates',
  'ExportProfile',
]
const BASELINES_CHANGE = [
  'SealBaseline',
  'ApproveItems',
  'RejectItems',
  'MergeBaselines',
  'StartLearning',
  'StopLearning',
]

/** Everybody who is known. */
const ALL: readonly Role[] = ROLES

function entries(service: string, methods: readonly string[], roles: readonly Role[]): Entry[] {
  return methods.map((name) => [`${service}/${name}`, new Set(roles)])
}

type Entry = [method: string, roles: ReadonlySet<Role>]

/** `plimsoll.v1.Monitor/Watch` -> roles. */
export const PERMISSIONS: ReadonlyMap<string, ReadonlySet<Role>> = new Map([
  ...entries('plimsoll.v1.Monitor', MONITOR, ALL),
  ...entries('plimsoll.v1.Baselines', BASELINES_READ, ALL),
  ...entries('plimsoll.v1.Baselines', BASELINES_CHANGE, ['analyst', 'admin']),
  ...entries('plimsoll.v1.Control', ['GetPolicy', 'ListModes'], ALL),
  ...entries('plimsoll.v1.Control', ['Respond', 'Release'], ['responder', 'admin']),
  ...entries('plimsoll.v1.Control', ['SetPolicy', 'SetMode'], ['admin']),
  ...entries('plimsoll.v1.Audit', ['ListEntries', 'Verify'], ['auditor', 'admin']),
  ...entries('grpc.health.v1.Health', ['Check', 'Watch'], ALL),
  ...entries('grpc.reflection.v1.ServerReflection', ['ServerReflectionInfo'], ALL),
  ...entries('grpc.reflection.v1alpha.ServerReflection', ['ServerReflectionInfo'], ALL),
])

/** False for a method that has no entry. */
export function mayCall(role: Role, method: string): boolean {
  return PERMISSIONS.get(method)?.has(role) ?? false
}
