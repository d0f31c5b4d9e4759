/** What the processes of one lineage did in one run, while the run is learned: the sets side by side. */
import { argumentCallOf } from '../kernel/arguments.js'
import { CAPABILITY_LIMIT } from '../kernel/capabilities.js'
import { URING_OPCODE_LIMIT } from '../kernel/io-uring.js'
import type { ArgumentFacts, CollapsedArguments } from './argument-item.js'
import { ArgumentSet } from './argument-set.js'
import type { Behaviour } from './behaviour.js'
import { capabilityOf } from './capability-item.js'
import { summedCollapsed } from './collapsed.js'
import { EndpointSet } from './endpoint-set.js'
import type { Evidence } from './evidence.js'
import { ExecSet } from './exec-set.js'
import { CONNECTION_LIMIT, LISTENER_LIMIT } from './limits.js'
import { NumberSet } from './number-set.js'
import type { ProgramTable } from './program-table.js'
import { compareSyscalls, type SyscallItem } from './syscall-item.js'
import { SyscallSet } from './syscall-set.js'
import { unionOf } from './union.js'
import { uringOpOf } from './uring-item.js'

export class LiveBehaviour {
  readonly syscalls = new SyscallSet()
  readonly arguments = new ArgumentSet()
  readonly execs = new ExecSet()
  readonly connections = new EndpointSet('connect', CONNECTION_LIMIT)
  readonly listeners = new EndpointSet('listen', LISTENER_LIMIT)
  readonly capabilities = new NumberSet(CAPABILITY_LIMIT)
  readonly uringOps = new NumberSet(URING_OPCODE_LIMIT)
  readonly denied = new SyscallSet()

  /**
   * All of it as plain values that later learning does not change. Arguments that were not seen are told once the run
   * `hasEnded`: before that the map of arguments may just be the later of two.
   */
  record(programs: ProgramTable, hasEnded: boolean): Behaviour {
    const syscalls = this.syscalls.items(programs)
    const values = this.arguments.items(programs)
    const full = this.arguments.collapsed()
    return {
      syscalls,
      arguments: values,
      execs: this.execs.items(programs),
      connections: this.connections.items(programs),
      listeners: this.listeners.items(programs),
      capabilities: this.capabilities.items(programs, (capability, evidence) =>
        capabilityOf({ capability }, evidence),
      ),
      uringOps: this.uringOps.items(programs, (opcode, evidence) =>
        uringOpOf({ opcode }, evidence),
      ),
      denied: this.denied.items(programs),
      argumentsCollapsed: unionOf(
        [full, hasEnded ? unseenArguments(syscalls, [...values, ...full]) : []],
        compareSyscalls,
        (a, b) => ({ abi: a.abi, nr: a.nr, ...summedCollapsed(a, b) }),
      ),
      execsCollapsed: this.execs.collapsed,
      connectionsCollapsed: this.connections.collapsed,
      listenersCollapsed: this.listeners.collapsed,
    }
  }

  /**
   * Takes over a record of the same run, to learn on; the behaviour must be empty. `windowOf` tells in which time window a
   * time is.
   */
  restore(from: Behaviour, programs: ProgramTable, windowOf: (atMs: number) => number): void {
    const last = ({ lastMs }: Evidence): number => windowOf(lastMs)
    for (const item of from.syscalls) this.syscalls.restore(item, last(item), programs)
    for (const item of from.arguments) this.arguments.restore(item, last(item), programs)
    for (const item of from.execs) this.execs.restore(item, last(item), programs)
    for (const item of from.connections) this.connections.restore(item, last(item), programs)
    for (const item of from.listeners) this.listeners.restore(item, last(item), programs)
    for (const item of from.capabilities) {
      this.capabilities.restore(item.capability, item, last(item), programs)
    }
    for (const item of from.uringOps) {
      this.uringOps.restore(item.opcode, item, last(item), programs)
    }
    for (const item of from.denied) this.denied.restore(item, last(item), programs)
    for (const marker of from.argumentsCollapsed) this.arguments.restoreCollapsed(marker)
    this.execs.restoreCollapsed(from.execsCollapsed)
    this.connections.restoreCollapsed(from.connectionsCollapsed)
    this.listeners.restoreCollapsed(from.listenersCollapsed)
  }
}

/** Calls that were counted more often than their arguments: some of those the sensor did not see. */
function unseenArguments(
  syscalls: readonly SyscallItem[],
  seen: readonly (Pick<ArgumentFacts, 'abi' | 'nr'> & { readonly count: number })[],
): CollapsedArguments[] {
  return syscalls
    .filter(({ abi, nr }) => argumentCallOf(abi, nr) !== undefined)
    .map(({ abi, nr, count, firstMs, lastMs }) => {
      const known = seen.filter((one) => one.abi === abi && one.nr === nr)
      const unseen = known.reduce((rest, one) => rest - one.count, count)
      return { abi, nr, count: unseen, firstMs, lastMs }
    })
    .filter(({ count }) => count > 0)
}
