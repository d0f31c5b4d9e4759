/**
 * A program that was executed, as an item of a baseline: a path and the file that was mapped for it. The inode is no part
 * of it, because it differs between containers of one image.
 */
import type { ByteString } from '../bytes.js'
import type { ExecObservation } from '../observation.js'
import type { Evidence } from './evidence.js'
import { boundedBytes, compareText, NAME_BYTES, PATH_BYTES } from './limits.js'

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

/** The program with that evidence. */
export function execOf(facts: ExecFacts, evidence: Evidence): ExecItem {
  const { path, exe, fsMagic, otherFs, upper, fileless, truncated } = facts
  const { firstMs, lastMs, count, runs, windows, programs, morePrograms } = evidence
  return {
    path,
    exe,
    fsMagic,
    otherFs,
    upper,
    fileless,
    truncated,
    firstMs,
    lastMs,
    count,
    runs,
    windows,
    programs,
    morePrograms,
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

/** What two tellings of one program say together. The file system is that of the earlier one. */
export function joinedExecFacts(a: ExecItem, b: ExecItem): ExecFacts {
  // Of two that were first seen at the same time the smaller magic counts: any choice will do that both orders make.
  const order = a.firstMs - b.firstMs || a.fsMagic - b.fsMagic
  return {
    path: a.path,
    exe: a.exe,
    fsMagic: order <= 0 ? a.fsMagic : b.fsMagic,
    otherFs: a.otherFs || b.otherFs || a.fsMagic !== b.fsMagic,
    upper: a.upper || b.upper,
    fileless: a.fileless || b.fileless,
    truncated: a.truncated || b.truncated,
  }
}
