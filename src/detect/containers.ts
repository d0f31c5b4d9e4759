/** The containers that are watched, by their handles, each with its image: they come and go together in the roster. Pure. */
import type { WorkloadFacts } from './anomaly.js'
import type { ContainerState } from './detector-state.js'
import type { ContainerHandle } from './handles.js'
import type { Images } from './images.js'
import { workloadScopeOf } from './policy-scope.js'
import { ResourceWatch } from './resource-watch.js'
import type { Roster } from './roster.js'

/** A container that came. `refused`: why it is not judged by its image, or that not all images fit. */
export interface Opened {
  readonly container: ContainerState
  readonly refused: 'images' | 'keys' | undefined
}

export class Containers {
  readonly #roster: Roster
  readonly #images: Images
  readonly #byHandle = new Map<ContainerHandle, ContainerState>()

  constructor(roster: Roster, images: Images) {
    this.#roster = roster
    this.#images = images
  }

  /** Undefined for a stale handle. */
  get(handle: ContainerHandle): ContainerState | undefined {
    return this.#byHandle.get(handle)
  }

  /** The container that the cgroup belongs to. */
  of(cgroupId: number): ContainerState | undefined {
    const handle = this.#roster.containerOf(cgroupId)
    return handle === undefined ? undefined : this.#byHandle.get(handle)
  }

  /** A container comes, without cgroups; `full` if there are too many. */
  open(workload: WorkloadFacts, labels: ReadonlyMap<string, string> | undefined): Opened | 'full' {
    const { imageDigest } = workload
    const used = imageDigest === '' ? undefined : this.#images.use(imageDigest)
    const image = used === 'full' ? undefined : used?.image
    const handle = this.#roster.addContainer(image?.handle)
    if (typeof handle === 'string') {
      if (image !== undefined) this.#images.leave(image)
      return 'full'
    }
    const container: ContainerState = {
      handle,
      slot: this.#roster.slotOf(handle),
      workload,
      scope: workloadScopeOf(workload, labels),
      image,
      resources: new ResourceWatch(),
      ruled: new Set(),
    }
    this.#byHandle.set(handle, container)
    if (used === 'full') return { container, refused: 'images' }
    return { container, refused: used?.fits === false ? 'keys' : undefined }
  }

  /** It goes, with its cgroups and all that was counted; what it was, or undefined for a stale handle. */
  close(handle: ContainerHandle): ContainerState | undefined {
    const container = this.#byHandle.get(handle)
    if (container === undefined) return undefined
    this.#byHandle.delete(handle)
    this.#roster.releaseContainer(handle)
    if (container.image !== undefined) this.#images.leave(container.image)
    return container
  }
}
