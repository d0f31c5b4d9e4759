/**
 * The runs behind a baseline: a state-based CRDT, whose join is commutative, associative and idempotent, byte for byte on
 * disk. That is what lets replicas, CI shards and hosts add up without asking each other.
 *
 *   runs      the latest ones, each with what it did
 *   folded    what is left of those up to `folded.upTo`
 *
 * Bounds do not break it. Runs are folded from the oldest on, until the rest is within the limits; how much room a run takes
 * only grows when it is joined with more of itself, so whatever one grouping folds early, every other one folds in the end,
 * and folding two states of a run is folding their join.
 */
import type { ByteString } from '../bytes.js'
import { type FoldedRuns, foldedRun, joinedFolded } from './folded-runs.js'
import {
  compareText,
  INCIDENCE_LIMIT,
  LISTED_TEXT_BYTES,
  PROGRAM_LIMIT,
  RUN_LIMIT,
} from './limits.js'
import { withPrograms } from './program-bound.js'
import { compareRuns } from './run.js'
import { joinedRecord, programsOf, type RunRecord } from './run-record.js'
import { unionOf } from './union.js'

export interface History {
  /**
   * Programs that evidence may name, in byte order: of all that any run named the first `PROGRAM_LIMIT`. What one displaced
   * is kept here although no item names it any more, so that the bound does not hang on the order of joining.
   */
  readonly programs: readonly ByteString[]
  /** By (start, id), all after `folded.upTo`. */
  readonly runs: readonly RunRecord[]
  readonly folded: FoldedRuns | undefined
}

/** What is listed at most; the rest is folded. */
export interface HistoryLimits {
  readonly runs: number
  /** (Run, item) pairs. */
  readonly items: number
  readonly textBytes: number
  /** Programs that evidence may name, at least 1. */
  readonly programs: number
}

export const HISTORY_LIMITS: HistoryLimits = {
  runs: RUN_LIMIT,
  items: INCIDENCE_LIMIT,
  textBytes: LISTED_TEXT_BYTES,
  programs: PROGRAM_LIMIT,
}

export const NO_HISTORY: History = { programs: [], runs: [], folded: undefined }

/** The history of those runs, which may be in any order, each once; not within any limits yet. */
export function historyOf(runs: readonly RunRecord[]): History {
  const programs = runs.map((run) => [...programsOf(run)].sort(compareText))
  return {
    programs: unionOf(programs, compareText, (path) => path),
    runs: runs.toSorted(compareRuns),
    folded: undefined,
  }
}

/** Whether so much may be listed. */
export function isWithin(runs: readonly RunRecord[], limits: HistoryLimits): boolean {
  return firstWithin(runs, limits) === 0
}

/** What both say together, within the limits. O(runs), and O(items) of the runs that are shared or folded. */
export function joinedHistory(a: History, b: History, limits = HISTORY_LIMITS): History {
  const programs = unionOf([a.programs, b.programs], compareText, (path) => path)
  const runs = unionOf([a.runs, b.runs], compareRuns, joinedRecord)
  const folded = joinedFolded([a.folded, b.folded].filter((part) => part !== undefined))
  const first = Math.max(firstAfter(runs, folded), firstWithin(runs, limits))
  const history: History = {
    programs,
    runs: runs.slice(first),
    folded: joinedFolded([
      ...(folded === undefined ? [] : [folded]),
      ...runs.slice(0, first).map(foldedRun),
    ]),
  }
  return programs.length <= limits.programs ? history : withPrograms(history, limits.programs)
}

/** Index of the first run that is not as old as what is folded. */
function firstAfter(runs: readonly RunRecord[], folded: FoldedRuns | undefined): number {
  if (folded === undefined) return 0
  const first = runs.findIndex((run) => compareRuns(run, folded.upTo) > 0)
  return first < 0 ? runs.length : first
}

/** Index of the first run from which on all are within the limits. */
function firstWithin(runs: readonly RunRecord[], limits: HistoryLimits): number {
  let items = 0
  let textBytes = 0
  for (let at = runs.length - 1; at >= 0; at--) {
    items += runs[at]!.items
    textBytes += runs[at]!.textBytes
    const isTooMuch = items > limits.items || textBytes > limits.textBytes
    if (isTooMuch || runs.length - at > limits.runs) return at + 1
  }
  return 0
}
