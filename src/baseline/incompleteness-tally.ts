/**
 * Reasons for incompleteness, added up: one entry per (reason, detail), with the sum of the counts and the gap that
 * spans all gaps. Bounded: when details run out of room, the reason itself still counts, without detail.
 */
import { type Incompleteness, type Reason, REASONS } from '../observation.js'
import { boundedMs, boundedText, compareText, DETAIL_LIMIT } from './limits.js'

/** Entries a tally can have: the detailed ones and one without detail per reason. */
export const TALLY_LIMIT = DETAIL_LIMIT + REASONS.length

/** The sum of the incompletenesses that were added, in any order (as long as the details fit). */
export class IncompletenessTally {
  readonly #entries = new Map<string, Incompleteness>()
  #detailed = 0

  /** Adds one. Empty detail is no detail. */
  add(further: Incompleteness): void {
    let detail = boundedText(further.detail ?? '')
    if (detail !== '' && !this.#entries.has(keyOf(further.reason, detail))) {
      if (this.#detailed === DETAIL_LIMIT) detail = ''
      else this.#detailed++
    }
    const key = keyOf(further.reason, detail)
    this.#entries.set(key, sumOf(this.#entries.get(key), further, detail))
  }

  /** The entries by (reason in the order of `REASONS`, detail). */
  entries(): Incompleteness[] {
    return [...this.#entries.values()].sort(compareIncompleteness)
  }
}

/** The order of incompletenesses in every list. */
export function compareIncompleteness(a: Incompleteness, b: Incompleteness): number {
  return (
    REASONS.indexOf(a.reason) - REASONS.indexOf(b.reason) ||
    compareText(a.detail ?? '', b.detail ?? '')
  )
}

function keyOf(reason: Reason, detail: string): string {
  return `${reason} ${detail}`
}

function sumOf(
  before: Incompleteness | undefined,
  further: Incompleteness,
  detail: string,
): Incompleteness {
  const fromMs = least(before?.fromMs, further.fromMs)
  const toMs = greatest(before?.toMs, further.toMs)
  return {
    reason: further.reason,
    count: Math.min((before?.count ?? 0) + further.count, Number.MAX_SAFE_INTEGER),
    ...(fromMs === undefined ? {} : { fromMs }),
    ...(toMs === undefined ? {} : { toMs }),
    ...(detail === '' ? {} : { detail }),
  }
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return b === undefined ? a : boundedMs(b)
  return Math.min(a, boundedMs(b))
}

function greatest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return b === undefined ? a : boundedMs(b)
  return Math.max(a, boundedMs(b))
}
