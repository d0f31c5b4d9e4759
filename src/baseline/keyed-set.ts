/**
 * A bounded set of items that are known by a string key, with evidence: what program executions and endpoints have in
 * common. When it is full it learns on about what it has and collapses the rest into a counter: which items a hostile
 * container can push out is decided by time of arrival alone, never by what it does later.
 */
import { type Collapsed, collapsedInto } from './collapsed.js'
import { EvidenceColumns, type Evidence } from './evidence.js'
import type { ProgramTable } from './program-table.js'
import type { RunMarks } from './run-marks.js'

/** No slot: the set is full. */
export const NO_SLOT = -1

/** `Facts` is what the set keeps of an item beside its evidence. Marks of the set begin at `firstMark`. */
export class KeyedSet<Facts extends object> {
  readonly #limit: number
  readonly #firstMark: number
  readonly #slots = new Map<string, number>()
  readonly #facts: Facts[] = []
  readonly #evidence = new EvidenceColumns()
  #collapsed: Collapsed | undefined

  constructor(limit: number, firstMark: number) {
    this.#limit = limit
    this.#firstMark = firstMark
  }

  get size(): number {
    return this.#facts.length
  }

  /** What the full set did not take in; undefined as long as it lists everything. */
  get collapsed(): Collapsed | undefined {
    return this.#collapsed
  }

  /** The facts kept under `key`, for the owner to update. */
  find(key: string): Facts | undefined {
    const slot = this.#slots.get(key)
    return slot === undefined ? undefined : this.#facts[slot]
  }

  /**
   * `count` further times of the item; `facts` is used if it is new. `program` is an id of the program table, if
   * known. Returns whether the item is new to the set. O(1).
   */
  learn(
    marks: RunMarks,
    key: string,
    facts: Facts,
    count: number,
    atMs: number,
    program: number | undefined,
  ): boolean {
    const known = this.#slots.get(key)
    const slot = known ?? this.#add(key, facts, atMs)
    if (slot === NO_SLOT) {
      this.#collapsed = collapsedInto(this.#collapsed, count, atMs)
      return false
    }
    this.#evidence.note(slot, count, marks.set(this.#firstMark + slot), atMs)
    if (program !== undefined) this.#evidence.noteProgram(slot, program)
    return known === undefined
  }

  /** Takes in an item that is not in the set yet; the caller has checked that there is room. */
  restore(key: string, facts: Facts, evidence: Evidence, programs: ProgramTable): void {
    this.#slots.set(key, this.#evidence.restore(evidence, programs))
    this.#facts.push(facts)
  }

  /** Takes over the marker of a stored set. */
  restoreCollapsed(collapsed: Collapsed): void {
    this.#collapsed = collapsed
  }

  /** All items in the order given, as copies. */
  items(programs: ProgramTable, compare: (a: Facts, b: Facts) => number): (Facts & Evidence)[] {
    return this.#facts
      .map((facts, slot) => ({ ...facts, ...this.#evidence.at(slot, programs) }))
      .sort(compare)
  }

  #add(key: string, facts: Facts, atMs: number): number {
    if (this.#facts.length === this.#limit) return NO_SLOT
    const slot = this.#evidence.add(atMs)
    this.#slots.set(key, slot)
    this.#facts.push(facts)
    return slot
  }
}
