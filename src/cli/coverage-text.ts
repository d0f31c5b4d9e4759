/** What the statistics of learning say, in words: with the basis, and never as a percentage (see `baseline/coverage`). */
import type { Coverage } from '../baseline/coverage.js'
import type { Unit } from '../baseline/progress.js'
import { WINDOW_MS } from '../baseline/limits.js'
import { plural } from './plural.js'

/** The unit as a noun: `run`, or `60 s window`. */
export function unitName(unit: Unit): string {
  return unit === 'run' ? 'run' : `${WINDOW_MS / 1000} s window`
}

/** How soon something new is to be expected, e.g. `a new item about once every 7 runs`. */
export function expectationText({ units, singletons, newPerUnit }: Coverage, unit: string): string {
  if (units === 0) return `no ${unit} to judge by yet`
  if (singletons === 0) {
    // Rule of three: nothing in T trials puts the rate below 3/T at 95 %.
    return units < 6
      ? `nothing was seen in one ${unit} only, but ${plural(units, unit)} are few`
      : `something new in less than one of ${Math.floor(units / 3)} ${unit}s (95 %)`
  }
  return newPerUnit >= 0.75
    ? `about ${plural(Math.round(newPerUnit), 'new item')} in every further ${unit}`
    : `a new item about once every ${Math.round(1 / newPerUnit)} ${unit}s`
}

/** What the expectation rests on, e.g. `63 items in 21 runs: 3 in one only, 5 in two; at least 1 more exists`. */
export function basisText(coverage: Coverage, unit: string): string {
  const { units, items, singletons, doubletons, unseen } = coverage
  const more = unseen === 0 ? '' : `; at least ${unseen} more ${unseen === 1 ? 'exists' : 'exist'}`
  return `${plural(items, 'item')} in ${plural(units, unit)}: ${singletons} in one only, ${doubletons} in two${more}`
}
