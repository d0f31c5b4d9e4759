/**
 * Where an item stands: whether the image may do it. Observations are facts and stay; what people decided about them, and
 * what is never learned, is laid over them here. Pure.
 */
import { isNeverLearnedCapability } from '../kernel/capability-danger.js'
import { isNeverLearnedArgument, isNeverLearnedCall } from '../kernel/never-learned.js'
import type { DecisionsSnapshot } from './verdicts.js'
import { type ItemKey, itemKeyOf, type NamedItem } from './item-key.js'

/**
 * `allowed` because it was learned, or was in the baseline when it was sealed, or a person approved it; `candidate` because
 * it is never learned, or came after the seal, or was refused by a filter and never done: it waits for a person; `rejected` by
 * a person.
 */
export type Standing =
  | 'learned'
  | 'sealed'
  | 'approved'
  | 'candidate-never-learned'
  | 'candidate-after-seal'
  | 'candidate-denied'
  | 'rejected'

export function isAllowed(standing: Standing): boolean {
  return standing === 'learned' || standing === 'sealed' || standing === 'approved'
}

export function isCandidate(standing: Standing): boolean {
  return (
    standing === 'candidate-never-learned' ||
    standing === 'candidate-after-seal' ||
    standing === 'candidate-denied'
  )
}

/** Answers for the items of one baseline. */
export class Standings {
  readonly #verdicts: ReadonlyMap<ItemKey, 'approved' | 'rejected'>
  readonly #sealed: ReadonlySet<ItemKey> | undefined

  constructor({ verdicts, seal }: DecisionsSnapshot) {
    this.#verdicts = new Map(verdicts.map(({ item, verdict }) => [item, verdict]))
    this.#sealed = seal === undefined ? undefined : new Set(seal.items)
  }

  /** A verdict comes before the seal, and the seal before the never-learn list. O(1). */
  of(item: NamedItem): Standing {
    const key = itemKeyOf(item)
    const verdict = this.#verdicts.get(key)
    if (verdict !== undefined) return verdict
    if (this.#sealed?.has(key) === true) return 'sealed'
    if (isNeverLearned(item)) return 'candidate-never-learned'
    return this.#sealed === undefined ? 'learned' : 'candidate-after-seal'
  }

  /** Where a call stands that was refused and never made. What a filter keeps out is not learned by being tried. O(1). */
  ofDenied(item: NamedItem): Standing {
    const key = itemKeyOf(item)
    const verdict = this.#verdicts.get(key)
    if (verdict !== undefined) return verdict
    return this.#sealed?.has(key) === true ? 'sealed' : 'candidate-denied'
  }
}

function isNeverLearned(item: NamedItem): boolean {
  switch (item.kind) {
    case 'syscall':
      return isNeverLearnedCall(item.abi, item.nr)
    case 'argument':
      return isNeverLearnedArgument(item.abi, item.nr, item.value)
    case 'capability':
      return isNeverLearnedCapability(item.capability)
    case 'exec':
    case 'connect':
    case 'listen':
    case 'io_uring':
      return false
  }
}
