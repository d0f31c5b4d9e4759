/**
 * Keys of programs and endpoints as small numbers. An id is held by whoever keeps it - an image that allows the key, a
 * container that it is counted for - and is free again when the last one drops it. How many there may be is for the holders
 * to bound.
 *
 * Looking up a known key is one look-up in a Map and allocates nothing. Per key some 70 bytes and its own text.
 */
import type { ByteString } from '../bytes.js'
import { ownBytes } from '../baseline/limits.js'

/** What a key gets that nobody holds. */
export const NO_ID = -1

export class Interner {
  readonly #ids = new Map<string, number>()
  /** By id. */
  readonly #keys: string[] = []
  readonly #holders: number[] = []
  readonly #free: number[] = []

  /** Keys that somebody holds. */
  get size(): number {
    return this.#ids.size
  }

  /** The id of the key, or `NO_ID`. */
  idOf(key: string): number {
    return this.#ids.get(key) ?? NO_ID
  }

  /** The key of an id that is held. */
  keyOf(id: number): string {
    return this.#keys[id]!
  }

  /** One more holder of the key. Keys are strings of bytes, as those of `baseline/item-key`. */
  hold(key: string): number {
    const known = this.#ids.get(key)
    if (known !== undefined) {
      this.#holders[known] = this.#holders[known]! + 1
      return known
    }
    const id = this.#free.pop() ?? this.#keys.length
    const copy = ownBytes(key as ByteString)
    const own = copy === key ? copy : key
    this.#keys[id] = own
    this.#holders[id] = 1
    this.#ids.set(own, id)
    return id
  }

  /** One holder less of an id that is held. */
  drop(id: number): void {
    const holders = this.#holders[id]! - 1
    this.#holders[id] = holders
    if (holders > 0) return
    this.#ids.delete(this.#keys[id]!)
    this.#keys[id] = ''
    this.#free.push(id)
  }
}
