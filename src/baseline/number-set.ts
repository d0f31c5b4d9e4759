/**
 * Items of one kind that are known by a small number - capabilities, io_uring operations - which one lineage used in one run,
 * while the run is learned. Bounded by the numbers there are.
 *
 *   slots   Uint16Array(limit)   slot of the evidence, plus one; 0 for a number that was not used
 *
 * Learning is O(1); learning a known number allocates nothing.
 */
import { EvidenceColumns } from './evidence-columns.js'
import type { Evidence } from './evidence.js'
import type { ProgramTable } from './program-table.js'

export class NumberSet {
  readonly #slots: Uint16Array
  readonly #evidence = new EvidenceColumns()
  /** By slot. */
  readonly #numbers: number[] = []

  /** All numbers are below `limit`. */
  constructor(limit: number) {
    this.#slots = new Uint16Array(limit)
  }

  /**
   * `count` further times, 0 for an early notice, in time window `window`, by `program` if that is known; whether the number
   * is new to the set.
   */
  learn(
    number: number,
    count: number,
    window: number,
    atMs: number,
    program: number | undefined,
  ): boolean {
    const known = this.#slots[number]! - 1
    const slot = known < 0 ? this.#add(number, this.#evidence.add(atMs)) : known
    this.#evidence.note(slot, count, window, atMs)
    if (program !== undefined) this.#evidence.noteProgram(slot, program)
    return known < 0
  }

  /** Takes in an item of a record of the same run; `window` is the one that its last time is in. */
  restore(number: number, evidence: Evidence, window: number, programs: ProgramTable): void {
    this.#add(number, this.#evidence.restore(evidence, window, programs))
  }

  /** All items by number, each made by `itemOf`, as copies. */
  items<Item>(
    programs: ProgramTable,
    itemOf: (number: number, evidence: Evidence) => Item,
  ): Item[] {
    return Array.from(this.#numbers, (number, slot) => ({ number, slot }))
      .sort((a, b) => a.number - b.number)
      .map(({ number, slot }) => itemOf(number, this.#evidence.at(slot, programs)))
  }

  #add(number: number, slot: number): number {
    this.#slots[number] = slot + 1
    this.#numbers[slot] = number
    return slot
  }
}
