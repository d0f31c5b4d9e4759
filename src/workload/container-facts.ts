/**
 * What a container runtime says about a container, in the one form that the rest of the house knows; and the answer to
 * the question for it, which may also be that nobody can say. Pure types and the one rule for image ids.
 */
import type { ContainerRuntime } from './container-path.js'
import type { Label } from './labels.js'

/** A container's identity and set-up. Names and arguments are the runtime's words, chosen by whoever ran the container. */
export interface ContainerFacts {
  readonly runtime: ContainerRuntime
  /** Of the daemon or tool, with the OCI runtime where it is told: `20.10.24 (runc 1.1.5)`; empty when unknown. */
  readonly runtimeVersion: string
  /** 64 hexadecimal digits. */
  readonly containerId: string
  readonly name: string
  /** `sha256:` and the 64 hexadecimal digits of the image id: the same for every name and tag of the image. */
  readonly imageDigest: string
  /** The image as it was named when the container was made. */
  readonly imageName: string
  /** Program and arguments. */
  readonly entrypoint: readonly string[]
  /** Command lines with which the runtime starts the health check, any of them; none: it has none, or nobody can say. */
  readonly healthChecks: readonly (readonly string[])[]
  /** As `labelsOf` gives them; undefined where nobody said. */
  readonly labels: readonly Label[] | undefined
  readonly startedMs?: number
  readonly noNewPrivileges?: boolean
  /**
   * `container`: read from the container itself. `image`: the container was gone, its image was found through the
   * runtime's event log; `entrypoint` is then the image's default, which the command line may have overruled.
   */
  readonly source: 'container' | 'image'
}

/**
 * `gone`: the runtime answers and no longer knows the container (or says nothing that identifies its image); asking
 * again will not help. `unreachable`: the runtime did not answer; asking again may help.
 */
export type Resolution =
  | { readonly kind: 'found'; readonly facts: ContainerFacts }
  | { readonly kind: 'gone' | 'unreachable'; readonly problem: string }

/** One container runtime that can be asked. Never rejects; `signal` ends the attempt as `unreachable`. */
export interface RuntimeClient {
  inspect(containerId: string, signal: AbortSignal): Promise<Resolution>
}

/**
 * The image id in the form that Docker and podman share: `sha256:` and 64 lower-case hexadecimal digits (podman's
 * tools leave the prefix out). Undefined for anything else: no other answer may become a baseline's key.
 */
export function imageDigestOf(id: string): string | undefined {
  const hex = id.startsWith('sha256:') ? id.slice(7) : id
  return /^[0-9a-f]{64}$/.test(hex) ? `sha256:${hex}` : undefined
}

/** Whether the text is a full container id. Checked before one goes into a URL, a command line or a path. */
export function isContainerId(id: string): boolean {
  return /^[0-9a-f]{64}$/.test(id)
}
