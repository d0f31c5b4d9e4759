/**
 * What containers did that is not allowed: an entry per container, kind, lineage and item, and how often. Entries of all
 * containers share parallel columns and one index; those of one container are a list, so that they go when it goes.
 *
 *   entry       containers | highs | lows | counts | serials | next | marks
 *                  Uint16   Uint32  Uint32 Float64  Float64   Int32   Uint8
 *   index       Int32Array   entry plus one, by hash; 0 is an empty place
 *   container   heads | sizes | told | by kind: kinds (Uint16), overflow (Float64)
 *
 * Counting is O(1); 35 bytes per entry and 8 to 16 of index, 140 per container. A container has at most `perKind` entries of
 * one kind; its first `reserved` find room whatever the others do, further ones share `shared` places.
 */
import { KIND_COUNT, kindOfHigh, mixed } from './fact-code.js'

const FIRST_ENTRIES = 256
const NO_ENTRY = -1

/** Names an entry for as long as anyone may ask: never given twice. */
export type TallySerial = number & { readonly __tallySerial: unique symbol }

export interface TallyLimits {
  readonly perKind: number
  readonly reserved: number
  readonly shared: number
}

export class Tally {
  readonly #limits: TallyLimits
  #containers = new Uint16Array(FIRST_ENTRIES)
  #highs = new Uint32Array(FIRST_ENTRIES)
  #lows = new Uint32Array(FIRST_ENTRIES)
  #counts = new Float64Array(FIRST_ENTRIES)
  #serials = new Float64Array(FIRST_ENTRIES)
  #next = new Int32Array(FIRST_ENTRIES)
  /** What the caller remarked of an entry; 0 of a new one. */
  #marks = new Uint8Array(FIRST_ENTRIES)
  #index = new Int32Array(FIRST_ENTRIES * 2)
  #mask = FIRST_ENTRIES * 2 - 1
  /** Entries that were ever used, and the list of those that are free again. */
  #used = 0
  #free = NO_ENTRY
  #serial = 0
  /** Entries beyond the reserved ones of their containers. */
  #sharing = 0
  readonly #heads: Int32Array
  readonly #sizes: Uint32Array
  /** A bit per kind whose overflow was told. */
  readonly #told: Uint16Array
  readonly #kinds: Uint16Array
  readonly #overflow: Float64Array

  constructor(containers: number, limits: TallyLimits) {
    this.#limits = limits
    this.#heads = new Int32Array(containers).fill(NO_ENTRY)
    this.#sizes = new Uint32Array(containers)
    this.#told = new Uint16Array(containers)
    this.#kinds = new Uint16Array(containers * KIND_COUNT)
    this.#overflow = new Float64Array(containers * KIND_COUNT)
  }

  /** The entry, or a negative number. */
  find(container: number, high: number, low: number): number {
    return this.#index[this.#placeOf(container, high, low >>> 0)]! - 1
  }

