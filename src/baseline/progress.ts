/** How far learning of an image is: what the statistics say, and whether a person has sealed it. Pure. */
import type { Baseline } from './baseline.js'
import {
  type Coverage,
  coverageOf,
  DEFAULT_GATE,
  type Gate,
  latestItems,
  type Settling,
  settlingOf,
} from './coverage.js'
import { type Incidences, runIncidences, windowIncidences } from './incidences.js'
import type { NamedItem } from './item-key.js'

/** What the estimates count. */
export type Unit = 'run' | 'window'

export interface Progress {
  readonly state: Settling | 'sealed'
  /** By the statistics alone. */
  readonly settling: Settling
  readonly unit: Unit
  readonly coverage: Coverage
  /** First seen in the last half of the units, latest first; at most `LATEST_LIMIT`. */
  readonly latest: readonly NamedItem[]
}

/** More than this tells nobody more. */
const LATEST_LIMIT = 20

/**
 * The progress of the baseline, by runs or by time windows: by those which pass the gate, else by those of which there are
 * more. `underWay` are the ids of runs that go on. O(items of all runs).
 */
export function progressOf(
  baseline: Baseline,
  gate: Gate = DEFAULT_GATE,
  underWay: ReadonlySet<string> = new Set(),
): Progress {
  const { runs, folded } = baseline.snapshot()
  const byRun = statisticsOf('run', runIncidences(runs, folded, underWay), gate)
  const byWindow = statisticsOf('window', windowIncidences(runs), gate)
  const chosen =
    byRun.settling !== 'stable' &&
    (byWindow.settling === 'stable' || byWindow.coverage.units > byRun.coverage.units)
      ? byWindow
      : byRun
  return { ...chosen, state: baseline.decisions.seal === undefined ? chosen.settling : 'sealed' }
}

function statisticsOf(
  unit: Unit,
  { units, items }: Incidences,
  gate: Gate,
): Omit<Progress, 'state'> {
  const coverage = coverageOf(units, items)
  const latest = latestItems(units, items).slice(0, LATEST_LIMIT)
  return { settling: settlingOf(coverage, gate), unit, coverage, latest }
}
