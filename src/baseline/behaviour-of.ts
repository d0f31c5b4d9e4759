/** What lineages did in a run of a decoded baseline: the columns of the message put together again, and checked. */
import type { ByteString } from '../bytes.js'
import type { plimsoll } from '../gen/plimsoll.js'
import { argumentOf, type CollapsedArguments, type ArgumentItem } from './argument-item.js'
import { NO_BEHAVIOUR, type Behaviour } from './behaviour.js'
import { capabilityOf } from './capability-item.js'
import { ascending, flag, fromDeltas, Malformed, milliseconds, safe } from './checked.js'
import type { Collapsed } from './collapsed.js'
import { endpointOf, type EndpointItem } from './endpoint-item.js'
import type { Evidence } from './evidence.js'
import { rowsOf } from './evidence-rows.js'
import { compareExecs, execOf, type ExecItem } from './exec-item.js'
import { ENDPOINT_FLAGS, EXEC_FLAGS, flagsOf } from './flags.js'
import type { ItemLists, ListedEndpoint, ListedExec } from './item-lists.js'
import { ARGUMENT_LIMIT, compareText } from './limits.js'
import { argumentCall, lineagesOf } from './lists-of.js'
import { orderKey, type ProgramSet } from './program-sets.js'
import { type ByLineage, byLineage } from './run-record.js'
import { compareSyscalls, syscallOf } from './syscall-item.js'
import { uringOpOf } from './uring-item.js'

/** What behaviours refer to by index. */
export interface DecodedLists {
  readonly lists: ByLineage<ItemLists>
  readonly programSets: readonly ProgramSet[]
}

/** The sets of the message; all items that refer to one share it. Throws `Malformed`. */
export function programSetsOf(
  messages: readonly plimsoll.v1.ProgramSet.$Properties[],
  programs: readonly ByteString[],
): readonly ProgramSet[] {
  const sets = messages.map((message) => {
    const indices = fromDeltas('programs', message.programs ?? [], programs.length)
    const morePrograms = flag(message.more)
    const key = orderKey({ programs: indices, more: morePrograms })
    return { key, programs: indices.map((index) => programs[index]!), morePrograms }
  })
  ascending('sets of programs', sets, (a, b) => compareText(a.key, b.key))
  return sets.map(({ programs: paths, morePrograms }) => ({ programs: paths, morePrograms }))
}

/** The behaviours by lineage. Throws `Malformed`. */
export function behavioursOf(
  messages: readonly plimsoll.v1.Behaviour.$Properties[],
  { lists, programSets }: DecodedLists,
): ByLineage<Behaviour> {
  const lineages = lineagesOf('behaviours', messages)
  return byLineage((lineage) => {
    const message = messages[lineages.indexOf(lineage)]
    if (message === undefined) return NO_BEHAVIOUR
    return behaviourOf(message, lists[lineage], programSets)
  })
}

function behaviourOf(
  message: plimsoll.v1.Behaviour.$Properties,
  lists: ItemLists,
  programSets: readonly ProgramSet[],
): Behaviour {
  const baseMs = milliseconds('base_ms', message.baseMs)
  const rows = <Facts, Item>(
    columns: plimsoll.v1.Evidence.$Properties | null | undefined,
    list: readonly Facts[],
    flags: number,
    itemOf: (facts: Facts, evidence: Evidence, bits: number) => Item,
  ): Item[] => (columns ? rowsOf({ columns, list, flags, baseMs, programSets }, itemOf) : [])
  const execs = rows(message.execs, lists.execs, EXEC_FLAGS.length, listedExec)
  // A program may be listed with several file systems, but a run tells one of them.
  ascending('execs', execs, compareExecs)
  const values = rows(message.arguments, lists.arguments, 0, argumentOf)
  checkValues(values)
  const collapsed = (message.argumentsCollapsed ?? []).map(collapsedCallOf)
  ascending('collapsed arguments', collapsed, compareSyscalls)
  return {
    syscalls: rows(message.syscalls, lists.syscalls, 0, syscallOf),
    arguments: values,
    execs,
    connections: rows(
      message.connections,
      lists.connections,
      ENDPOINT_FLAGS.length,
      listedEndpoint,
    ),
    listeners: rows(message.listeners, lists.listeners, ENDPOINT_FLAGS.length, listedEndpoint),
    capabilities: rows(message.capabilities, lists.capabilities, 0, capabilityOf),
    uringOps: rows(message.uringOps, lists.uringOps, 0, uringOpOf),
    denied: rows(message.denied, lists.denied, 0, syscallOf),
    argumentsCollapsed: collapsed,
    execsCollapsed: collapsedOf(message.execsCollapsed),
    connectionsCollapsed: collapsedOf(message.connectionsCollapsed),
    listenersCollapsed: collapsedOf(message.listenersCollapsed),
  }
}

function listedExec(facts: ListedExec, evidence: Evidence, bits: number): ExecItem {
  return execOf({ ...flagsOf(EXEC_FLAGS, bits), ...facts }, evidence)
}

function listedEndpoint(facts: ListedEndpoint, evidence: Evidence, bits: number): EndpointItem {
  return endpointOf({ ...flagsOf(ENDPOINT_FLAGS, bits), ...facts }, evidence)
}

/** They are in order, so one that is `ARGUMENT_LIMIT` further on must be of another call. */
function checkValues(values: readonly ArgumentItem[]): void {
  for (const [at, value] of values.entries()) {
    const further = values[at + ARGUMENT_LIMIT]
    if (further !== undefined && compareSyscalls(value, further) === 0) {
      throw new Malformed(`a call has more than ${ARGUMENT_LIMIT} arguments`)
    }
  }
}

function collapsedCallOf(message: plimsoll.v1.CollapsedArguments.$Properties): CollapsedArguments {
  const collapsed = collapsedOf(message.collapsed)
  if (collapsed === undefined) throw new Malformed('a marker of arguments says nothing')
  return { ...argumentCall(message), ...collapsed }
}

function collapsedOf(
  message: plimsoll.v1.Collapsed.$Properties | null | undefined,
): Collapsed | undefined {
  if (!message) return undefined
  const firstMs = milliseconds('first_ms', message.firstMs)
  const lastMs = milliseconds('last_ms', message.lastMs)
  if (firstMs > lastMs) throw new Malformed('a marker ends before it begins')
  return { count: safe('count', message.count), firstMs, lastMs }
}
