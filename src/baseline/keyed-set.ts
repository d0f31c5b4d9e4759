/**
 * A bounded set of items of one run that are known by a string key, with evidence: what program executions and endpoints
 * have in common. When it is full it learns on about what it has and collapses the rest into a counter: which items a
 * hostile container can push out is decided by time of arrival alone, never by what it does later.
 */
import { type Collapsed, collapsedInto } from './collapsed.js'
import { EvidenceColumns } from './evidence-columns.js'
import type { Evidence } from './evidence.js'
import type { ItemKey } from './item-key.js'
import type { ProgramTable } from './program-table.js'

/** No slot: the set is full. */
const NO_SLOT = -1

/** `Facts` is what the set keeps of an item beside its evidence. */
export class KeyedSet<Facts extends object> {
  readonly #limit: number
  readonly #slots = new Map<ItemKey, number>()
  readonly #facts: Facts[] = []
  readonly #evidence = new EvidenceColumns()
  #collapsed: Collapsed | undefined

  constructor(limit: number) {
    this.#limit = limit
  }

  /** What the full set did not take in; undefined as long as it lists everything. */
  get collapsed(): Collapsed | undefined {
    return this.#collapsed
  }

  /** The facts kept under `key`, for the owner to update. */
  find(key: ItemKey): Facts | undefined {
    const slot = this.#slots.get(key)
    return slot === undefined ? undefined : this.#facts[slot]
  }

  /**
   * `count` further times of the item, in time window `window`; `facts` is used if it is new. `program` is an id of the
   * program table, if known. Returns whether the item is new to the set. O(1).
   */
  learn(
    key: ItemKey,
    facts: Facts,
    count: number,
    window: number,
    atMs: number,
    program: number | undefined,
  ): boolean {
    const known = this.#slots.get(key)
    const slot = known ?? this.#add(key, facts, atMs)
    if (slot === NO_SLOT) {
      this.#collapsed = collapsedInto(this.#collapsed, count, atMs)
      return false
    }
    this.#evidence.note(slot, count, window, atMs)
    if (program !== undefined) this.#evidence.noteProgram(slot, program)
    return known === undefined
  }

  /** Takes in an item of a record of the same run; the set must not have it, and must have room. */
  restore(
    key: ItemKey,
    facts: Facts,
    evidence: Evidence,
    window: number,
    programs: ProgramTable,
  ): void {
    this.#slots.set(key, this.#evidence.restore(evidence, window, programs))
    this.#facts.push(facts)
  }

  /** Takes over the marker of a record. */
  restoreCollapsed(collapsed: Collapsed | undefined): void {
    this.#collapsed = collapsed
  }

  /** All items, each made by `itemOf`, in the order in which they came. */
  items<Item>(programs: ProgramTable, itemOf: (facts: Facts, evidence: Evidence) => Item): Item[] {
    return this.#facts.map((facts, slot) => itemOf(facts, this.#evidence.at(slot, programs)))
  }

  #add(key: ItemKey, facts: Facts, atMs: number): number {
    if (this.#facts.length === this.#limit) return NO_SLOT
    const slot = this.#evidence.add(atMs)
    this.#slots.set(key, slot)
    this.#facts.push(facts)
    return slot
  }
}
