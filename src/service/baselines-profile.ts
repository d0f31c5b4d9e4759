/** Options of `ExportProfile`, and its answer. Pure. */
import { createHash } from 'node:crypto'
import type { Baseline } from '../baseline/baseline.js'
import { imageKeyOf } from '../baseline/image-identity.js'
import { plimsoll } from '../gen/plimsoll.js'
import { ARGUMENT_CALLS, type ArgumentCall } from '../kernel/arguments.js'
import { PROFILE_FORMATS } from '../seccomp/export.js'
import { RUNTIMES } from '../seccomp/floor-tables.js'
import { isKubernetesName } from '../seccomp/kubernetes-name.js'
import type { Strength } from '../seccomp/profile.js'
import type { ProfileFileContent, ProfileRequest } from './baseline-actions.js'
import { badRequest, lineagesOf } from './baselines-request.js'

type Request = plimsoll.v1.ExportProfileRequest.$Properties
type Response = plimsoll.v1.ExportProfileResponse.$Properties

/** In the order of their numbers in the `.proto` file, from 1. */
const STRENGTHS: readonly Strength[] = ['complain', 'enforce', 'strict']

/** What was asked for. Throws `BAD_REQUEST` for what is none, and for what does not go together. */
export function profileRequestOf(request: Request): ProfileRequest {
  const format = optionOf(PROFILE_FORMATS, request.format, 'format') ?? 'oci'
  const runtime = optionOf(RUNTIMES, request.runtime, 'runtime')
  const assumeNoNewPrivileges = request.assumeNoNewPrivileges ?? false
  const name = request.name || undefined
  if (name !== undefined && format !== 'spo') {
    throw badRequest('name', 'it is for PROFILE_FORMAT_SPO; other formats hold no name')
  }
  if (name !== undefined && !isKubernetesName(name)) {
    throw badRequest('name', "it is no name of a Kubernetes object's")
  }
  if (format === 'systemd' && (runtime !== undefined || assumeNoNewPrivileges)) {
    const field = runtime === undefined ? 'assume_no_new_privileges' : 'runtime'
    throw badRequest(field, 'it is for containers; no runtime starts a systemd unit')
  }
  return {
    format,
    strength: optionOf(STRENGTHS, request.strength, 'strength') ?? 'enforce',
    lineages: lineagesOf(request.lineages),
    families: request.families ?? undefined,
    runtime,
    assumeNoNewPrivileges,
    // No message means the default, one without calls means none.
    arguments: request.arguments
      ? (request.arguments.calls ?? []).map(argumentCallNamed)
      : undefined,
    name,
  }
}

/** The answer, with what hangs on the bytes that are sent. */
export function profileMessage(
  { image, revision }: Baseline,
  { fileName, text, allowed, notes }: ProfileFileContent,
): Response {
  const content = Buffer.from(text, 'utf8')
  return {
    fileName,
    content,
    sha256: createHash('sha256').update(content).digest('hex'),
    notes: [...notes],
    key: imageKeyOf(image),
    revision,
    allowedCount: allowed.length,
  }
}

function argumentCallNamed(name: string): ArgumentCall {
  const call = ARGUMENT_CALLS.find((known) => known === name)
  if (call === undefined) {
    throw badRequest('arguments', `${name} is none of ${ARGUMENT_CALLS.join(', ')}`)
  }
  return call
}

function optionOf<Option>(
  options: readonly Option[],
  code: number | null | undefined,
  field: string,
): Option | undefined {
  const option = options[(code ?? 0) - 1]
  if (option !== undefined || (code ?? 0) === 0) return option
  throw badRequest(field, `${code} is none`)
}
