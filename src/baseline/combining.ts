/** The two ways in which several tellings of what a lineage did become one: joined or added up. Pure. */
import { type Collapsed, joinedCollapsed, summedCollapsed } from './collapsed.js'
import { type Evidence, joinedEvidence, summedEvidence } from './evidence.js'

/** What becomes of equal items, of markers, and of a set that would be too large. */
export interface Combining {
  readonly evidence: (a: Evidence, b: Evidence) => Evidence
  readonly marker: (a: Collapsed, b: Collapsed) => Collapsed
  /** Items of the lowest rank stay. */
  readonly rank: (item: Evidence, textBytes: number) => number
}

/**
 * Joining is idempotent: a run can be met any number of times. Of a set that would be too large the longest texts stay,
 * because what stays must not hang on evidence, which joining changes, and what is joined must not shrink (see `history`).
 */
export const JOINING: Combining = {
  evidence: joinedEvidence,
  marker: joinedCollapsed,
  rank: (_, textBytes) => -textBytes,
}

/** What was seen first stays. */
export const SUMMING: Combining = {
  evidence: summedEvidence,
  marker: summedCollapsed,
  rank: ({ firstMs }) => firstMs,
}
