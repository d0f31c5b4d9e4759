/** What an image's containers may do without being reported: its sealed baseline and the policy, compiled into lists. */
import type { SyscallFacts } from '../baseline/syscall-item.js'
import type { AnomalyKind } from './anomaly.js'
import { callCode, highOf, ABI_CODE, KIND_CODE, NAMED_KINDS, type NamedKind } from './fact-code.js'
import type { Interner } from './interner.js'
import { PairSet } from './pair-set.js'

export interface AllowedSet {
  readonly syscalls: readonly SyscallFacts[]
  readonly arguments: readonly (SyscallFacts & { readonly value: number })[]
  /** Calls of which every argument is allowed. */
  readonly anyArgument: readonly SyscallFacts[]
  readonly denials: readonly (SyscallFacts & { readonly answer: number })[]
  readonly capabilities: readonly number[]
  /** Of io_uring. */
  readonly opcodes: readonly number[]
  readonly keys: Readonly<Partial<Record<NamedKind, readonly string[]>>>
  /** Kinds that cannot be judged, such as those of which the baseline's host could not see anything. */
  readonly unjudged: readonly AnomalyKind[]
}

/** Kind of the pair that stands for every argument of a call: one that has no pairs of its own. */
const ANY_ARGUMENT = KIND_CODE.abi

/** Whatever of an allowed set is neither a bit nor a flag: arguments, answers and interned keys. */
export class AllowedPairs {
  readonly #pairs: PairSet
  readonly #ids: readonly number[]

  /** Holds the keys until `drop`. */
  constructor(allowed: AllowedSet, interner: Interner) {
    const highs: number[] = []
    const lows: number[] = []
    const ids: number[] = []
    const add = (kind: number, { abi, nr }: SyscallFacts, low: number): void => {
      highs.push(highOf(kind, 0, callCode(ABI_CODE[abi], nr)))
      lows.push(low)
    }
    for (const item of allowed.arguments) add(KIND_CODE.argument, item, item.value)
    for (const call of allowed.anyArgument) add(ANY_ARGUMENT, call, 0)
    for (const item of allowed.denials) add(KIND_CODE.denied, item, item.answer)
    for (const kind of NAMED_KINDS) {
      for (const key of allowed.keys[kind] ?? []) {
        const id = interner.hold(key)
        ids.push(id)
        highs.push(highOf(KIND_CODE[kind], 0, 0))
        lows.push(id)
      }
    }
    this.#pairs = new PairSet(highs, lows)
    this.#ids = ids
  }

  has(kind: number, call: number, low: number): boolean {
    return this.#pairs.has(highOf(kind, 0, call), low)
  }

  hasEveryArgument(call: number): boolean {
    return this.#pairs.has(highOf(ANY_ARGUMENT, 0, call), 0)
  }

  drop(interner: Interner): void {
    for (const id of this.#ids) interner.drop(id)
  }
}

/** How many keys the set lists. */
export function keyCountOf(allowed: AllowedSet): number {
  return NAMED_KINDS.reduce((count, kind) => count + (allowed.keys[kind]?.length ?? 0), 0)
}
