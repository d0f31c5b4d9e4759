/**
 * What is left of runs that are no longer listed one by one: everything that any of them did, and the most that one of them
 * says of it. That keeps folding free of order and of repetition, at a price: counts, windows and numbers of runs in here are
 * "at least", because the same run may come again and cannot be recognised.
 */
import type { Incompleteness } from '../observation.js'
import type { Behaviour } from './behaviour.js'
import { joinedIncompleteness } from './incompleteness-tally.js'
import { joinedPeaks, type ResourcePeaks } from './resources.js'
import { compareRuns, type RunKey } from './run.js'
import { type ByLineage, joinedBehaviours, type RunRecord } from './run-record.js'

export interface FoldedRuns {
  /** The last of them. A run up to here that is met later is folded too. */
  readonly upTo: RunKey
  readonly firstStartedMs: number
  /** 0 if the end of none was seen. */
  readonly lastEndedMs: number
  readonly incompleteness: readonly Incompleteness[]
  readonly behaviours: ByLineage<Behaviour>
  readonly resources: ResourcePeaks
}

/** One run, folded. */
export function foldedRun(run: RunRecord): FoldedRuns {
  const { runId, startedMs, endedMs, incompleteness, behaviours, resources } = run
  return {
    upTo: { runId, startedMs },
    firstStartedMs: startedMs,
    lastEndedMs: endedMs,
    incompleteness,
    behaviours,
    resources,
  }
}

/** All of them together; undefined if there are none. */
export function joinedFolded(parts: readonly FoldedRuns[]): FoldedRuns | undefined {
  const [first] = parts
  if (first === undefined || parts.length === 1) return first
  return {
    upTo: parts.map(({ upTo }) => upTo).reduce((a, b) => (compareRuns(a, b) < 0 ? b : a)),
    firstStartedMs: parts.reduce((least, part) => Math.min(least, part.firstStartedMs), Infinity),
    lastEndedMs: parts.reduce((greatest, part) => Math.max(greatest, part.lastEndedMs), 0),
    incompleteness: joinedIncompleteness(parts.map(({ incompleteness }) => incompleteness)),
    behaviours: joinedBehaviours(parts.map(({ behaviours }) => behaviours)),
    resources: parts.map(({ resources }) => resources).reduce(joinedPeaks),
  }
}