  hasRoom(container: number, kind: number): boolean {
    if (this.#kinds[container * KIND_COUNT + kind]! >= this.#limits.perKind) return false
    return this.#sizes[container]! < this.#limits.reserved || this.#sharing < this.#limits.shared
  }

  /** A new entry; there must be room. Amortised O(1). */
  add(container: number, high: number, low: number, count: number): number {
    const entry = this.#free === NO_ENTRY ? this.#unused() : this.#free
    if (entry === this.#free) this.#free = this.#next[entry]!
    const place = this.#placeOf(container, high, low >>> 0)
    this.#index[place] = entry + 1
    this.#containers[entry] = container
    this.#highs[entry] = high
    this.#lows[entry] = low
    this.#counts[entry] = count
    this.#serials[entry] = ++this.#serial
    this.#marks[entry] = 0
    this.#next[entry] = this.#heads[container]!
    this.#heads[container] = entry
    const size = this.#sizes[container]!
    if (size >= this.#limits.reserved) this.#sharing++
    this.#sizes[container] = size + 1
    const kind = container * KIND_COUNT + kindOfHigh(high)
    this.#kinds[kind] = this.#kinds[kind]! + 1
    return entry
  }

  /** `count` further times. */
  count(entry: number, count: number): void {
    this.#counts[entry] = this.#counts[entry]! + count
  }

  countOf(entry: number): number {
    return this.#counts[entry]!
  }

  serialOf(entry: number): TallySerial {
    return this.#serials[entry]! as TallySerial
  }

  kindOf(entry: number): number {
    return kindOfHigh(this.#highs[entry]!)
  }

  markOf(entry: number): number {
    return this.#marks[entry]!
  }

  /** One byte. */
  mark(entry: number, mark: number): void {
    this.#marks[entry] = mark
  }

  /** Adds the bits to the marks of all entries of the container. O(entries of the container). */
  markAll(container: number, bits: number): void {
    for (let entry = this.#heads[container]!; entry !== NO_ENTRY; entry = this.#next[entry]!) {
      this.#marks[entry] = this.#marks[entry]! | bits
    }
  }

  /** `count` times that found no room; whether they are the container's first of that kind. */
  overflowed(container: number, kind: number, count: number): boolean {
    const at = container * KIND_COUNT + kind
    this.#overflow[at] = this.#overflow[at]! + count
    const told = this.#told[container]!
    this.#told[container] = told | (1 << kind)
    return ((told >>> kind) & 1) === 0
  }

  overflowOf(container: number, kind: number): number {
    return this.#overflow[container * KIND_COUNT + kind]!
  }

  /** Entries of the container. */
  sizeOf(container: number): number {
    return this.#sizes[container]!
  }

  /** Takes out those entries of the container of which `isOver` says so. O(entries of the container). */
  removeWhere(container: number, isOver: (high: number, low: number) => boolean): void {
    let before = NO_ENTRY
    let entry = this.#heads[container]!
    while (entry !== NO_ENTRY) {
      const next = this.#next[entry]!
      if (isOver(this.#highs[entry]!, this.#lows[entry]!)) {
        if (before === NO_ENTRY) this.#heads[container] = next
        else this.#next[before] = next
        this.#remove(entry)
      } else before = entry
      entry = next
    }
  }

  /** Forgets what was told and counted of a container that has no entries: its slot may become another's. */
  clear(container: number): void {
    this.#told[container] = 0
    this.#overflow.fill(0, container * KIND_COUNT, (container + 1) * KIND_COUNT)
  }

  #remove(entry: number): void {
    this.#removeFromIndex(entry)
    const container = this.#containers[entry]!
    const size = this.#sizes[container]! - 1
    this.#sizes[container] = size
    if (size >= this.#limits.reserved) this.#sharing--
    const kind = container * KIND_COUNT + kindOfHigh(this.#highs[entry]!)
    this.#kinds[kind] = this.#kinds[kind]! - 1
    this.#next[entry] = this.#free
    this.#free = entry
  }

  /** Fills the place up from behind, as `CgroupTable` does. */
  #removeFromIndex(entry: number): void {
    const index = this.#index
    const mask = this.#mask
    let hole = this.#homeOf(entry) & mask
    while (index[hole] !== entry + 1) hole = (hole + 1) & mask
    for (let at = (hole + 1) & mask; index[at] !== 0; at = (at + 1) & mask) {
      const distance = (at - this.#homeOf(index[at]! - 1)) & mask
      if (distance < ((at - hole) & mask)) continue
      index[hole] = index[at]!
      hole = at
    }
    index[hole] = 0
  }

  #placeOf(container: number, high: number, low: number): number {
    const index = this.#index
    const mask = this.#mask
    let place = mixed(container, high, low) & mask
    for (let entry = index[place]! - 1; entry >= 0; entry = index[place]! - 1) {
      if (
        this.#containers[entry] === container &&
        this.#highs[entry] === high &&
        this.#lows[entry] === low
      ) {
        return place
      }
      place = (place + 1) & mask
    }
    return place
  }

  #homeOf(entry: number): number {
    return mixed(this.#containers[entry]!, this.#highs[entry]!, this.#lows[entry]!)
  }

  #unused(): number {
    if (this.#used === this.#highs.length) this.#grow()
    return this.#used++
  }

  #grow(): void {
    const entries = this.#highs.length * 2
    this.#containers = copiedInto(new Uint16Array(entries), this.#containers)
    this.#highs = copiedInto(new Uint32Array(entries), this.#highs)
    this.#lows = copiedInto(new Uint32Array(entries), this.#lows)
    this.#counts = copiedInto(new Float64Array(entries), this.#counts)
    this.#serials = copiedInto(new Float64Array(entries), this.#serials)
    this.#next = copiedInto(new Int32Array(entries), this.#next)
    this.#marks = copiedInto(new Uint8Array(entries), this.#marks)
    this.#index = new Int32Array(entries * 2)
    this.#mask = entries * 2 - 1
    // It grows when none is free, so all that were used are in use.
    for (let entry = 0; entry < this.#used; entry++) {
      let place = this.#homeOf(entry) & this.#mask
      while (this.#index[place] !== 0) place = (place + 1) & this.#mask
      this.#index[place] = entry + 1
    }
  }
}

function copiedInto<T extends { set(from: T): void }>(to: T, from: T): T {
  to.set(from)
  return to
}
