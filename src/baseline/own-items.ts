/**
 * The items that stand for an image: what its own lineages did, and what a filter refused them, each once, in the order of
 * their keys. Pure.
 */
import type { Baseline } from './baseline.js'
import { OWN_LINEAGES } from './incidences.js'
import { compareItemKeys, type ItemKey, itemKeyOf, type NamedItem } from './item-key.js'
import { namedItems } from './named-items.js'
import { type Standing, Standings } from './standing.js'

export interface StandingItem {
  readonly key: ItemKey
  readonly item: NamedItem
  readonly standing: Standing
}

/**
 * Every item that `main` or `probe` did, with where it stands, and every call that was refused to them and that neither made.
 * O(n log n).
 */
export function standingItems(baseline: Baseline): readonly StandingItem[] {
  const standings = new Standings(baseline.decisions)
  const found = new Map<ItemKey, StandingItem>()
  const behaviours = OWN_LINEAGES.map((lineage) => baseline.behaviour(lineage))
  for (const item of behaviours.flatMap(namedItems)) {
    const key = itemKeyOf(item)
    if (!found.has(key)) found.set(key, { key, item, standing: standings.of(item) })
  }
  // Only now: a call that one of them made stands as made, whatever the other was refused.
  for (const { abi, nr } of behaviours.flatMap(({ denied }) => denied)) {
    const item: NamedItem = { kind: 'syscall', abi, nr }
    const key = itemKeyOf(item)
    if (!found.has(key)) found.set(key, { key, item, standing: standings.ofDenied(item) })
  }
  return [...found.values()].sort((a, b) => compareItemKeys(a.key, b.key))
}
