/**
 * What people decided about a baseline, as data: verdicts on items, and the seal. Joining two sets of decisions keeps the later
 * of two that contradict, in any order and however often. What follows from decisions is said elsewhere.
 */
import { failure } from '../errors.js'
import { compareItemKeys, type ItemKey, type ItemKind, itemOfKey } from './item-key.js'
import { orderedKinds } from './kinds.js'
import {
  boundedText,
  compareText,
  DECISION_TEXT_BYTES,
  SEAL_ITEM_LIMIT,
  VERDICT_LIMIT,
} from './limits.js'
import { unionOf } from './union.js'

/** In the order of their codes on disk, from 1. */
export const VERDICTS = ['approved', 'rejected'] as const

/** A person's word on one item, whatever its lineage. */
export interface Verdict {
  readonly item: ItemKey
  readonly verdict: (typeof VERDICTS)[number]
  readonly atMs: number
  readonly by: string
  readonly reason: string
}

/** What a person closed the baseline with. */
export interface Seal {
  readonly atMs: number
  readonly by: string
  /** Of what was sealed. */
  readonly contentHash: string
  /** What was allowed when it was sealed, in the order of keys, each once; at most 16384. */
  readonly items: readonly ItemKey[]
  /**
   * Kinds of items that were looked for in every run that was listed then, in the order of `ITEM_KINDS`: items of other kinds
   * the seal says nothing about. None in a seal of before that was recorded.
   */
  readonly kinds: readonly ItemKind[]
}

export interface DecisionsSnapshot {
  /** One per item, in the order of their keys; at most 4096. */
  readonly verdicts: readonly Verdict[]
  readonly seal: Seal | undefined
}

export const NO_DECISIONS: DecisionsSnapshot = { verdicts: [], seal: undefined }

/** The decisions with that verdict, if there is no later one on its item. Throws `DECISIONS_FULL`. */
export function withVerdict(decisions: DecisionsSnapshot, verdict: Verdict): DecisionsSnapshot {
  checkKey(verdict.item)
  const bounded = { ...verdict, by: boundedText(verdict.by), reason: boundedText(verdict.reason) }
  return joinedDecisions(decisions, { verdicts: [bounded], seal: undefined })
}

/** The decisions with that seal, if there is no later one. Throws `DECISIONS_FULL`. */
export function withSeal(decisions: DecisionsSnapshot, seal: Seal): DecisionsSnapshot {
  for (const key of seal.items) checkKey(key)
  const items = [...new Set(seal.items)].sort(compareItemKeys)
  const { atMs } = seal
  const bounded = {
    atMs,
    by: boundedText(seal.by),
    contentHash: boundedText(seal.contentHash),
    items,
    kinds: orderedKinds(seal.kinds),
  }
  return joinedDecisions(decisions, { verdicts: [], seal: bounded })
}

/**
 * What both say: per item the later verdict, and the later seal. Nothing that a person decided is dropped for want of room:
 * throws `DECISIONS_FULL`.
 */
export function joinedDecisions(a: DecisionsSnapshot, b: DecisionsSnapshot): DecisionsSnapshot {
  const verdicts = unionOf(
    [a.verdicts, b.verdicts],
    (x, y) => compareItemKeys(x.item, y.item),
    (x, y) => (compareVerdicts(x, y) < 0 ? y : x),
  )
  const seals = [a.seal, b.seal].filter((seal) => seal !== undefined)
  const joined = { verdicts, seal: seals.sort(compareSeals).at(-1) }
  const problem = boundsProblem(joined)
  if (problem !== undefined) throw failure('DECISIONS_FULL', { problem })
  return joined
}

/** Which bound the decisions exceed, as a sentence without its full stop, or undefined. */
export function boundsProblem({ verdicts, seal }: DecisionsSnapshot): string | undefined {
  const sealed = seal?.items ?? []
  if (verdicts.length > VERDICT_LIMIT) return `more than ${VERDICT_LIMIT} items have a verdict`
  if (sealed.length > SEAL_ITEM_LIMIT) return `the seal has more than ${SEAL_ITEM_LIMIT} items`
  const texts = [verdicts.map(({ item }) => item), sealed]
  for (const keys of texts) {
    const bytes = keys.reduce((sum, key) => sum + key.length, 0)
    if (bytes > DECISION_TEXT_BYTES)
      return `the names of the items exceed ${DECISION_TEXT_BYTES} bytes`
  }
  return undefined
}

/** A file with a decision about nothing could not be read again. */
function checkKey(key: ItemKey): void {
  if (itemOfKey(key) === undefined) throw new RangeError('a decision must be about an item')
}

function compareVerdicts(a: Verdict, b: Verdict): number {
  return (
    a.atMs - b.atMs ||
    compareText(a.verdict, b.verdict) ||
    compareText(a.by, b.by) ||
    compareText(a.reason, b.reason)
  )
}

function compareSeals(a: Seal, b: Seal): number {
  return (
    a.atMs - b.atMs ||
    compareText(a.contentHash, b.contentHash) ||
    compareText(a.by, b.by) ||
    a.items.length - b.items.length ||
    compareText(a.items.join('\u0000\u0002'), b.items.join('\u0000\u0002')) ||
    compareText(a.kinds.join(), b.kinds.join())
  )
}
