/**
 * What the matcher knows of: images, containers of them, and cgroups of those, by slot. Refuses what is beyond its capacity
 * and what is stale, and says so. The hot path asks `cgroups` only.
 *
 * 8 bytes per image, 8 per container, 96 to 192 per cgroup, and a Set of its cgroups for each container.
 */
import { CgroupTable } from './cgroup-table.js'
import { type ContainerHandle, Handles, type ImageHandle, NO_SLOT } from './handles.js'

/** `full`: beyond capacity. `stale`: it is gone. `in-use`: containers still have it. */
export type Refusal = 'full' | 'stale' | 'in-use'

export interface TrackedLimits {
  /** At most 65,535. */
  readonly images: number
  /** At most 65,536. */
  readonly containers: number
  /** Of all containers; the first one of a container always finds room. */
  readonly cgroups: number
  /** Of one container, which may make cgroups of its own without end. */
  readonly cgroupsOfContainer: number
}

export class Tracked {
  readonly images: Handles<ImageHandle>
  readonly containers: Handles<ContainerHandle>
  /** Changed only here. */
  readonly cgroups = new CgroupTable()
  readonly #limits: TrackedLimits
  /** By container. */
  readonly #imageOf: Uint16Array
  readonly #cgroupsOf: (Set<number> | undefined)[]
  /** By image: containers that have it. */
  readonly #users: Uint16Array

  constructor(limits: TrackedLimits) {
    this.#limits = limits
    this.images = new Handles(limits.images)
    this.containers = new Handles(limits.containers)
    this.#imageOf = new Uint16Array(limits.containers)
    this.#cgroupsOf = Array.from({ length: limits.containers }, () => undefined)
    this.#users = new Uint16Array(limits.images + 1)
  }

  /** The slot that stands for "no image is known". */
  get noImage(): number {
    return this.#limits.images
  }

  /** The slot of the container that the cgroup belongs to, or `NO_SLOT`. */
  ownerOf(cgroupId: number): number {
    const place = this.cgroups.placeOf(cgroupId)
    return place < 0 ? NO_SLOT : this.cgroups.containerAt(place)
  }

  /** The image's slot, of a container's. */
  imageOf(container: number): number {
    return this.#imageOf[container]!
  }

  releaseImage(image: ImageHandle): Refusal | undefined {
    const slot = this.images.slotOf(image)
    if (slot === NO_SLOT) return 'stale'
    if (this.#users[slot]! > 0) return 'in-use'
    this.images.release(image)
    return undefined
  }

  addContainer(image: ImageHandle | undefined): ContainerHandle | 'full' | 'stale' {
    const imageSlot = this.#imageSlotOf(image)
    if (imageSlot === NO_SLOT) return 'stale'
    const container = this.containers.take()
    if (container === undefined) return 'full'
    const slot = this.containers.slotOf(container)
    this.#imageOf[slot] = imageSlot
    this.#users[imageSlot]!++
    this.#cgroupsOf[slot] = new Set()
    return container
  }

  assign(container: ContainerHandle, image: ImageHandle | undefined): Refusal | undefined {
    const slot = this.containers.slotOf(container)
    const imageSlot = this.#imageSlotOf(image)
    if (slot === NO_SLOT || imageSlot === NO_SLOT) return 'stale'
    this.#users[this.#imageOf[slot]!]!--
    this.#imageOf[slot] = imageSlot
    this.#users[imageSlot]!++
    for (const cgroupId of this.#cgroupsOf[slot]!) this.cgroups.set(cgroupId, slot, imageSlot)
    return undefined
  }

  /** The container and its cgroups are gone. */
  releaseContainer(container: ContainerHandle): Refusal | undefined {
    const slot = this.containers.slotOf(container)
    if (slot === NO_SLOT) return 'stale'
    for (const cgroupId of this.#cgroupsOf[slot]!) this.cgroups.delete(cgroupId)
    this.#cgroupsOf[slot] = undefined
    this.#users[this.#imageOf[slot]!]!--
    this.containers.release(container)
    return undefined
  }

  /** The cgroup belongs to the container from now on, whatever it belonged to before. An id is a whole number. */
  track(cgroupId: number, container: ContainerHandle): Refusal | undefined {
    const slot = this.containers.slotOf(container)
    if (slot === NO_SLOT) return 'stale'
    const owner = this.ownerOf(cgroupId)
    if (owner === slot) return undefined
    const cgroups = this.#cgroupsOf[slot]!
    if (cgroups.size >= this.#limits.cgroupsOfContainer) return 'full'
    if (cgroups.size > 0 && this.cgroups.size >= this.#limits.cgroups) return 'full'
    if (owner !== NO_SLOT) this.#cgroupsOf[owner]!.delete(cgroupId)
    this.cgroups.set(cgroupId, slot, this.#imageOf[slot]!)
    cgroups.add(cgroupId)
    return undefined
  }

  untrack(cgroupId: number): void {
    const owner = this.ownerOf(cgroupId)
    if (owner === NO_SLOT) return
    this.#cgroupsOf[owner]!.delete(cgroupId)
    this.cgroups.delete(cgroupId)
  }

  /** The slots of the containers that have the image of that slot. O(capacity). */
  usersOf(image: number): readonly number[] {
    return this.#cgroupsOf.flatMap((cgroups, slot) =>
      cgroups !== undefined && this.#imageOf[slot] === image ? [slot] : [],
    )
  }

  #imageSlotOf(image: ImageHandle | undefined): number {
    return image === undefined ? this.noImage : this.images.slotOf(image)
  }
}
