/**
 * Adds what another baseline of the same image learned: the union of the items, with evidence added up. Pure. Evidence
 * cannot be taken apart by run, so two baselines are added only if they share no run. If one has all runs of the other, it
 * is the sum already.
 */
import { failure } from '../errors.js'
import type { Lineage } from '../observation.js'
import { Baseline, BASELINE_LINEAGES, type BaselineSnapshot } from './baseline.js'
import type { BehaviourSnapshot } from './behaviour.js'
import type { Collapsed } from './collapsed.js'
import { compareEndpoints, type EndpointItem } from './endpoint-set.js'
import type { Evidence } from './evidence.js'
import { compareExecs, type ExecItem } from './exec-set.js'
import { IncompletenessTally } from './incompleteness-tally.js'
import {
  compareText,
  CONNECTION_LIMIT,
  EXEC_LIMIT,
  LISTENER_LIMIT,
  PROGRAMS_PER_ITEM,
} from './limits.js'
import { compareRuns, type FoldedRuns } from './run-history.js'
import type { SyscallItem } from './syscall-set.js'

/**
 * `known` with what `added` learned; neither is changed, and the revision and name of `known` are kept. Throws
 * `RUNS_OVERLAP` if they share runs and neither has all of the other's. Commutative up to revision and name.
 */
export function merged(known: Baseline, added: Baseline): Baseline {
  const before = known.snapshot()
  const more = added.snapshot()
  const shared = more.runs.filter((run) => known.hasRun(run.runId)).length
  if (shared > 0 && shared === more.runs.length && more.foldedRuns === undefined) {
    return Baseline.of(before)
  }
  if (shared > 0 && shared === before.runs.length && before.foldedRuns === undefined) {
    return Baseline.of({ ...more, image: before.image, revision: before.revision })
  }
  if (shared > 0) {
    throw failure('RUNS_OVERLAP', { image: known.image.name, count: shared })
  }
  const behaviours = Object.fromEntries(
    BASELINE_LINEAGES.map((lineage) => [
      lineage,
      mergedBehaviour(before.behaviours[lineage], more.behaviours[lineage]),
    ]),
  ) as Record<Lineage, BehaviourSnapshot>
  const foldedRuns = mergedFolded(before.foldedRuns, more.foldedRuns)
  const snapshot: BaselineSnapshot = {
    ...before,
    // In order, so that those which are folded for want of room do not depend on which baseline came first.
    runs: [...before.runs, ...more.runs].sort(compareRuns),
    foldedRuns,
    behaviours,
  }
  return Baseline.of(snapshot)
}

function mergedBehaviour(a: BehaviourSnapshot, b: BehaviourSnapshot): BehaviourSnapshot {
  const execs = union(a.execs, b.execs, compareExecs, mergedExec, EXEC_LIMIT)
  const connections = union(
    a.connections,
    b.connections,
    compareEndpoints,
    mergedEndpoint,
    CONNECTION_LIMIT,
  )
  const listeners = union(
    a.listeners,
    b.listeners,
    compareEndpoints,
    mergedEndpoint,
    LISTENER_LIMIT,
  )
  return {
    syscalls: union(a.syscalls, b.syscalls, compareSyscalls, mergedSyscall, Infinity).kept,
    execs: execs.kept,
    connections: connections.kept,
    listeners: listeners.kept,
    execsCollapsed: sumOf(a.execsCollapsed, b.execsCollapsed, execs.over),
    connectionsCollapsed: sumOf(a.connectionsCollapsed, b.connectionsCollapsed, connections.over),
    listenersCollapsed: sumOf(a.listenersCollapsed, b.listenersCollapsed, listeners.over),
  }
}

interface Union<Item> {
  readonly kept: readonly Item[]
  /** What did not fit; the latest-seen items go first. */
  readonly over: Collapsed | undefined
}

/** Items of both lists, equal ones merged, in order; at most `limit`, those that were seen first. */
function union<Item extends Evidence>(
  a: readonly Item[],
  b: readonly Item[],
  compare: (x: Item, y: Item) => number,
  merge: (x: Item, y: Item) => Item,
  limit: number,
): Union<Item> {
  const all: Item[] = []
  for (const item of [...a, ...b].sort(compare)) {
    const last = all.at(-1)
    if (last !== undefined && compare(last, item) === 0) all[all.length - 1] = merge(last, item)
    else all.push(item)
  }
  if (all.length <= limit) return { kept: all, over: undefined }
  const byAge = all.toSorted((x, y) => x.firstMs - y.firstMs || compare(x, y))
  const over = byAge
    .slice(limit)
    .map(({ count, firstMs, lastMs }): Collapsed => ({ count, firstMs, lastMs }))
  return { kept: byAge.slice(0, limit).sort(compare), over: sumOf(...over) }
}

function mergedSyscall(a: SyscallItem, b: SyscallItem): SyscallItem {
  return { ...a, ...mergedEvidence(a, b) }
}

function mergedExec(a: ExecItem, b: ExecItem): ExecItem {
  // Of two that were first seen at the same time the smaller magic counts: any choice will do that both orders make.
  const order = a.firstMs - b.firstMs || a.fsMagic - b.fsMagic
  return {
    ...a,
    ...mergedEvidence(a, b),
    fsMagic: order <= 0 ? a.fsMagic : b.fsMagic,
    otherFs: a.otherFs || b.otherFs || a.fsMagic !== b.fsMagic,
    upper: a.upper || b.upper,
    fileless: a.fileless || b.fileless,
    truncated: a.truncated || b.truncated,
  }
}

function mergedEndpoint(a: EndpointItem, b: EndpointItem): EndpointItem {
  return { ...a, ...mergedEvidence(a, b), truncated: a.truncated || b.truncated }
}

function mergedEvidence(a: Evidence, b: Evidence): Evidence {
  const programs = [...new Set([...a.programs, ...b.programs])].sort(compareText)
  return {
    firstMs: Math.min(a.firstMs, b.firstMs),
    lastMs: Math.max(a.lastMs, b.lastMs),
    count: Math.min(a.count + b.count, Number.MAX_SAFE_INTEGER),
    runs: a.runs + b.runs,
    programs: programs.slice(0, PROGRAMS_PER_ITEM),
    morePrograms: a.morePrograms || b.morePrograms || programs.length > PROGRAMS_PER_ITEM,
  }
}

/** The order in which ABIs come is the order of the lists themselves, so a stable key is enough. */
function compareSyscalls(a: SyscallItem, b: SyscallItem): number {
  return compareText(a.abi, b.abi) || a.nr - b.nr
}

function sumOf(...parts: readonly (Collapsed | undefined)[]): Collapsed | undefined {
  let sum: Collapsed | undefined
  for (const part of parts) {
    if (part === undefined) continue
    sum =
      sum === undefined
        ? part
        : {
            count: Math.min(sum.count + part.count, Number.MAX_SAFE_INTEGER),
            firstMs: Math.min(sum.firstMs, part.firstMs),
            lastMs: Math.max(sum.lastMs, part.lastMs),
          }
  }
  return sum
}

function mergedFolded(
  a: FoldedRuns | undefined,
  b: FoldedRuns | undefined,
): FoldedRuns | undefined {
  if (a === undefined || b === undefined) return a ?? b
  const missed = new IncompletenessTally()
  for (const entry of [...a.incompleteness, ...b.incompleteness]) missed.add(entry)
  return {
    runs: a.runs + b.runs,
    firstStartedMs: Math.min(a.firstStartedMs, b.firstStartedMs),
    lastEndedMs: Math.max(a.lastEndedMs, b.lastEndedMs),
    incompleteness: missed.entries(),
  }
}
