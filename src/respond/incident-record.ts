/**
 * The record of one incident, `incident.json` in its directory: what happened, what plimsoll did, and all that is needed to undo
 * it, also for another process after a restart. It is the one file that changes while the incident lives; its facts stand in the
 * sealed manifest as well.
 */
import { memberAt, parseJson } from '../workload/json-fields.js'
import type { SavedNamespace } from './network-detach.js'
import type { Action } from '../detect/policy.js'
import type { Outcome, Step } from './request.js'

export const RECORD_FORMAT = 1
export const RECORD_FILE = 'incident.json'

/** Whether the name is that of the record, or of a draft that is about to replace it. */
export function isRecord(name: string): boolean {
  return name === RECORD_FILE || (name.startsWith(`${RECORD_FILE}.`) && name.endsWith('.tmp'))
}

/** What never changes. All text is printable. */
export interface IncidentFacts {
  readonly incident: string
  /** Of the first action. */
  readonly atMs: number
  readonly action: Action
  readonly actor: string
  readonly reason: string
  readonly runtime: string
  readonly containerId: string
  readonly containerName: string
  readonly imageDigest: string
  readonly imageName: string
  /** Of the container, below the cgroup2 mount. */
  readonly cgroupPath: string
  /** Inode; with `bootId` it names the cgroup for good. */
  readonly cgroupId: number
  readonly bootId: string
  /** Empty where there is none. */
  readonly profile: string
  /** 0 where there is none. */
  readonly baselineRevision: number
  /** One line each, the first few. */
  readonly anomalies: readonly string[]
  readonly plimsoll: string
}

/** One action that was taken. */
export interface TakenAction {
  readonly action: Action
  readonly actor: string
  readonly reason: string
  readonly atMs: number
  readonly outcome: Outcome | 'under-way'
  readonly steps: readonly Step[]
}

/** Freezing by this incident. Times are the wall clock's. */
export interface FreezeRecord {
  readonly hierarchy: 'v2' | 'v1'
  /** Absolute path of the frozen directory. */
  readonly path: string
  /** Somebody else had frozen it already: it is not for plimsoll to thaw. */
  readonly wasFrozen: boolean
  readonly atMs: number
  readonly thawedAtMs?: number
}

/** Links taken down by this incident. */
export interface NetworkRecord {
  readonly namespaces: readonly SavedNamespace[]
  readonly atMs: number
  readonly restoredAtMs?: number
}

export interface BundleRecord {
  readonly atMs: number
  readonly manifestSha256: string
  readonly files: number
  readonly bytes: number
}

export interface ReleaseRecord {
  readonly actor: string
  readonly reason: string
  readonly atMs: number
  /** `partly`: something could not be undone; it may be released again. */
  readonly outcome: 'done' | 'partly'
  readonly details: readonly string[]
}

export interface IncidentRecord {
  readonly format: number
  readonly facts: IncidentFacts
  readonly actions: readonly TakenAction[]
  readonly freeze?: FreezeRecord
  readonly network?: NetworkRecord
  readonly bundle?: BundleRecord
  readonly release?: ReleaseRecord
}

/** The container's state as far as this incident is concerned. */
export type IncidentState = 'killed' | 'released' | 'isolated' | 'frozen' | 'thawed' | 'recorded'

/** What the incident has done to the container and not undone. */
export function stateOf({ actions, freeze, network, release }: IncidentRecord): IncidentState {
  if (release?.outcome === 'done') return 'released'
  const isKilled = actions.some(({ action, outcome }) => action === 'kill' && outcome === 'done')
  if (isKilled) return 'killed'
  if (network !== undefined && network.restoredAtMs === undefined) return 'isolated'
  if (freeze === undefined) return 'recorded'
  return freeze.thawedAtMs === undefined ? 'frozen' : 'thawed'
}

/** The record in the text of the file, or what is wrong with it. Root alone can write it: the shape is checked, not each field. */
export function parseRecord(text: string): IncidentRecord | string {
  const json = parseJson(text)
  const format = memberAt(json, 'format')
  if (typeof format !== 'number') return 'it is no record of an incident'
  if (format !== RECORD_FORMAT)
    return `its format is ${format}, this plimsoll reads ${RECORD_FORMAT}`
  const isWhole =
    typeof memberAt(json, 'facts', 'incident') === 'string' &&
    typeof memberAt(json, 'facts', 'cgroupPath') === 'string' &&
    typeof memberAt(json, 'facts', 'cgroupId') === 'number' &&
    Array.isArray(memberAt(json, 'actions'))
  return isWhole ? (json as IncidentRecord) : 'it is cut or altered'
}
