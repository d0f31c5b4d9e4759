/**
 * Program paths, interned: evidence refers to them by a small number. Bounded; a path that finds no room gets
 * `NO_PROGRAM`, which evidence shows as "and others".
 */
import type { ByteString } from '../bytes.js'
import { boundedBytes, ownBytes, PATH_BYTES, PROGRAM_LIMIT } from './limits.js'

/** What a path gets when the table is full. */
export const NO_PROGRAM = -1

/** Ids are 0, 1, 2, ... in the order of first use and never change. */
export class ProgramTable {
  readonly #ids = new Map<ByteString, number>()
  readonly #paths: ByteString[] = []

  get size(): number {
    return this.#paths.length
  }

  /** The id of the path, new or known, or `NO_PROGRAM`. One hash look-up; allocates for a new path only. */
  idOf(path: ByteString): number {
    const known = this.#ids.get(path)
    if (known !== undefined) return known
    const kept = boundedBytes(path, PATH_BYTES)
    if (kept !== path) return this.idOf(kept)
    if (this.#paths.length === PROGRAM_LIMIT) return NO_PROGRAM
    const id = this.#paths.length
    const own = ownBytes(kept)
    this.#paths.push(own)
    this.#ids.set(own, id)
    return id
  }

  /** The path of an id that `idOf` gave. */
  pathOf(id: number): ByteString {
    const path = this.#paths[id]
    if (path === undefined) throw new RangeError(`no program ${id} of ${this.#paths.length}`)
    return path
  }
}
