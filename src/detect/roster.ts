/**
 * What the matcher judges, and by what: images and what they allow, their containers, the cgroups of those, and what was
 * counted. Nothing here is on the hot path; whatever does not fit or is stale is refused, for the caller to report.
 */
import { type AllowedSet, keyCountOf } from './allowed-set.js'
import {
  abiOfCall,
  callOfHigh,
  isNamed,
  KIND_CODE,
  kindOfHigh,
  lineageOfHigh,
} from './fact-code.js'
import { type ContainerHandle, type ImageHandle, NO_SLOT } from './handles.js'
import { ImageColumns } from './image-columns.js'
import { Interner } from './interner.js'
import { Tally } from './tally.js'
import { type Refusal, Tracked } from './tracked.js'

export const MATCHER_LIMITS = {
  images: 1024,
  containers: 4096,
  cgroups: 65_536,
  cgroupsOfContainer: 4096,
  /** Distinct items of one kind that are told apart in one container. */
  itemsOfKind: 4096,
  /** Items of all kinds that find room in a container whatever the others do. */
  reservedItems: 64,
  /** Items of all containers together, beyond the reserved ones. */
  sharedItems: 262_144,
  /** Keys that all images allow. */
  imageKeys: 1_048_576,
}
export type MatcherLimits = Readonly<typeof MATCHER_LIMITS>

/**
 * What allows keys that no list can: a pattern of the policy. Asked about each key that is neither listed nor counted, so
 * it may look at whose the container is.
 */
export interface Permits {
  allowsKey(container: ContainerHandle, lineage: number, kind: number, key: string): boolean
}

const PERMITS_NOTHING: Permits = { allowsKey: () => false }

export class Roster {
  readonly permits: Permits
  readonly interner = new Interner()
  readonly tracked: Tracked
  readonly images: ImageColumns
  readonly tally: Tally
  readonly #limits: MatcherLimits
  /** By image: how many keys it allows. */
  readonly #keyCounts: Uint32Array
  #keyCount = 0

  constructor(limits: MatcherLimits = MATCHER_LIMITS, permits: Permits = PERMITS_NOTHING) {
    this.#limits = limits
    this.permits = permits
    this.tracked = new Tracked(limits)
    this.images = new ImageColumns(limits.images + 1, this.interner)
    this.#keyCounts = new Uint32Array(limits.images)
    this.tally = new Tally(limits.containers, {
      perKind: limits.itemsOfKind,
      reserved: limits.reservedItems,
      shared: limits.sharedItems,
    })
  }

  /** An image that is not judged until it is set. */
  addImage(): ImageHandle | 'full' {
    return this.tracked.images.take() ?? 'full'
  }

