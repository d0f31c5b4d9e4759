/**
 * Values of learned arguments that one lineage used in one run, while the run is learned. Bounded per call: a full one learns
 * on about what it has and counts the rest. Learning a known value is O(1) and allocates nothing.
 */
import type { Abi } from '../observation.js'
import { argumentOf, type CollapsedArguments, type ArgumentItem } from './argument-item.js'
import { type Collapsed, collapsedInto } from './collapsed.js'
import { EvidenceColumns } from './evidence-columns.js'
import { ARGUMENT_LIMIT } from './limits.js'
import type { ProgramTable } from './program-table.js'
import { syscallCode, syscallOfCode } from './syscall-item.js'

interface CallValues {
  /** Slots by value, as a signed number: those are kept without a box of their own. */
  readonly slots: Map<number, number>
  collapsed: Collapsed | undefined
}

export class ArgumentSet {
  /** By `syscallCode`. */
  readonly #calls = new Map<number, CallValues>()
  readonly #evidence = new EvidenceColumns()

  /** `count` further calls with that value, in time window `window`; whether the value is new to the set. */
  learn(abi: Abi, nr: number, value: number, count: number, window: number, atMs: number): boolean {
    const call = this.#callOf(abi, nr)
    const known = call.slots.get(value | 0)
    if (known === undefined && call.slots.size === ARGUMENT_LIMIT) {
      call.collapsed = collapsedInto(call.collapsed, count, atMs)
      return false
    }
    const slot = known ?? this.#evidence.add(atMs)
    if (known === undefined) call.slots.set(value | 0, slot)
    this.#evidence.note(slot, count, window, atMs)
    return known === undefined
  }

  /** Takes in an item of a record of the same run; `window` is the one that its last time is in. */
  restore(item: ArgumentItem, window: number, programs: ProgramTable): void {
    const slot = this.#evidence.restore(item, window, programs)
    this.#callOf(item.abi, item.nr).slots.set(item.value | 0, slot)
  }

  /** Takes over a marker of that record, after its items. Only of a full call: what was not seen is worked out anew. */
  restoreCollapsed({ abi, nr, ...collapsed }: CollapsedArguments): void {
    const call = this.#callOf(abi, nr)
    if (call.slots.size === ARGUMENT_LIMIT) call.collapsed = collapsed
  }

  /** All items by (ABI, number, value), as copies. */
  items(programs: ProgramTable): ArgumentItem[] {
    return this.#sorted().flatMap(([code, { slots }]) => {
      const { abi, nr } = syscallOfCode(code)
      return Array.from(slots, ([value, slot]) =>
        argumentOf({ abi, nr, value: value >>> 0 }, this.#evidence.at(slot, programs)),
      ).sort((a, b) => a.value - b.value)
    })
  }

  /** The markers of full calls, by (ABI, number). */
  collapsed(): CollapsedArguments[] {
    return this.#sorted().flatMap(([code, { collapsed }]) =>
      collapsed === undefined ? [] : [{ ...syscallOfCode(code), ...collapsed }],
    )
  }

  #sorted(): [number, CallValues][] {
    return [...this.#calls].sort(([a], [b]) => a - b)
  }

  #callOf(abi: Abi, nr: number): CallValues {
    const code = syscallCode(abi, nr)
    const known = this.#calls.get(code)
    if (known !== undefined) return known
    const call: CallValues = { slots: new Map(), collapsed: undefined }
    this.#calls.set(code, call)
    return call
  }
}
