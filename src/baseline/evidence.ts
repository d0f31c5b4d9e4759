/**
 * Why an item is believed: in the record of one run what that run tells, elsewhere what all runs tell together. Two states of
 * one run are joined: the greatest count is the latest, and doing it again changes nothing. Different runs are added up.
 */
import type { ByteString } from '../bytes.js'
import { compareText, PROGRAMS_PER_ITEM } from './limits.js'

/** Times are milliseconds since the epoch. */
export interface Evidence {
  readonly firstMs: number
  readonly lastMs: number
  /** Times seen; 0 if announced by a hint only and not yet counted by the kernel's map. */
  readonly count: number
  /** Runs it was seen in: 1 in the record of a run, and 1 of folded runs, however many did it. */
  readonly runs: number
  /** Time windows of the runs in which the count grew. */
  readonly windows: number
  /** Paths of programs that did it, in byte order, at most 8. */
  readonly programs: readonly ByteString[]
  /** There were more programs than are listed. */
  readonly morePrograms: boolean
}

/** Of two states of one run, or of two sets of folded runs: neither says more than this. */
export function joinedEvidence(a: Evidence, b: Evidence): Evidence {
  const { programs, morePrograms } = unitedPrograms(a, b)
  return {
    firstMs: Math.min(a.firstMs, b.firstMs),
    lastMs: Math.max(a.lastMs, b.lastMs),
    count: Math.max(a.count, b.count),
    runs: Math.max(a.runs, b.runs),
    windows: Math.max(a.windows, b.windows),
    programs,
    morePrograms,
  }
}

/** Of different runs. Counts stop at 2^53 - 1. */
export function summedEvidence(a: Evidence, b: Evidence): Evidence {
  const { programs, morePrograms } = unitedPrograms(a, b)
  return {
    firstMs: Math.min(a.firstMs, b.firstMs),
    lastMs: Math.max(a.lastMs, b.lastMs),
    count: Math.min(a.count + b.count, Number.MAX_SAFE_INTEGER),
    runs: a.runs + b.runs,
    windows: a.windows + b.windows,
    programs,
    morePrograms,
  }
}

type Programs = Pick<Evidence, 'programs' | 'morePrograms'>

/** The first in byte order stay, so that it does not matter in which order many are united. */
function unitedPrograms(a: Programs, b: Programs): Programs {
  const morePrograms = a.morePrograms || b.morePrograms
  if (isSame(a.programs, b.programs)) return { programs: a.programs, morePrograms }
  const programs = [...new Set([...a.programs, ...b.programs])].sort(compareText)
  if (programs.length <= PROGRAMS_PER_ITEM) return { programs, morePrograms }
  return { programs: programs.slice(0, PROGRAMS_PER_ITEM), morePrograms: true }
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((path, i) => path === b[i]))
}
