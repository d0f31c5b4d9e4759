/**
 * Everything that a learning session is fed. The live engine makes inputs from the world and, when asked to, writes them
 * to a trace; replay makes the same inputs from the trace. The session sees no difference.
 */
import type { ImageIdentity } from '../baseline/image-identity.js'
import type { ItemKind } from '../baseline/item-key.js'
import type { ResourceSample } from '../baseline/resources.js'
import type { Label } from '../workload/labels.js'

/** Which containers are learned; nothing set means that a command is. */
export interface Selection {
  readonly all: boolean
  /** Image reference, as `referenceMatches` takes it. */
  readonly image: string
  /** Container name or id prefix. */
  readonly container: string
}

/** From now on, containers of that image are learned, or are not, whatever was asked for. */
export interface SelectionChange {
  /** As `referenceMatches` takes it. */
  readonly image: string
  readonly isLearned: boolean
}

export interface SessionFacts {
  readonly sessionId: string
  readonly plimsoll: string
  readonly kernel: string
  readonly bpftrace: string
  readonly selection: Selection
  /** Kinds of items that the sensor looks for; none in a trace of before that was recorded. */
  readonly kinds: readonly ItemKind[]
}

/** What a runtime said of a container, or why it said nothing. */
export interface ContainerAnswer {
  readonly runtime: string
  readonly containerId: string
  readonly found: boolean
  readonly problem: string
  readonly runtimeVersion: string
  readonly name: string
  readonly imageDigest: string
  readonly imageName: string
  readonly entrypoint: readonly string[]
  /** Command lines with which the runtime starts the container's health check; see `ContainerFacts`. */
  readonly healthChecks: readonly (readonly string[])[]
  /** Undefined where nobody said. */
  readonly labels: readonly Label[] | undefined
}

export interface CgroupEntry {
  readonly id: number
  readonly path: string
}

/** `atMs`: wall clock when it reached plimsoll, whole milliseconds. */
export type Input = { readonly atMs: number } & (
  | { readonly kind: 'session'; readonly facts: SessionFacts }
  | { readonly kind: 'sensor-started' }
  | { readonly kind: 'sensor-bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'sensor-ended'; readonly expected: boolean; readonly reason: string }
  | { readonly kind: 'cgroups'; readonly cgroups: readonly CgroupEntry[] }
  | { readonly kind: 'container'; readonly answer: ContainerAnswer }
  | { readonly kind: 'command'; readonly cgroupId: number; readonly image: ImageIdentity }
  | ({ readonly kind: 'resources'; readonly cgroupId: number } & ResourceSample)
  | ({ readonly kind: 'selection' } & SelectionChange)
  | { readonly kind: 'end' }
)
