/**
 * Slots of a structure of arrays, given out and taken back. What is given out is a handle: the slot, and how often the slot
 * was given out before, so that a handle that outlived its owner is known as stale instead of trusted.
 *
 *   handle       generation * 65536 + slot       exact up to 2^48
 *   free         Uint16Array   stack of free slots; the one that came back last goes first
 *   generations  Uint32Array   by slot, from 1: no handle is 0
 *
 * Everything is O(1); 6 bytes per slot.
 */
const SLOT_LIMIT = 65_536

export type ContainerHandle = number & { readonly __container: unique symbol }
export type ImageHandle = number & { readonly __image: unique symbol }

/** No slot. */
export const NO_SLOT = -1

export class Handles<Handle extends ContainerHandle | ImageHandle> {
  readonly capacity: number
  readonly #free: Uint16Array
  readonly #generations: Uint32Array
  #freeCount: number

  /** `capacity` is at most 65,536. */
  constructor(capacity: number) {
    this.capacity = capacity
    this.#free = Uint16Array.from({ length: capacity }, (_, i) => capacity - 1 - i)
    this.#generations = new Uint32Array(capacity).fill(1)
    this.#freeCount = capacity
  }

  get size(): number {
    return this.capacity - this.#freeCount
  }

  /** A free slot, or undefined if there is none. */
  take(): Handle | undefined {
    if (this.#freeCount === 0) return undefined
    return this.handleOf(this.#free[--this.#freeCount]!)
  }

  /** The slot goes back; the handle is stale from now on. False if it was so before. */
  release(handle: Handle): boolean {
    const slot = this.slotOf(handle)
    if (slot === NO_SLOT) return false
    this.#generations[slot] = this.#generations[slot]! + 1
    this.#free[this.#freeCount++] = slot
    return true
  }

  /** The slot of a handle, or `NO_SLOT` if the handle is stale or was never given out. */
  slotOf(handle: Handle): number {
    const slot = handle % SLOT_LIMIT
    return this.#generations[slot] === Math.floor(handle / SLOT_LIMIT) ? slot : NO_SLOT
  }

  /** The handle that was given out for a slot that is taken. */
  handleOf(slot: number): Handle {
    return (this.#generations[slot]! * SLOT_LIMIT + slot) as Handle
  }
}
