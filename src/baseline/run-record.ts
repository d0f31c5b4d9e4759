/**
 * What a run did: facts about it, and per lineage its items with the evidence of this run alone. Plain and immutable. Records
 * of one run form a join semilattice: an earlier and a later state joined are the later one, in any order, however often.
 */
import type { ByteString } from '../bytes.js'
import type { Lineage } from '../observation.js'
import { itemsIn, kindsIn, NO_BEHAVIOUR, type Behaviour, textIn } from './behaviour.js'
import { joinedBehaviour } from './behaviour-union.js'
import { joinedPeaks, type ResourcePeaks } from './resources.js'
import { joinedRunFacts, type RunFacts } from './run.js'

/** The lineages a baseline tells apart, in the order of their codes on disk, from 1. */
export const BASELINE_LINEAGES = [
  'runtime',
  'main',
  'exec',
  'probe',
] as const satisfies readonly Lineage[]

export type ByLineage<T> = Readonly<Record<Lineage, T>>

export interface RunRecord extends RunFacts {
  /** Length of its time windows; the first begins with the run. */
  readonly windowMs: number
  readonly behaviours: ByLineage<Behaviour>
  readonly resources: ResourcePeaks
  /** Items in all lineages. */
  readonly items: number
  /** Bytes of the text that names them. */
  readonly textBytes: number
}

/** The record, with its size. O(items). */
export function recordOf(
  facts: RunFacts,
  windowMs: number,
  behaviours: ByLineage<Behaviour>,
  resources: ResourcePeaks,
): RunRecord {
  const sum = (sizeOf: (behaviour: Behaviour) => number): number =>
    BASELINE_LINEAGES.reduce((total, lineage) => total + sizeOf(behaviours[lineage]), 0)
  const size = { items: sum(itemsIn), textBytes: sum(textIn) }
  return { ...facts, windowMs, behaviours, resources, ...size }
}

/** One value per lineage. */
export function byLineage<T>(valueOf: (lineage: Lineage) => T): ByLineage<T> {
  return {
    runtime: valueOf('runtime'),
    main: valueOf('main'),
    exec: valueOf('exec'),
    probe: valueOf('probe'),
  }
}

/** What two states of one run say together. */
export function joinedRecord(a: RunRecord, b: RunRecord): RunRecord {
  if (a === b) return a
  return recordOf(
    joinedRunFacts(a, b),
    Math.max(a.windowMs, b.windowMs),
    joinedBehaviours([a.behaviours, b.behaviours]),
    joinedPeaks(a.resources, b.resources),
  )
}

/** The same, lineage by lineage, for any number of states. */
export function joinedBehaviours(states: readonly ByLineage<Behaviour>[]): ByLineage<Behaviour> {
  return byLineage((lineage) => {
    const parts = states.map((state) => state[lineage]).filter((part) => part !== NO_BEHAVIOUR)
    return joinedBehaviour(parts)
  })
}

/** Every program that its evidence names, once, in no order. */
export function programsOf({ behaviours }: Pick<RunRecord, 'behaviours'>): ReadonlySet<ByteString> {
  const paths = new Set<ByteString>()
  for (const lineage of BASELINE_LINEAGES) {
    for (const items of kindsIn(behaviours[lineage])) {
      for (const item of items) for (const path of item.programs) paths.add(path)
    }
  }
  return paths
}
