/** What waits for a decision, as people and programs are shown it: the item in words, why it waits, and the evidence. Pure. */
import { candidatesOf } from './approval.js'
import type { Baseline } from './baseline.js'
import type { Evidence } from './evidence.js'
import { evidenceOf } from './item-evidence.js'
import type { ItemKind } from './item-key.js'
import { itemText } from './item-text.js'
import type { StandingItem } from './own-items.js'
import type { Standing } from './standing.js'

export interface CandidateRow {
  /** Printable, as `itemsNamed` takes it. */
  readonly text: string
  readonly kind: ItemKind
  readonly standing: Standing
  /** Undefined for what is only on record as a decision. */
  readonly evidence: Evidence | undefined
}

/** All of them, in the order of their keys. O(candidates x items). */
export function candidateRows(baseline: Baseline): readonly CandidateRow[] {
  return candidatesOf(baseline).map((candidate) => candidateRow(baseline, candidate))
}

/** One of them. O(items). */
export function candidateRow(baseline: Baseline, { item, standing }: StandingItem): CandidateRow {
  return { text: itemText(item), kind: item.kind, standing, evidence: evidenceOf(baseline, item) }
}
