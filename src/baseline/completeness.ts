/** Whether everything that the runs did is in a baseline, and if not, why. Pure. */
import type { Incompleteness, Lineage } from '../observation.js'
import type { Behaviour } from './behaviour.js'
import type { Collapsed } from './collapsed.js'
import type { History } from './history.js'
import { IncompletenessTally } from './incompleteness-tally.js'
import { BASELINE_LINEAGES } from './run-record.js'

export interface Completeness {
  /** `full` needs at least one run and no reason against it. */
  readonly state: 'full' | 'partial'
  readonly reasons: readonly Incompleteness[]
}

/**
 * What was missed in any run, added up, and as `map-full` what a full set left out. Arguments are no part of it: for each call
 * the baseline says itself whether they are known.
 */
export function completenessOf(
  { runs, folded }: History,
  behaviourOf: (lineage: Lineage) => Behaviour,
): Completeness {
  const missed = new IncompletenessTally()
  for (const { incompleteness } of folded === undefined ? runs : [folded, ...runs]) {
    for (const entry of incompleteness) missed.add(entry)
  }
  for (const lineage of BASELINE_LINEAGES) {
    const behaviour = behaviourOf(lineage)
    addCollapsed(missed, `${lineage} execs`, behaviour.execsCollapsed)
    addCollapsed(missed, `${lineage} connections`, behaviour.connectionsCollapsed)
    addCollapsed(missed, `${lineage} listeners`, behaviour.listenersCollapsed)
  }
  const reasons = missed.entries()
  const hasRuns = runs.length > 0 || folded !== undefined
  return { state: reasons.length === 0 && hasRuns ? 'full' : 'partial', reasons }
}

function addCollapsed(
  missed: IncompletenessTally,
  detail: string,
  collapsed: Collapsed | undefined,
): void {
  if (collapsed === undefined) return
  const { count, firstMs, lastMs } = collapsed
  missed.add({ reason: 'map-full', count, fromMs: firstMs, toMs: lastMs, detail })
}
