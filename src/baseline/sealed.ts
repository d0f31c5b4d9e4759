/** What a sealed baseline holds its image to: the questions of whoever enforces it. Pure. */
import type { Baseline } from './baseline.js'
import {
  compareItemKeys,
  type ItemKey,
  type ItemKind,
  itemOfKey,
  type NamedItem,
} from './item-key.js'
import { lookedFor } from './kinds.js'
import { standingItems } from './own-items.js'
import { isAllowed } from './standing.js'
import type { Seal } from './verdicts.js'

/** The seal; undefined for a baseline that nothing is to be held to. */
export function sealOf(baseline: Baseline): Seal | undefined {
  return baseline.decisions.seal
}

/**
 * Kinds of items that the seal speaks about: those that were looked for in every run that was listed when it was sealed. What
 * an image does of another kind is neither allowed nor new, because nobody looked. Empty for a baseline that is not sealed.
 */
export function judgedKinds(baseline: Baseline): readonly ItemKind[] {
  const seal = sealOf(baseline)
  return seal === undefined ? [] : lookedFor(seal.kinds)
}

/**
 * What the image may do, each item once, in the order of keys: what was sealed, and what a person approved before or after,
 * seen or not; nothing that was rejected. Of a baseline that is not sealed, what would be sealed now. Holds for `main` and
 * `probe` alike: decisions know no lineage. O(n log n).
 */
export function allowedItems(baseline: Baseline): readonly NamedItem[] {
  const { seal, verdicts } = baseline.decisions
  const allowed = new Set(seal?.items ?? allowedNow(baseline))
  for (const { item, verdict } of verdicts) {
    if (verdict === 'approved') allowed.add(item)
    else allowed.delete(item)
  }
  return [...allowed]
    .sort(compareItemKeys)
    .map(itemOfKey)
    .filter((item) => item !== undefined)
}

/** Keys of the items that the image does and may do, by what is known now, in their order. */
export function allowedNow(baseline: Baseline): readonly ItemKey[] {
  return standingItems(baseline)
    .filter(({ standing }) => isAllowed(standing))
    .map(({ key }) => key)
}
