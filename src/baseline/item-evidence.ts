/** Why a baseline believes one item: the evidence of all its own lineages together. Pure. */
import type { Baseline } from './baseline.js'
import { type Evidence, summedEvidence } from './evidence.js'
import { OWN_LINEAGES } from './incidences.js'
import type { NamedItem } from './item-key.js'

/**
 * The evidence for the item, or undefined if neither `main` nor `probe` did it. Runs in which both did it count twice.
 * O(items).
 */
export function evidenceOf(baseline: Baseline, item: NamedItem): Evidence | undefined {
  let sum: Evidence | undefined
  for (const lineage of OWN_LINEAGES) {
    const found = inLineage(baseline, lineage, item)
    if (found !== undefined) sum = sum === undefined ? found : summedEvidence(sum, found)
  }
  return sum
}

function inLineage(
  baseline: Baseline,
  lineage: (typeof OWN_LINEAGES)[number],
  item: NamedItem,
): Evidence | undefined {
  switch (item.kind) {
    case 'syscall':
      return baseline.syscalls(lineage).find((one) => one.abi === item.abi && one.nr === item.nr)
    case 'argument':
      return baseline
        .arguments(lineage)
        .find((one) => one.abi === item.abi && one.nr === item.nr && one.value === item.value)
    case 'exec':
      return baseline.execs(lineage).find((one) => one.path === item.path && one.exe === item.exe)
    case 'connect':
    case 'listen': {
      const endpoints =
        item.kind === 'connect' ? baseline.connections(lineage) : baseline.listeners(lineage)
      return endpoints.find(
        (one) =>
          one.protocol === item.protocol &&
          one.address === item.address &&
          one.port === item.port &&
          one.source === item.source,
      )
    }
  }
}
