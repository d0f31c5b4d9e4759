/**
 * A bounded map whose entries belong to owners: what was used least lately goes first. An owner that adds without end
 * pushes out its own entries only; all together too many, the one with the most pays. Pure.
 */

/** Of all entries, what one owner may have. */
const OWN_SHARE = 8
/** Of the entries of the largest owner, what goes at once when all owners together have too many. */
const CUT_SHARE = 8

interface Entry<Value> {
  readonly owner: number
  readonly value: Value
}

export class FairCache<Key, Value> {
  readonly #limit: number
  readonly #ownLimit: number
  readonly #gone: (value: Value) => void
  readonly #entries = new Map<Key, Entry<Value>>()
  /** By owner; what was used least lately is first. */
  readonly #keys = new Map<number, Set<Key>>()

  /** `gone` is told of values that were pushed out. */
  constructor(limit: number, gone: (value: Value) => void = () => undefined) {
    this.#limit = limit
    this.#ownLimit = Math.ceil(limit / OWN_SHARE)
    this.#gone = gone
  }

  get size(): number {
    return this.#entries.size
  }

  /** The value, which does not count as used. */
  peek(key: Key): Value | undefined {
    return this.#entries.get(key)?.value
  }

  /** The value, which is the last one used now. */
  get(key: Key): Value | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    const keys = this.#keys.get(entry.owner)
    if (keys?.delete(key) === true) keys.add(key)
    return entry.value
  }

  /** Puts the value in; the key belongs to that owner from now on. Amortised O(1) but for the number of owners. */
  set(key: Key, owner: number, value: Value): void {
    this.delete(key)
    const keys = this.#keys.get(owner) ?? new Set()
    this.#keys.set(owner, keys)
    keys.add(key)
    this.#entries.set(key, { owner, value })
    if (keys.size > this.#ownLimit) this.#push(keys, 1)
    if (this.#entries.size > this.#limit) {
      const largest = this.#largest()
      this.#push(largest, Math.ceil(largest.size / CUT_SHARE))
    }
  }

  delete(key: Key): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    const keys = this.#keys.get(entry.owner)
    keys?.delete(key)
    if (keys?.size === 0) this.#keys.delete(entry.owner)
  }

  /** Takes out all that the owner has. */
  forget(owner: number): void {
    for (const key of this.#keys.get(owner) ?? []) this.#entries.delete(key)
    this.#keys.delete(owner)
  }

  #push(keys: Set<Key>, count: number): void {
    let left = count
    // Deleting what a Set's iteration is at is sound (ECMA-262, section 24.2.6).
    for (const key of keys) {
      if (left-- === 0) return
      const entry = this.#entries.get(key)
      this.delete(key)
      if (entry !== undefined) this.#gone(entry.value)
    }
  }

  #largest(): Set<Key> {
    let largest = new Set<Key>()
    for (const keys of this.#keys.values()) if (keys.size > largest.size) largest = keys
    return largest
  }
}
