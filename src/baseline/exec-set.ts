/**
 * Which programs one lineage executed. An item is a path and the file that was mapped for it; the inode is no part of it,
 * because it differs between containers of one image.
 */
import type { ByteString } from '../bytes.js'
import type { ExecObservation } from '../observation.js'
import type { Collapsed } from './collapsed.js'
import type { Evidence } from './evidence.js'
import { KeyedSet } from './keyed-set.js'
import {
  boundedBytes,
  compareText,
  EXEC_LIMIT,
  NAME_BYTES,
  ownBytes,
  PATH_BYTES,
} from './limits.js'
import type { ProgramTable } from './program-table.js'
import type { RunMarks } from './run-marks.js'

/** What is kept of a program beside evidence. The flags say "was so at least once" and are never taken back. */
export interface ExecFacts {
  readonly path: ByteString
  /** Name of the mapped file: a script's interpreter. */
  readonly exe: ByteString
  /** `s_magic` of the file system on which it was first seen; 32 bits. */
  readonly fsMagic: number
  /** It was on another file system too. */
  readonly otherFs: boolean
  /** Written after the container was made (in the upper layer of its overlay). */
  readonly upper: boolean
  /** Without a name in any directory: a deleted file or a memfd. */
  readonly fileless: boolean
  /** Path or name is cut, by the sensor or here. */
  readonly truncated: boolean
}

/** One program with its evidence. */
export interface ExecItem extends ExecFacts, Evidence {}

/** The set; marks begin at `firstMark`, `EXEC_LIMIT` of them. */
export class ExecSet {
  readonly #set: KeyedSet<{ -readonly [Fact in keyof ExecFacts]: ExecFacts[Fact] }>

  constructor(firstMark: number) {
    this.#set = new KeyedSet(EXEC_LIMIT, firstMark)
  }

  get size(): number {
    return this.#set.size
  }

  get collapsed(): Collapsed | undefined {
    return this.#set.collapsed
  }

  /**
   * One execution, as `boundedExec` gives it; whether the program is new to the set. `program` is the id of the one that
   * executed it.
   */
  learn(marks: RunMarks, seen: ExecObservation, program: number | undefined): boolean {
    const { path, exe, upper, truncated } = seen
    const key = keyOf(path, exe)
    const fileless = seen.links === 0
    const fsMagic = seen.fsMagic >>> 0
    const known = this.#set.find(key)
    if (known !== undefined) {
      known.upper ||= upper
      known.fileless ||= fileless
      known.truncated ||= truncated
      known.otherFs ||= known.fsMagic !== fsMagic
    }
    const facts = known ?? {
      path: ownBytes(path),
      exe: ownBytes(exe),
      fsMagic,
      otherFs: false,
      upper,
      fileless,
      truncated,
    }
    return this.#set.learn(marks, key, facts, 1, seen.atMs, program)
  }

  /** Takes in a stored item that is not in the set yet. */
  restore(item: ExecItem, programs: ProgramTable): void {
    const { path, exe, fsMagic, otherFs, upper, fileless, truncated } = item
    const facts = { path, exe, fsMagic, otherFs, upper, fileless, truncated }
    this.#set.restore(keyOf(path, exe), facts, item, programs)
  }

  restoreCollapsed(collapsed: Collapsed): void {
    this.#set.restoreCollapsed(collapsed)
  }

  /** All items by (path, exe) in byte order, as copies. */
  items(programs: ProgramTable): ExecItem[] {
    return this.#set.items(programs, compareExecs)
  }
}

/** The observation with its text cut to the bounds of the model, and marked if it had to be. */
export function boundedExec(seen: ExecObservation): ExecObservation {
  if (seen.path.length <= PATH_BYTES && seen.exe.length <= NAME_BYTES) return seen
  const path = boundedBytes(seen.path, PATH_BYTES)
  const exe = boundedBytes(seen.exe, NAME_BYTES)
  return { ...seen, path, exe, truncated: true }
}

/** The order of executions in every list. */
export function compareExecs(
  a: Pick<ExecFacts, 'path' | 'exe'>,
  b: Pick<ExecFacts, 'path' | 'exe'>,
): number {
  return compareText(a.path, b.path) || compareText(a.exe, b.exe)
}

/** The length says where the path ends, because both may contain anything. */
function keyOf(path: ByteString, exe: ByteString): string {
  return `${path.length} ${path}${exe}`
}
