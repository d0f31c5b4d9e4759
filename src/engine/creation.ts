/**
 * What happens when an engine is about to make a container: the configuration gets the profile that is applied to its image,
 * or stays as it is, or something stands against it. Used by the hook of podman and CRI-O and by the runtime of Docker;
 * neither policy (start or refuse) nor output is decided here.
 */
import { quoted } from '../errors.js'
import {
  createdContainer,
  type CreatedContainer,
  OFF,
  OFF_ANNOTATION,
} from '../workload/created-container.js'
import { createdImage, isImageAnnotation } from '../workload/created-image.js'
import { memberAt, parseJson } from '../workload/json-fields.js'
import { withMember } from '../workload/json-splice.js'
import { appliedDigests, readApplied } from './applied.js'

/** Of which container it is, as far as it is known. */
export interface CreationSubject {
  readonly containerId: string
  readonly imageDigest: string
  readonly imageName: string
}

/**
 * `unchanged`: no profile is meant for it. `applied`: `config` has it. `off`: the one who starts it switched it off.
 * `failed`: it should have one, or it cannot be told; `problem` says why, `remedy` what to do.
 */
export type Creation =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'applied'; readonly config: string }
  | { readonly kind: 'off'; readonly subject: CreationSubject }
  | {
      readonly kind: 'failed'
      readonly subject: CreationSubject
      readonly problem: string
      readonly remedy: string
    }

/** Decides for the OCI configuration `config` of the container `givenId`. Never rejects for what it is given. */
export async function decideCreation(
  config: string,
  state: string,
  givenId?: string,
): Promise<Creation> {
  const parsed = parseJson(config)
  const container = createdContainer(parsed, givenId)
  const image = await createdImage(container)
  if (image.kind === 'none') return { kind: 'unchanged' }
  const subject = {
    containerId: container.containerId,
    imageDigest: image.kind === 'image' ? image.digest : '',
    imageName: image.kind === 'image' ? image.name : '',
  }
  const failed = (problem: string, remedy: string): Creation => ({
    kind: 'failed',
    subject,
    problem,
    remedy,
  })
  if (image.kind === 'unknown') {
    // Where nothing is applied, nothing can be meant for it.
    if ((await appliedTo(state)) === 'nothing') return { kind: 'unchanged' }
    return failed(`its image cannot be told: ${image.problem}`, 'Report this with the engine used')
  }
  const applied = await readApplied(state, image.digest)
  if (applied.kind === 'none') return { kind: 'unchanged' }
  if (await isSwitchedOff(container, image.digest)) return { kind: 'off', subject }
  if (applied.kind === 'failed') {
    return failed(
      `cannot read ${applied.path}: ${applied.problem}`,
      `Put the state directory in order, or apply the profile again with \`plimsoll apply ${image.name}\``,
    )
  }
  if (applied.record.assumeNoNewPrivileges && !container.noNewPrivileges) {
    return failed(
      'its profile was made for no_new_privileges, with which it is not started',
      'Start it with --security-opt=no-new-privileges, or apply the profile without --assume-nnp',
    )
  }
  const changed = withSeccomp(config, parsed, applied.document)
  if ('problem' in changed) return failed(changed.problem, 'Report this with the engine used')
  return { kind: 'applied', config: changed.text }
}

async function appliedTo(state: string): Promise<'nothing' | 'something'> {
  const digests = await appliedDigests(state).catch(() => undefined)
  return digests?.length === 0 ? 'nothing' : 'something'
}

/** The configuration with which no runtime starts the container; what it says of it is the message. */
export function refusedConfig(config: string, message: string): string | undefined {
  const refusal = JSON.stringify({ defaultAction: message })
  const changed = withSeccomp(config, parseJson(config), refusal)
  return 'text' in changed ? changed.text : undefined
}

function withSeccomp(
  config: string,
  parsed: unknown,
  value: string,
): { readonly text: string } | { readonly problem: string } {
  if (memberAt(parsed, 'linux') === undefined) {
    return { problem: 'its configuration is no Linux configuration of an OCI runtime' }
  }
  const changed = withMember(config, ['linux', 'seccomp'], value.trimEnd())
  return 'text' in changed
    ? changed
    : { problem: `its configuration is ambiguous: ${changed.problem}` }
}

/**
 * Engines hand an image's annotations on to its containers, and an image must not switch off what holds it; in Kubernetes
 * the pod's author writes them, who is not the one that installed the hook.
 */
async function isSwitchedOff(container: CreatedContainer, digest: string): Promise<boolean> {
  if (container.annotations[OFF_ANNOTATION] !== OFF || container.manager === 'crio') return false
  return (
    container.manager === 'docker' || !(await isImageAnnotation(container, digest, OFF_ANNOTATION))
  )
}

/** One line for whoever started the container: what happened, what it means, what to do. */
export function failureText(
  { problem, remedy, subject }: Extract<Creation, { readonly kind: 'failed' }>,
  isRefused: boolean,
): string {
  const image = subject.imageName === '' ? 'this container' : `a container of ${subject.imageName}`
  const outcome = isRefused
    ? `plimsoll refuses to start ${image}: ${problem}; it would run without its learned profile`
    : `plimsoll starts ${image} without its learned profile: ${problem}`
  return quoted(`${outcome}. ${remedy}.`).slice(0, MESSAGE_CHARACTERS)
}

/** What engines pass on of a runtime's message without cutting it themselves. */
const MESSAGE_CHARACTERS = 1000
