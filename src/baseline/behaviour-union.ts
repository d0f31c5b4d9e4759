/**
 * How several tellings of what a lineage did become one. Two states of one run are joined; different runs are added up. Both
 * are unions of the same lists; they differ in what becomes of evidence, of markers, and of items that find no room.
 */
import {
  argumentOf,
  type ArgumentItem,
  type CollapsedArguments,
  compareArguments,
} from './argument-item.js'
import { type Behaviour, endpointText, execText, NO_BEHAVIOUR } from './behaviour.js'
import { type Collapsed, joinedCollapsed, summedCollapsed } from './collapsed.js'
import {
  compareEndpoints,
  type EndpointItem,
  endpointOf,
  joinedEndpointFacts,
} from './endpoint-item.js'
import { type Evidence, joinedEvidence, summedEvidence } from './evidence.js'
import { compareExecs, type ExecItem, execOf, joinedExecFacts } from './exec-item.js'
import { ARGUMENT_LIMIT, CONNECTION_LIMIT, EXEC_LIMIT, LISTENER_LIMIT } from './limits.js'
import { compareSyscalls, syscallOf } from './syscall-item.js'
import { boundedBy, unionOf } from './union.js'

/** What becomes of equal items, of markers, and of a set that would be too large. */
interface Combining {
  readonly evidence: (a: Evidence, b: Evidence) => Evidence
  readonly marker: (a: Collapsed, b: Collapsed) => Collapsed
  /** Items of the lowest rank stay. */
  readonly rank: (item: Evidence, textBytes: number) => number
}

/**
 * Joining is idempotent: a run can be met any number of times. Of a set that would be too large the longest texts stay,
 * because what stays must not hang on evidence, which joining changes, and what is joined must not shrink (see `history`).
 */
const JOINING: Combining = {
  evidence: joinedEvidence,
  marker: joinedCollapsed,
  rank: (_, textBytes) => -textBytes,
}

/** What was seen first stays. */
const SUMMING: Combining = {
  evidence: summedEvidence,
  marker: summedCollapsed,
  rank: ({ firstMs }) => firstMs,
}

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
  const values = unitedArguments(parts, how)
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
    arguments: values.items,
    execs: execs.items,
    connections: connections.items,
    listeners: listeners.items,
    argumentsCollapsed: values.collapsed,
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

/** Arguments are bounded call by call. */
function unitedArguments(
  parts: readonly Behaviour[],
  how: Combining,
): { items: readonly ArgumentItem[]; collapsed: readonly CollapsedArguments[] } {
  const all = unionOf(
    parts.map((part) => part.arguments),
    compareArguments,
    (a, b) => argumentOf(a, how.evidence(a, b)),
  )
  const calls = callsIn(all).map((call) =>
    boundedBy(call, ARGUMENT_LIMIT, (item) => how.rank(item, 0)),
  )
  const over = calls.flatMap((call) => call.over).map(markerOf)
  return {
    items: over.length === 0 ? all : calls.flatMap((call) => call.kept),
    collapsed: unionOf(
      [...parts.map((part) => part.argumentsCollapsed), ...over.map((marker) => [marker])],
      compareSyscalls,
      (a, b) => ({ abi: a.abi, nr: a.nr, ...how.marker(a, b) }),
    ),
  }
}

function markerOf({ abi, nr, count, firstMs, lastMs }: ArgumentItem): CollapsedArguments {
  return { abi, nr, count, firstMs, lastMs }
}

/** The values call by call. */
function callsIn(items: readonly ArgumentItem[]): (readonly ArgumentItem[])[] {
  const calls: ArgumentItem[][] = []
  for (const item of items) {
    const call = calls.at(-1)
    if (call?.[0] !== undefined && compareSyscalls(call[0], item) === 0) call.push(item)
    else calls.push([item])
  }
  return calls
}
