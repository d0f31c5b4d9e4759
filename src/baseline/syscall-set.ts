/**
 * Which system calls one lineage made in one run, with evidence, while the run is learned.
 *
 * Per ABI that was used, an index leads from a number to its evidence:
 *
 *   slots   Uint16Array(1024)   slot of the evidence, plus one; 0 for a call that was not made
 *
 * Learning and looking up are O(1); learning a known call allocates nothing. 2 KB per ABI that was used, and 61 bytes per
 * call (53 of evidence, 8 of code) at doubling capacity.
 */
import { type Abi, ABIS, SYSCALL_NR_LIMIT } from '../observation.js'
import { EvidenceColumns } from './evidence-columns.js'
import type { ProgramTable } from './program-table.js'
import { keptNr, type SyscallItem, syscallCode, syscallOf, syscallOfCode } from './syscall-item.js'

const ABI_CODE = Object.fromEntries(ABIS.map((abi, code) => [abi, code])) as Record<Abi, number>

export class SyscallSet {
  readonly #indexes: (Uint16Array | undefined)[] = ABIS.map(() => undefined)
  readonly #evidence = new EvidenceColumns()
  /** By slot: as `syscallCode` gives them. */
  readonly #codes: number[] = []

  /** `count` further calls, 0 for a hint, in time window `window`; whether the call is new to the set. */
  learn(abi: Abi, nr: number, count: number, window: number, atMs: number): boolean {
    const known = this.#slotOf(abi, nr)
    const slot = known < 0 ? this.#add(abi, nr, this.#evidence.add(atMs)) : known
    this.#evidence.note(slot, count, window, atMs)
    return known < 0
  }

  /** The program made the call. A call that is not known is ignored. */
  learnProgram(abi: Abi, nr: number, program: number): void {
    const slot = this.#slotOf(abi, nr)
    if (slot >= 0) this.#evidence.noteProgram(slot, program)
  }

  /** Takes in an item of a record of the same run; `window` is the one that its last time is in. */
  restore(item: SyscallItem, window: number, programs: ProgramTable): void {
    this.#add(item.abi, item.nr, this.#evidence.restore(item, window, programs))
  }

  /** All items by (ABI in the order of `ABIS`, number), as a copy. */
  items(programs: ProgramTable): SyscallItem[] {
    return Array.from(this.#codes, (code, slot) => ({ code, slot }))
      .sort((a, b) => a.code - b.code)
      .map(({ code, slot }) => syscallOf(syscallOfCode(code), this.#evidence.at(slot, programs)))
  }

  /** The slot of the call, or -1 for one that was not made. */
  #slotOf(abi: Abi, nr: number): number {
    const index = this.#indexes[ABI_CODE[abi]]
    return index === undefined ? -1 : index[keptNr(nr)]! - 1
  }

  #add(abi: Abi, nr: number, slot: number): number {
    const index = (this.#indexes[ABI_CODE[abi]] ??= new Uint16Array(SYSCALL_NR_LIMIT))
    index[keptNr(nr)] = slot + 1
    this.#codes[slot] = syscallCode(abi, nr)
    return slot
  }
}
