/** Why something new is dangerous: the rules of the class `new-dangerous`, in one place. Pure. */
import { OTHER_VALUE } from '../kernel/arguments.js'
import type { Lineage } from '../observation.js'
import type { Baseline } from './baseline.js'
import type { DiffItem } from './diff-items.js'

/**
 * `critical-call`, `high-call`: the danger of the system call; `unknown-call`: no table knows it, so it cannot be judged;
 * `new-abi`: no call of that ABI was made before; `critical-argument`, `high-argument`: the danger of the argument, such as a
 * namespace or an unusual kind of socket; `unknown-argument`: one that the probe does not tell apart; `written-later`: the program was written after the container was made;
 * `fileless`: it is a deleted file or lies in memory only; `first-connection`, `first-listener`: the first of its
 * protocol; `critical-capability`, `high-capability`: the danger of the capability, one without a name being `high`;
 * `new-io-uring`: no operation was submitted to an io_uring before.
 */
export type DangerReason =
  | 'critical-call'
  | 'high-call'
  | 'unknown-call'
  | 'new-abi'
  | 'critical-argument'
  | 'high-argument'
  | 'unknown-argument'
  | 'written-later'
  | 'fileless'
  | 'first-connection'
  | 'first-listener'
  | 'critical-capability'
  | 'high-capability'
  | 'new-io-uring'

/** What the earlier baseline did at all: its ABIs, its kinds of endpoints as `connection tcp`, and whether it used io_uring. */
export interface Past {
  readonly abis: ReadonlySet<string>
  readonly endpoints: ReadonlySet<string>
  readonly usesUring: boolean
}

/** The past of those lineages together. */
export function pastOf(baseline: Baseline, lineages: readonly Lineage[]): Past {
  const abis = new Set<string>()
  const endpoints = new Set<string>()
  for (const lineage of lineages) {
    for (const { abi } of baseline.syscalls(lineage)) abis.add(abi)
    for (const { protocol } of baseline.connections(lineage)) {
      endpoints.add(`connection ${protocol}`)
    }
    for (const { protocol } of baseline.listeners(lineage)) endpoints.add(`listener ${protocol}`)
  }
  const usesUring = lineages.some((lineage) => baseline.uringOps(lineage).length > 0)
  return { abis, endpoints, usesUring }
}

/** The reasons, in the order of `DangerReason`; empty for what is merely new. */
export function dangersOf(item: DiffItem, past: Past): readonly DangerReason[] {
  switch (item.kind) {
    case 'syscall': {
      const reasons: DangerReason[] = []
      if (item.name === undefined) reasons.push('unknown-call')
      else if (item.danger === 'critical') reasons.push('critical-call')
      else if (item.danger === 'high') reasons.push('high-call')
      if (!past.abis.has(item.abi)) reasons.push('new-abi')
      return reasons
    }
    case 'argument':
      if (item.value === OTHER_VALUE) return ['unknown-argument']
      if (item.danger === 'critical') return ['critical-argument']
      return item.danger === 'high' ? ['high-argument'] : []
    case 'exec': {
      const reasons: DangerReason[] = []
      if (item.upper) reasons.push('written-later')
      if (item.fileless) reasons.push('fileless')
      return reasons
    }
    case 'connection':
    case 'listener':
      return past.endpoints.has(`${item.kind} ${item.protocol}`) ? [] : [`first-${item.kind}`]
    case 'capability':
      if (item.danger === 'critical') return ['critical-capability']
      return item.danger === 'high' ? ['high-capability'] : []
    case 'io_uring':
      return past.usesUring ? [] : ['new-io-uring']
  }
}
