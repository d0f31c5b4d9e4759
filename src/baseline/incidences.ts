/**
 * In how many sampling units each item of a baseline was seen. A unit is a run, or a time window of a run: the only units
 * that a service which is never restarted has. Pure. Counts what the image does by itself, health checks included: main and
 * probe.
 *
 * A run's first window is its start-up and unlike the others, so it is no unit: items that were seen there, in any run, are
 * left out, and the estimate is about what steady operation still brings. The last window counts once it is over.
 */
import type { Behaviour } from './behaviour.js'
import type { Incidence } from './coverage.js'
import type { Evidence } from './evidence.js'
import type { FoldedRuns } from './folded-runs.js'
import type { NamedItem } from './item-key.js'
import type { RunRecord } from './run-record.js'

/** Lineages that an image has on its own account. */
export const OWN_LINEAGES = ['main', 'probe'] as const

export interface Incidences {
  readonly units: number
  readonly items: readonly Incidence<NamedItem>[]
}

interface Tally {
  readonly item: NamedItem
  units: number
  firstUnit: number
}

/**
 * By runs, in the order in which they started; those that are `underWay` may yet do anything and are left out. Runs that are
 * no longer listed are no units, but what they did is known: it is never taken for new. O(items of all runs).
 */
export function runIncidences(
  listed: readonly RunRecord[],
  folded: FoldedRuns | undefined,
  underWay: ReadonlySet<string> = new Set(),
): Incidences {
  const runs = listed.filter(({ runId }) => !underWay.has(runId))
  const tallies = new Map<string, Tally>()
  if (folded !== undefined) {
    for (const key of ownItems(folded.behaviours).keys()) {
      // As if it had been in many units: neither new nor rare.
      tallies.set(key, { item: UNNAMED, units: Infinity, firstUnit: 0 })
    }
  }
  for (const [index, run] of runs.entries()) {
    for (const [key, { item }] of ownItems(run.behaviours)) {
      const tally = tallies.get(key)
      if (tally === undefined) tallies.set(key, { item, units: 1, firstUnit: index })
      else tally.units++
    }
  }
  return { units: runs.length, items: [...tallies.values()] }
}

/** By time windows, run after run. O(items of all runs). */
export function windowIncidences(runs: readonly RunRecord[]): Incidences {
  const tallies = new Map<string, Tally>()
  const startUp = new Set<string>()
  let units = 0
  for (const run of runs) {
    const { windowMs, startedMs, attachedMs, behaviours } = run
    const windowOf = (atMs: number): number => Math.floor((atMs - startedMs) / windowMs)
    const items = ownItems(behaviours)
    const first = windowOf(Math.max(startedMs, attachedMs))
    const over = Math.max(first + 1, windowOf(endOf(run, items)))
    for (const [key, { item, evidence }] of items) {
      if (windowOf(evidence.firstMs) <= first) {
        startUp.add(key)
        continue
      }
      const seen = Math.max(1, evidence.windows)
      const tally = tallies.get(key)
      const firstUnit = units + windowOf(evidence.firstMs) - first - 1
      if (tally === undefined) tallies.set(key, { item, units: seen, firstUnit })
      else tally.units += seen
    }
    units += over - first - 1
  }
  const items = [...tallies].filter(([key]) => !startUp.has(key)).map(([, tally]) => tally)
  return { units, items }
}

interface Seen {
  readonly item: NamedItem
  readonly evidence: Evidence
}

const UNNAMED: NamedItem = { kind: 'syscall', abi: 'x86_64', nr: 0 }

/**
 * The items of the image's own lineages, by a key that is cheap to make; an item of both has the evidence of both. What a
 * filter refused is none: it says nothing of what is still to be learned.
 */
function ownItems(behaviours: RunRecord['behaviours']): ReadonlyMap<string, Seen> {
  const items = new Map<string, Seen>()
  for (const lineage of OWN_LINEAGES) {
    for (const [key, seen] of itemsOf(behaviours[lineage])) {
      const other = items.get(key)
      items.set(key, other === undefined ? seen : earlierOf(other, seen))
    }
  }
  return items
}

function earlierOf(a: Seen, b: Seen): Seen {
  const firstMs = Math.min(a.evidence.firstMs, b.evidence.firstMs)
  const windows = Math.max(a.evidence.windows, b.evidence.windows)
  return { item: a.item, evidence: { ...a.evidence, firstMs, windows } }
}

function* itemsOf(behaviour: Behaviour): Generator<readonly [string, Seen]> {
  for (const one of behaviour.syscalls) {
    const { abi, nr } = one
    yield [`s${abi} ${nr}`, { item: { kind: 'syscall', abi, nr }, evidence: one }]
  }
  for (const one of behaviour.arguments) {
    const { abi, nr, value } = one
    yield [`a${abi} ${nr} ${value}`, { item: { kind: 'argument', abi, nr, value }, evidence: one }]
  }
  for (const one of behaviour.execs) {
    const { path, exe } = one
    yield [`x${path}\0${exe}`, { item: { kind: 'exec', path, exe }, evidence: one }]
  }
  for (const kind of ['connect', 'listen'] as const) {
    const endpoints = kind === 'connect' ? behaviour.connections : behaviour.listeners
    for (const one of endpoints) {
      const { protocol, address, port, source } = one
      const item: NamedItem = { kind, protocol, address, port, source }
      yield [`${kind} ${protocol} ${port} ${source} ${address}`, { item, evidence: one }]
    }
  }
  for (const one of behaviour.capabilities) {
    const { capability } = one
    yield [`c${capability}`, { item: { kind: 'capability', capability }, evidence: one }]
  }
  for (const one of behaviour.uringOps) {
    const { opcode } = one
    yield [`u${opcode}`, { item: { kind: 'io_uring', opcode }, evidence: one }]
  }
}

/** The end of a run, or the last that is known of it. */
function endOf({ endedMs, startedMs }: RunRecord, items: ReadonlyMap<string, Seen>): number {
  if (endedMs > 0) return endedMs
  let last = startedMs
  for (const { evidence } of items.values()) last = Math.max(last, evidence.lastMs)
  return last
}
