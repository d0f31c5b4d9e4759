/** What the processes of one lineage did: the four sets side by side, and the room their marks need in a run's handle. */
import type { Collapsed } from './collapsed.js'
import { EndpointSet, type EndpointItem } from './endpoint-set.js'
import { ExecSet, type ExecItem } from './exec-set.js'
import { CONNECTION_LIMIT, EXEC_LIMIT, LISTENER_LIMIT } from './limits.js'
import { SYSCALL_MARKS, SyscallSet, type SyscallItem } from './syscall-set.js'
import type { ProgramTable } from './program-table.js'

/** Marks of one lineage, in the order of the sets. */
export const BEHAVIOUR_MARKS = SYSCALL_MARKS + EXEC_LIMIT + CONNECTION_LIMIT + LISTENER_LIMIT

/** A behaviour as plain values, every list in its order. A marker is present if its set was full. */
export interface BehaviourSnapshot {
  readonly syscalls: readonly SyscallItem[]
  readonly execs: readonly ExecItem[]
  readonly connections: readonly EndpointItem[]
  readonly listeners: readonly EndpointItem[]
  readonly execsCollapsed: Collapsed | undefined
  readonly connectionsCollapsed: Collapsed | undefined
  readonly listenersCollapsed: Collapsed | undefined
}

export class Behaviour {
  readonly syscalls: SyscallSet
  readonly execs: ExecSet
  readonly connections: EndpointSet
  readonly listeners: EndpointSet

  /** `firstMark` is where the marks of this lineage begin. */
  constructor(firstMark: number) {
    const execMark = firstMark + SYSCALL_MARKS
    const connectionMark = execMark + EXEC_LIMIT
    this.syscalls = new SyscallSet(firstMark)
    this.execs = new ExecSet(execMark)
    this.connections = new EndpointSet(CONNECTION_LIMIT, connectionMark)
    this.listeners = new EndpointSet(LISTENER_LIMIT, connectionMark + CONNECTION_LIMIT)
  }

  snapshot(programs: ProgramTable): BehaviourSnapshot {
    return {
      syscalls: this.syscalls.items(programs),
      execs: this.execs.items(programs),
      connections: this.connections.items(programs),
      listeners: this.listeners.items(programs),
      execsCollapsed: this.execs.collapsed,
      connectionsCollapsed: this.connections.collapsed,
      listenersCollapsed: this.listeners.collapsed,
    }
  }

  /** Takes over a snapshot; the behaviour must be empty and the snapshot within the bounds. */
  restore(from: BehaviourSnapshot, programs: ProgramTable): void {
    for (const item of from.syscalls) this.syscalls.restore(item, programs)
    for (const item of from.execs) this.execs.restore(item, programs)
    for (const item of from.connections) this.connections.restore(item, programs)
    for (const item of from.listeners) this.listeners.restore(item, programs)
    if (from.execsCollapsed) this.execs.restoreCollapsed(from.execsCollapsed)
    if (from.connectionsCollapsed) this.connections.restoreCollapsed(from.connectionsCollapsed)
    if (from.listenersCollapsed) this.listeners.restoreCollapsed(from.listenersCollapsed)
  }
}
