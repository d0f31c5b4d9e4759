/** What the processes of one lineage did, as plain values: in one run, or in all runs together. */
import type { ArgumentItem, CollapsedArguments } from './argument-item.js'
import type { CapabilityItem } from './capability-item.js'
import type { Collapsed } from './collapsed.js'
import type { EndpointFacts, EndpointItem } from './endpoint-item.js'
import type { Evidence } from './evidence.js'
import type { ExecFacts, ExecItem } from './exec-item.js'
import type { SyscallItem } from './syscall-item.js'
import type { UringItem } from './uring-item.js'

/** Every list is in its order. A marker is present if its set was full. */
export interface Behaviour {
  readonly syscalls: readonly SyscallItem[]
  readonly arguments: readonly ArgumentItem[]
  readonly execs: readonly ExecItem[]
  readonly connections: readonly EndpointItem[]
  readonly listeners: readonly EndpointItem[]
  readonly capabilities: readonly CapabilityItem[]
  readonly uringOps: readonly UringItem[]
  /** Calls that a filter refused, with the evidence of that. Nothing that the lineage did: what was refused was not done. */
  readonly denied: readonly SyscallItem[]
  /** Calls of which not every argument is listed, by (ABI, number). */
  readonly argumentsCollapsed: readonly CollapsedArguments[]
  readonly execsCollapsed: Collapsed | undefined
  readonly connectionsCollapsed: Collapsed | undefined
  readonly listenersCollapsed: Collapsed | undefined
}

/** What a lineage did that did nothing. */
export const NO_BEHAVIOUR: Behaviour = {
  syscalls: [],
  arguments: [],
  execs: [],
  connections: [],
  listeners: [],
  capabilities: [],
  uringOps: [],
  denied: [],
  argumentsCollapsed: [],
  execsCollapsed: undefined,
  connectionsCollapsed: undefined,
  listenersCollapsed: undefined,
}

/** Whether there is anything in it. */
export function hasContent(behaviour: Behaviour): boolean {
  return (
    itemsIn(behaviour) > 0 ||
    behaviour.argumentsCollapsed.length > 0 ||
    behaviour.execsCollapsed !== undefined ||
    behaviour.connectionsCollapsed !== undefined ||
    behaviour.listenersCollapsed !== undefined
  )
}

/** The items kind by kind. */
export function kindsIn(behaviour: Behaviour): readonly (readonly Evidence[])[] {
  const { syscalls, arguments: values, execs, connections, listeners } = behaviour
  const { capabilities, uringOps, denied } = behaviour
  return [syscalls, values, execs, connections, listeners, capabilities, uringOps, denied]
}

/** Items of all kinds. */
export function itemsIn(behaviour: Behaviour): number {
  return kindsIn(behaviour).reduce((sum, items) => sum + items.length, 0)
}

/** Bytes of the text that names items. */
export function textIn({ execs, connections, listeners }: Behaviour): number {
  let bytes = 0
  for (const exec of execs) bytes += execText(exec)
  for (const endpoint of connections) bytes += endpointText(endpoint)
  for (const endpoint of listeners) bytes += endpointText(endpoint)
  return bytes
}

export function execText({ path, exe }: ExecFacts): number {
  return path.length + exe.length
}

export function endpointText({ address }: EndpointFacts): number {
  return address.length
}
