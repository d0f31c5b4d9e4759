/** The items that stand for an image: what its own lineages did, each once, in the order of their keys. Pure. */
import type { Baseline } from './baseline.js'
import { OWN_LINEAGES } from './incidences.js'
import { compareItemKeys, type ItemKey, itemKeyOf, type NamedItem } from './item-key.js'
import { type Standing, Standings } from './standing.js'

export interface StandingItem {
  readonly key: ItemKey
  readonly item: NamedItem
  readonly standing: Standing
}

/** Every item that `main` or `probe` did, with where it stands. */
export function standingItems(baseline: Baseline): readonly StandingItem[] {
  const standings = new Standings(baseline.decisions)
  const found = new Map<ItemKey, NamedItem>()
  for (const lineage of OWN_LINEAGES) {
    for (const { abi, nr } of baseline.syscalls(lineage)) add(found, { kind: 'syscall', abi, nr })
    for (const { abi, nr, value } of baseline.arguments(lineage)) {
      add(found, { kind: 'argument', abi, nr, value })
    }
    for (const { path, exe } of baseline.execs(lineage)) add(found, { kind: 'exec', path, exe })
    for (const kind of ['connect', 'listen'] as const) {
      const endpoints =
        kind === 'connect' ? baseline.connections(lineage) : baseline.listeners(lineage)
      for (const { protocol, address, port, source } of endpoints) {
        add(found, { kind, protocol, address, port, source })
      }
    }
  }
  return [...found]
    .map(([key, item]) => ({ key, item, standing: standings.of(item) }))
    .sort((a, b) => compareItemKeys(a.key, b.key))
}

function add(found: Map<ItemKey, NamedItem>, item: NamedItem): void {
  found.set(itemKeyOf(item), item)
}