  /**
   * Replaces what the image allows, in place; undefined: there is nothing to judge it by. Its containers keep what was
   * counted, less what is allowed now. Refused, it stays as it is.
   */
  setImage(image: ImageHandle, allowed: AllowedSet | undefined): Refusal | undefined {
    const slot = this.tracked.images.slotOf(image)
    if (slot === NO_SLOT) return 'stale'
    const keys = allowed === undefined ? 0 : keyCountOf(allowed)
    const keyCount = this.#keyCount - this.#keyCounts[slot]! + keys
    if (keyCount > this.#limits.imageKeys) return 'full'
    this.#keyCount = keyCount
    this.#keyCounts[slot] = keys
    this.images.set(slot, allowed)
    for (const container of this.tracked.usersOf(slot)) this.#forgetAllowed(container)
    return undefined
  }

  /** Adds the bits to the marks of all that is counted of the image's containers. */
  markAll(image: ImageHandle, bits: number): void {
    const slot = this.tracked.images.slotOf(image)
    if (slot === NO_SLOT) return
    for (const container of this.tracked.usersOf(slot)) this.tally.markAll(container, bits)
  }

  /** The image goes, which no container may have any longer. */
  releaseImage(image: ImageHandle): Refusal | undefined {
    const slot = this.tracked.images.slotOf(image)
    const refusal = this.tracked.releaseImage(image)
    if (refusal !== undefined) return refusal
    this.images.set(slot, undefined)
    this.#keyCount -= this.#keyCounts[slot]!
    this.#keyCounts[slot] = 0
    return undefined
  }

  /** A container without cgroups; undefined: its image is not known yet, so it is not judged. */
  addContainer(image: ImageHandle | undefined): ContainerHandle | 'full' | 'stale' {
    return this.tracked.addContainer(image)
  }

  /** The container's image is known now, or is another one. */
  assign(container: ContainerHandle, image: ImageHandle | undefined): Refusal | undefined {
    const refusal = this.tracked.assign(container, image)
    if (refusal === undefined) this.#forgetAllowed(this.slotOf(container))
    return refusal
  }

  /** The container goes, with its cgroups and all that was counted. */
  releaseContainer(container: ContainerHandle): Refusal | undefined {
    const slot = this.slotOf(container)
    const refusal = this.tracked.releaseContainer(container)
    if (refusal !== undefined) return refusal
    this.#removeWhere(slot, () => true)
    this.tally.clear(slot)
    return undefined
  }

  /** The cgroup is one of the container's from now on. Refused, what happens in it is `UNTRACKED`. */
  track(cgroupId: number, container: ContainerHandle): Refusal | undefined {
    return this.tracked.track(cgroupId, container)
  }

  untrack(cgroupId: number): void {
    this.tracked.untrack(cgroupId)
  }

  /** The container that the cgroup belongs to. */
  containerOf(cgroupId: number): ContainerHandle | undefined {
    const slot = this.tracked.ownerOf(cgroupId)
    return slot === NO_SLOT ? undefined : this.tracked.containers.handleOf(slot)
  }

  /** The slot of a container, below `limits.containers`, or `NO_SLOT` of a stale one. */
  slotOf(container: ContainerHandle): number {
    return this.tracked.containers.slotOf(container)
  }

  /** Whether the image is allowed any call under the ABI. */
  usesAbi(image: ImageHandle, abi: number): boolean {
    const slot = this.tracked.images.slotOf(image)
    return slot !== NO_SLOT && this.images.usesAbi(slot, abi)
  }

  /** Distinct items that are counted for the container. */
  itemsOf(container: ContainerHandle): number {
    const slot = this.slotOf(container)
    return slot === NO_SLOT ? 0 : this.tally.sizeOf(slot)
  }

  /** How often the container did things of that kind for which there was no room. */
  overflowOf(container: ContainerHandle, kind: number): number {
    const slot = this.slotOf(container)
    return slot === NO_SLOT ? 0 : this.tally.overflowOf(slot, kind)
  }

  /** Takes out what is allowed now: if it is forbidden again some day, it is new again. */
  #forgetAllowed(container: number): void {
    const image = this.tracked.imageOf(container)
    const handle = this.tracked.containers.handleOf(container)
    this.#removeWhere(container, (high, low) => this.#isAllowed(handle, image, high, low))
  }

  #removeWhere(container: number, isOver: (high: number, low: number) => boolean): void {
    this.tally.removeWhere(container, (high, low) => {
      if (!isOver(high, low)) return false
      if (isNamed(kindOfHigh(high))) this.interner.drop(low)
      return true
    })
  }

  #isAllowed(container: ContainerHandle, image: number, high: number, low: number): boolean {
    const kind = kindOfHigh(high)
    const call = callOfHigh(high)
    if (isNamed(kind)) {
      if (this.images.allowsKey(image, kind, low)) return true
      return this.permits.allowsKey(container, lineageOfHigh(high), kind, this.interner.keyOf(low))
    }
    switch (kind) {
      case KIND_CODE.syscall:
        return this.images.allowsCall(image, call)
      case KIND_CODE.argument:
        return this.images.allowsArgument(image, call, low)
      case KIND_CODE.abi:
        return this.images.usesAbi(image, abiOfCall(call))
      case KIND_CODE.capability:
        return this.images.allowsCapability(image, low)
      case KIND_CODE.io_uring:
        return this.images.allowsOpcode(image, low)
      case KIND_CODE.denied:
        return this.images.allowsDenial(image, call, low)
      default:
        return false
    }
  }
}
