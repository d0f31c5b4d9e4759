/**
 * How much of what a workload does was not seen yet: statistics over sampling units (runs, or time windows of a run) in
 * each of which an item was seen or not. Pure.
 *
 * With T units, of which Q1 items were seen in exactly one and Q2 in exactly two:
 *
 *   Q1 / T                                        new items to expect in the next unit (Good 1953, for incidences)
 *   (T-1)/T * Q1^2 / (2 Q2)                       at least so many more exist (Chao2; Chao 1987)
 *   (T-1)/T * Q1 (Q1-1) / 2                       the same where Q2 = 0
 *
 * Both take it that units are alike and come in no particular order. That fails for what happens by the calendar:
 * deployments, backups, rotations. There is no percentage here on purpose: sample coverage reads 97 % while every second
 * run still brings something new.
 */

/** One item: in how many of the units it was seen, at least 1, and the index of the first of them. */
export interface Incidence<Item> {
  readonly item: Item
  readonly units: number
  readonly firstUnit: number
}

/** What the estimates rest on, and the estimates. */
export interface Coverage {
  /** T, in the order in which they were seen. */
  readonly units: number
  /** Items seen in any unit. */
  readonly items: number
  /** Q1. */
  readonly singletons: number
  /** Q2. */
  readonly doubletons: number
  /** Expected new items in one further unit; Infinity before the first unit. */
  readonly newPerUnit: number
  /** At least so many items exist that were not seen, rounded down. */
  readonly unseen: number
  /** The last so many units brought nothing new. */
  readonly quietUnits: number
  /** New items by unit, oldest first; its sum is `items`. */
  readonly curve: readonly number[]
}

/** When learning may be called done. */
export interface Gate {
  readonly units: number
  readonly newPerUnit: number
  readonly quietUnits: number
}

/** Below 20 units the estimates are too rough to rest a decision on. */
export const DEFAULT_GATE: Gate = { units: 20, newPerUnit: 0.05, quietUnits: 10 }

/** The statistics of `units` units. Items whose first unit is out of range are taken for the last. Linear. */
export function coverageOf(units: number, incidences: readonly Incidence<unknown>[]): Coverage {
  const curve = Array.from({ length: units }, () => 0)
  let singletons = 0
  let doubletons = 0
  for (const { units: seen, firstUnit } of incidences) {
    const index = Math.min(firstUnit, units - 1)
    if (index >= 0) curve[index] = (curve[index] ?? 0) + 1
    if (seen === 1) singletons++
    else if (seen === 2) doubletons++
  }
  return {
    units,
    items: incidences.length,
    singletons,
    doubletons,
    newPerUnit: units === 0 ? Infinity : singletons / units,
    unseen: units === 0 ? 0 : Math.floor(unseenAtLeast(units, singletons, doubletons)),
    quietUnits: units - 1 - curve.findLastIndex((count) => count > 0),
    curve,
  }
}

function unseenAtLeast(units: number, singletons: number, doubletons: number): number {
  const pairs =
    doubletons > 0
      ? singletons ** 2 / (2 * doubletons)
      : (singletons * Math.max(0, singletons - 1)) / 2
  return ((units - 1) / units) * pairs
}

/** How learning stands by the statistics alone. */
export type Settling = 'learning' | 'stable' | 'unstable'

/** Units, in gates, after which a workload that still brings new items at an undiminished rate is called unstable. */
const PATIENCE = 2

/** In the last half of the units, news came in this share of the units as in the quarter before, or more: no decline. */
const UNDIMINISHED = 0.8

/** News in fewer units than this in the last half are too few to tell a decline from chance. */
const JUDGEABLE = 10

/**
 * `stable`: the gate is passed. `unstable`: there were twice as many units as the gate asks for and news do not come
 * more rarely, as it does where random names are used. Else `learning`.
 */
export function settlingOf(coverage: Coverage, gate: Gate): Settling {
  const { units, newPerUnit, quietUnits, curve } = coverage
  const isStable =
    units >= gate.units && newPerUnit <= gate.newPerUnit && quietUnits >= gate.quietUnits
  if (isStable) return 'stable'
  if (units < gate.units * PATIENCE) return 'learning'
  const quarter = curve.slice(Math.floor(units / 4), Math.floor(units / 2))
  const half = curve.slice(Math.floor(units / 2))
  const isUndiminished =
    withNews(half) >= JUDGEABLE &&
    withNews(half) / half.length >= (withNews(quarter) / quarter.length) * UNDIMINISHED
  return isUndiminished ? 'unstable' : 'learning'
}

/** The items that were first seen in the last half of the units, latest first: what keeps a workload unstable. */
export function latestItems<Item>(
  units: number,
  incidences: readonly Incidence<Item>[],
): readonly Item[] {
  return incidences
    .filter(({ firstUnit }) => firstUnit >= units / 2)
    .toSorted((a, b) => b.firstUnit - a.firstUnit)
    .map(({ item }) => item)
}

/** Units, not items: one rare path may bring many calls at once. */
function withNews(curve: readonly number[]): number {
  return curve.filter((count) => count > 0).length
}
