/** What the detector knows of images and containers, by the handles of the matcher. Pure data. */
import type { WorkloadFacts } from './anomaly.js'
import type { ContainerHandle, ImageHandle } from './handles.js'
import type { HeldTo } from './held-to.js'
import type { WorkloadScope } from './policy-scope.js'
import type { ResourceWatch } from './resource-watch.js'

/** An image of which a container is watched. */
export interface ImageState {
  readonly handle: ImageHandle
  readonly digest: string
  /** Undefined while it has no sealed baseline: then the policy alone judges. */
  held: HeldTo | undefined
  /** Containers of it. */
  users: number
}

/** A container that is watched. */
export interface ContainerState {
  readonly handle: ContainerHandle
  /** Slot of the handle. */
  readonly slot: number
  readonly workload: WorkloadFacts
  readonly scope: WorkloadScope
  readonly image: ImageState | undefined
  readonly resources: ResourceWatch
  /** Keys of what was raised by rules alone, see `by-rules`. */
  readonly ruled: Set<string>
}

/** What is no container's: the sensor itself. */
export const HOST: WorkloadFacts = {
  runtime: '',
  containerId: '',
  containerName: '',
  imageDigest: '',
  imageName: '',
  cgroupId: 0,
}
