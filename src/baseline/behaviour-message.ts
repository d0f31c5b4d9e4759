/** What a lineage did in a run, as the message of `baseline.proto`: columns that refer to lists. */
import type { plimsoll } from '../gen/plimsoll.js'
import { ABIS } from '../observation.js'
import type { CollapsedArguments } from './argument-item.js'
import { type Behaviour, kindsIn } from './behaviour.js'
import { deltasOf, whole, wholeMs } from './canonical.js'
import type { Collapsed } from './collapsed.js'
import type { EndpointFacts } from './endpoint-item.js'
import type { Evidence } from './evidence.js'
import { USUAL_WINDOWS } from './evidence-rows.js'
import { ENDPOINT_FLAGS, EXEC_FLAGS, flagBits } from './flags.js'
import type { IndexedLists, ItemList } from './item-lists.js'
import type { ProgramSets } from './program-sets.js'

/** The message without its lineage. Throws `INTERNAL` for times and counts that cannot be stored. */
export function behaviourMessage(
  behaviour: Behaviour,
  lists: IndexedLists,
  sets: ProgramSets,
): plimsoll.v1.Behaviour.$Properties {
  const { syscalls, arguments: values, execs, connections, listeners } = behaviour
  const { capabilities, uringOps, denied } = behaviour
  const { execsCollapsed, connectionsCollapsed, listenersCollapsed } = behaviour
  const baseMs = baseOf(kindsIn(behaviour))
  const columns = <Facts, Item extends Facts & Evidence>(
    items: readonly Item[],
    list: ItemList<Facts>,
    flagsOf: (item: Item) => number = () => 0,
  ): plimsoll.v1.Evidence.$Properties | undefined =>
    items.length === 0 ? undefined : evidenceMessage(items, list, { baseMs, sets, flagsOf })
  return defined({
    baseMs: wholeMs(baseMs),
    syscalls: columns(syscalls, lists.syscalls),
    arguments: columns(values, lists.arguments),
    execs: columns(execs, lists.execs, (exec) => flagBits(EXEC_FLAGS, exec)),
    connections: columns(connections, lists.connections, endpointFlags),
    listeners: columns(listeners, lists.listeners, endpointFlags),
    argumentsCollapsed: behaviour.argumentsCollapsed.map(collapsedCallMessage),
    execsCollapsed: execsCollapsed && collapsedMessage(execsCollapsed),
    connectionsCollapsed: connectionsCollapsed && collapsedMessage(connectionsCollapsed),
    listenersCollapsed: listenersCollapsed && collapsedMessage(listenersCollapsed),
    capabilities: columns(capabilities, lists.capabilities),
    uringOps: columns(uringOps, lists.uringOps),
    denied: columns(denied, lists.denied),
  })
}

/** The earliest time; 0 if there are no items. */
function baseOf(lists: readonly (readonly Evidence[])[]): number {
  let base = Infinity
  for (const items of lists) for (const { firstMs } of items) base = Math.min(base, firstMs)
  return base === Infinity ? 0 : base
}

interface ColumnOptions<Item> {
  readonly baseMs: number
  readonly sets: ProgramSets
  readonly flagsOf: (item: Item) => number
}

function evidenceMessage<Facts, Item extends Facts & Evidence>(
  items: readonly Item[],
  list: ItemList<Facts>,
  { baseMs, sets, flagsOf }: ColumnOptions<Item>,
): plimsoll.v1.Evidence.$Properties {
  const windows = items.map((item) => whole(item.windows, 0xffff_ffff))
  const flags = items.map(flagsOf)
  return {
    // Both are in one order, so the indices ascend.
    items: deltasOf(items.map((item) => list.indexOf(item))),
    firstMs: items.map((item) => wholeMs(item.firstMs) - baseMs),
    lastMs: items.map((item) => wholeMs(item.lastMs) - item.firstMs),
    counts: items.map((item) => whole(item.count)),
    windows: windows.every((count) => count === USUAL_WINDOWS) ? [] : windows,
    programSets: items.map((item) => sets.positionOf(item)),
    flags: flags.every((bits) => bits === 0) ? [] : flags,
  }
}

function endpointFlags(endpoint: EndpointFacts): number {
  return flagBits(ENDPOINT_FLAGS, endpoint)
}

function collapsedCallMessage(
  marker: CollapsedArguments,
): plimsoll.v1.CollapsedArguments.$Properties {
  return {
    abi: ABIS.indexOf(marker.abi) + 1,
    nr: marker.nr,
    collapsed: collapsedMessage(marker),
  }
}

function collapsedMessage({
  count,
  firstMs,
  lastMs,
}: Collapsed): plimsoll.v1.Collapsed.$Properties {
  return { count: whole(count), firstMs: wholeMs(firstMs), lastMs: wholeMs(lastMs) }
}

/** Without the fields that are undefined, which the generated types do not take. */
function defined<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> }
}
