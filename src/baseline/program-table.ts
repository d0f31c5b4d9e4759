/**
 * Program paths, interned: evidence refers to them by a small number. Bounded; a path that finds no room gets
 * `NO_PROGRAM`, which evidence shows as "and others".
 */
import type { ByteString } from '../bytes.js'
import { boundedBytes, compareText, ownBytes, PATH_BYTES, PROGRAM_LIMIT } from './limits.js'

/** What a path gets when the table is full. */
export const NO_PROGRAM = -1

/** Ids are 0, 1, 2, ... in the order of first use and never change. */
export class ProgramTable {
  readonly #ids = new Map<ByteString, number>()
  readonly #paths: ByteString[] = []
  /** By the ids: most items have one of a few sets of programs. */
  readonly #lists = new Map<string, readonly ByteString[]>()

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

  /** The paths of ids that `idOf` gave, in byte order; the same ids give the same list. */
  listOf(ids: Uint16Array): readonly ByteString[] {
    const key = String.fromCharCode(...ids)
    const known = this.#lists.get(key)
    if (known !== undefined) return known
    const list = Array.from(ids, (id) => this.#paths[id]!).sort(compareText)
    this.#lists.set(key, list)
    return list
  }
}
