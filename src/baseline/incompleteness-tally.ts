/**
 * Reasons for incompleteness, one entry per (reason, detail). Bounded: when details run out of room, the reason itself still
 * counts, without detail. What is new is added up, with the gap that spans all gaps; two tellings of the same are joined.
 */
import { type Incompleteness, type Reason, REASONS } from '../observation.js'
import { boundedMs, boundedText, compareText, DETAIL_LIMIT } from './limits.js'
import { unionOf } from './union.js'

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
    const entry = withDetail(further, detail)
    const before = this.#entries.get(key)
    this.#entries.set(key, before === undefined ? entry : combined(before, entry, sumOf))
  }

  /** The entries by (reason in the order of `REASONS`, detail). */
  entries(): Incompleteness[] {
    return [...this.#entries.values()].sort(compareIncompleteness)
  }
}

/**
 * What several tellings of one tally say together: of every entry the most. Of too many details the first in order stay.
 * Each list is in its order, and so is the result.
 */
export function joinedIncompleteness(
  tellings: readonly (readonly Incompleteness[])[],
): readonly Incompleteness[] {
  const all = unionOf(tellings, compareIncompleteness, join)
  const detailed = all.filter(({ detail }) => detail !== undefined)
  if (detailed.length <= DETAIL_LIMIT) return all
  const over = detailed.slice(DETAIL_LIMIT)
  const kept = all.filter((entry) => !over.includes(entry))
  return unionOf(
    [kept, ...over.map((entry) => [withDetail(entry, '')])],
    compareIncompleteness,
    join,
  )
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

function withDetail(entry: Incompleteness, detail: string): Incompleteness {
  const { reason, count, fromMs, toMs } = entry
  return {
    reason,
    count,
    ...(fromMs === undefined ? {} : { fromMs: boundedMs(fromMs) }),
    ...(toMs === undefined ? {} : { toMs: boundedMs(toMs) }),
    ...(detail === '' ? {} : { detail }),
  }
}

function join(a: Incompleteness, b: Incompleteness): Incompleteness {
  return combined(a, b, Math.max)
}

function sumOf(a: number, b: number): number {
  return Math.min(a + b, Number.MAX_SAFE_INTEGER)
}

/** Of two entries with the same reason and detail. */
function combined(
  a: Incompleteness,
  b: Incompleteness,
  countOf: (a: number, b: number) => number,
): Incompleteness {
  const fromMs = either(a.fromMs, b.fromMs, Math.min)
  const toMs = either(a.toMs, b.toMs, Math.max)
  return {
    reason: a.reason,
    count: countOf(a.count, b.count),
    ...(fromMs === undefined ? {} : { fromMs }),
    ...(toMs === undefined ? {} : { toMs }),
    ...(a.detail === undefined ? {} : { detail: a.detail }),
  }
}

function either(
  a: number | undefined,
  b: number | undefined,
  choose: (a: number, b: number) => number,
): number | undefined {
  return a === undefined ? b : b === undefined ? a : choose(a, b)
}
