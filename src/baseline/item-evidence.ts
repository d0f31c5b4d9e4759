/** Why a baseline believes one item: the evidence of all its own lineages together. Pure. */
import type { Baseline } from './baseline.js'
import { type Evidence, summedEvidence } from './evidence.js'
import { OWN_LINEAGES } from './incidences.js'
import type { NamedItem } from './item-key.js'
import type { SyscallFacts } from './syscall-item.js'

/**
 * The evidence for the item; for a call that was refused and never made, that of its refusals; undefined if neither `main`
 * nor `probe` did it or was refused it. Runs in which both did it count twice. O(items).
 */
export function evidenceOf(baseline: Baseline, item: NamedItem): Evidence | undefined {
  const done = summed(OWN_LINEAGES.map((lineage) => inLineage(baseline, lineage, item)))
  if (done !== undefined || item.kind !== 'syscall') return done
  return summed(OWN_LINEAGES.map((lineage) => callIn(baseline.denied(lineage), item)))
}

function summed(parts: readonly (Evidence | undefined)[]): Evidence | undefined {
  let sum: Evidence | undefined
  for (const part of parts) {
    if (part !== undefined) sum = sum === undefined ? part : summedEvidence(sum, part)
  }
  return sum
}

function callIn<Call extends SyscallFacts>(
  calls: readonly Call[],
  { abi, nr }: SyscallFacts,
): Call | undefined {
  return calls.find((one) => one.abi === abi && one.nr === nr)
}

function inLineage(
  baseline: Baseline,
  lineage: (typeof OWN_LINEAGES)[number],
  item: NamedItem,
): Evidence | undefined {
  switch (item.kind) {
    case 'syscall':
      return callIn(baseline.syscalls(lineage), item)
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
    case 'capability':
      return baseline.capabilities(lineage).find((one) => one.capability === item.capability)
    case 'io_uring':
      return baseline.uringOps(lineage).find((one) => one.opcode === item.opcode)
  }
}
