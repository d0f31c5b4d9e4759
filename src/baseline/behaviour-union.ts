/**
 * How several tellings of what a lineage did become one. Two states of one run are joined; different runs are added up. Both
 * are unions of the same lists; they differ in what becomes of evidence, of markers, and of items that find no room.
 */
import { unitedArguments } from './argument-union.js'
import { type Behaviour, endpointText, execText, NO_BEHAVIOUR } from './behaviour.js'
import { capabilityOf, compareCapabilities } from './capability-item.js'
import type { Collapsed } from './collapsed.js'
import { type Combining, JOINING, SUMMING } from './combining.js'
import {
  compareEndpoints,
  type EndpointItem,
  endpointOf,
  joinedEndpointFacts,
} from './endpoint-item.js'
import type { Evidence } from './evidence.js'
import { compareExecs, type ExecItem, execOf, joinedExecFacts } from './exec-item.js'
import { CONNECTION_LIMIT, EXEC_LIMIT, LISTENER_LIMIT } from './limits.js'
import { compareSyscalls, syscallOf } from './syscall-item.js'
import { boundedBy, unionOf } from './union.js'
import { compareUringOps, uringOpOf } from './uring-item.js'

/** What states of one run, or runs that are folded, say together: of everything the most, in any order and grouping. */
export function joinedBehaviour(states: readonly Behaviour[]): Behaviour {
  return united(states, JOINING)
}

/** What different runs did together. O(items * log runs). */
export function summedBehaviour(runs: readonly Behaviour[]): Behaviour {
  return united(runs, SUMMING)
}

function united(parts: readonly Behaviour[], how: Combining): Behaviour {
  const [first = NO_BEHAVIOUR] = parts
  if (parts.length < 2) return first
  const execs = unitedSet(
    parts.map((part) => ({ items: part.execs, collapsed: part.execsCollapsed })),
    EXECS,
    how,
  )
  const connections = unitedSet(
    parts.map((part) => ({ items: part.connections, collapsed: part.connectionsCollapsed })),
    { ...ENDPOINTS, limit: CONNECTION_LIMIT },
    how,
  )
  const listeners = unitedSet(
    parts.map((part) => ({ items: part.listeners, collapsed: part.listenersCollapsed })),
    { ...ENDPOINTS, limit: LISTENER_LIMIT },
    how,
  )
  return {
    syscalls: unionOf(
      parts.map((part) => part.syscalls),
      compareSyscalls,
      (a, b) => syscallOf(a, how.evidence(a, b)),
    ),
    ...unitedArguments(parts, how),
    execs: execs.items,
    connections: connections.items,
    listeners: listeners.items,
    capabilities: unionOf(
      parts.map((part) => part.capabilities),
      compareCapabilities,
      (a, b) => capabilityOf(a, how.evidence(a, b)),
    ),
    uringOps: unionOf(
      parts.map((part) => part.uringOps),
      compareUringOps,
      (a, b) => uringOpOf(a, how.evidence(a, b)),
    ),
    denied: unionOf(
      parts.map((part) => part.denied),
      compareSyscalls,
      (a, b) => syscallOf(a, how.evidence(a, b)),
    ),
    execsCollapsed: execs.collapsed,
    connectionsCollapsed: connections.collapsed,
    listenersCollapsed: listeners.collapsed,
  }
}

/** A set of one kind, and the marker of what it left out. */
interface MarkedSet<Item> {
  readonly items: readonly Item[]
  readonly collapsed: Collapsed | undefined
}

interface Kind<Item extends Evidence> {
  readonly compare: (a: Item, b: Item) => number
  /** What two items are together, with the evidence of both. */
  readonly combined: (a: Item, b: Item, evidence: Evidence) => Item
  readonly text: (item: Item) => number
  readonly limit: number
}

const EXECS: Kind<ExecItem> = {
  compare: compareExecs,
  combined: (a, b, evidence) => execOf(joinedExecFacts(a, b), evidence),
  text: execText,
  limit: EXEC_LIMIT,
}

const ENDPOINTS: Omit<Kind<EndpointItem>, 'limit'> = {
  compare: compareEndpoints,
  combined: (a, b, evidence) => endpointOf(joinedEndpointFacts(a, b), evidence),
  text: endpointText,
}

function unitedSet<Item extends Evidence>(
  sets: readonly MarkedSet<Item>[],
  kind: Kind<Item>,
  how: Combining,
): MarkedSet<Item> {
  const all = unionOf(
    sets.map(({ items }) => items),
    kind.compare,
    (a, b) => kind.combined(a, b, how.evidence(a, b)),
  )
  const { kept, over } = boundedBy(all, kind.limit, (item) => how.rank(item, kind.text(item)))
  const markers = [...sets.map(({ collapsed }) => collapsed), ...over]
  return { items: kept, collapsed: unitedMarker(markers, how) }
}

function unitedMarker(
  markers: readonly (Collapsed | undefined)[],
  how: Combining,
): Collapsed | undefined {
  let sum: Collapsed | undefined
  for (const marker of markers) {
    if (marker === undefined) continue
    const { count, firstMs, lastMs } = marker
    sum = sum === undefined ? { count, firstMs, lastMs } : how.marker(sum, marker)
  }
  return sum
}
