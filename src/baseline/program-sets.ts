/**
 * The sets of programs that a stored baseline refers to by index: few, because the same programs make most calls. Ordered by
 * the indices of their programs, then by whether there were more.
 */
import type { ByteString } from '../bytes.js'
import type { Evidence } from './evidence.js'

export type ProgramSet = Pick<Evidence, 'programs' | 'morePrograms'>

/** A set as indices of its programs. */
export interface IndexedSet {
  readonly programs: readonly number[]
  readonly more: boolean
}

interface Entry extends IndexedSet {
  position: number
}

/** All sets of a baseline, while it is encoded. */
export class ProgramSets {
  readonly #indexes: ReadonlyMap<ByteString, number>
  readonly #byKey = new Map<string, Entry>()
  /** Lists are shared by many items, so their sets are found without a look inside: without more, and with more. */
  readonly #byList = new Map<readonly ByteString[], [Entry | undefined, Entry | undefined]>()

  /** `programs` are all that any set names, in order. */
  constructor(programs: readonly ByteString[]) {
    this.#indexes = new Map(programs.map((path, index) => [path, index]))
  }

  add(set: ProgramSet): void {
    this.#entryOf(set)
  }

  /** The sets in order; no more are added from now on. */
  ordered(): readonly IndexedSet[] {
    const keys = [...this.#byKey.keys()].sort()
    return keys.map((key, position) => {
      const entry = this.#byKey.get(key)!
      entry.position = position
      return entry
    })
  }

  /** Where the set, which was added, is among the ordered ones. */
  positionOf(set: ProgramSet): number {
    return this.#entryOf(set).position
  }

  #entryOf({ programs, morePrograms }: ProgramSet): Entry {
    let entries = this.#byList.get(programs)
    if (entries === undefined) {
      entries = [undefined, undefined]
      this.#byList.set(programs, entries)
    }
    return (entries[morePrograms ? 1 : 0] ??= this.#made(programs, morePrograms))
  }

  #made(programs: readonly ByteString[], more: boolean): Entry {
    const indices = programs.map((path) => this.#indexOf(path))
    const key = orderKey({ programs: indices, more })
    const entry = this.#byKey.get(key) ?? { programs: indices, more, position: 0 }
    this.#byKey.set(key, entry)
    return entry
  }

  #indexOf(path: ByteString): number {
    const index = this.#indexes.get(path)
    if (index === undefined) throw new RangeError('a program is not among those of the baseline')
    return index
  }
}

/** Sorts as sets do, the shorter of two that begin alike first; indices are below 2^16 - 2. */
export function orderKey({ programs, more }: IndexedSet): string {
  const end = more ? 1 : 0
  return String.fromCharCode(...programs.map((index) => index + 2), end)
}
