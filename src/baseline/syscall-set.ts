/**
 * Which system calls one lineage made, with evidence.
 *
 * Per ABI a bitset says whether a number is known, and an index leads to its evidence:
 *
 *   words   Uint32Array(32)     bit nr % 32 of word nr / 32
 *   slots   Uint16Array(1024)   slot of the evidence; meaningful where the bit is set
 *
 * Learning and looking up are O(1); learning a known call allocates nothing. 2,176 bytes per ABI that was used, and
 * 53 bytes per call (45 of evidence, 8 of key) at doubling capacity.
 */
import { ABIS, type Abi, SYSCALL_NR_LIMIT } from '../observation.js'
import { EvidenceColumns, type Evidence } from './evidence.js'
import type { ProgramTable } from './program-table.js'
import type { RunMarks } from './run-marks.js'

/** One system call with its evidence. */
export interface SyscallItem extends Evidence {
  readonly abi: Abi
  /** `SYSCALL_NR_LIMIT - 1` stands for all numbers from there on. */
  readonly nr: number
}

/** Marks that a syscall set needs in `RunMarks`. */
export const SYSCALL_MARKS = ABIS.length * SYSCALL_NR_LIMIT

const WORDS = SYSCALL_NR_LIMIT / 32

interface AbiIndex {
  readonly words: Uint32Array
  readonly slots: Uint16Array
}

const ABI_CODE = Object.fromEntries(ABIS.map((abi, code) => [abi, code])) as Record<Abi, number>

/** `firstMark` is where the marks of this set begin. */
export class SyscallSet {
  readonly #firstMark: number
  readonly #indexes: (AbiIndex | undefined)[] = ABIS.map(() => undefined)
  readonly #evidence = new EvidenceColumns()
  /** By slot: ABI code * SYSCALL_NR_LIMIT + number. */
  readonly #keys: number[] = []

  constructor(firstMark: number) {
    this.#firstMark = firstMark
  }

  get size(): number {
    return this.#evidence.size
  }

  has(abi: Abi, nr: number): boolean {
    const index = this.#indexes[ABI_CODE[abi]]
    return index !== undefined && hasBit(index.words, keptNr(nr))
  }

  /** `count` further calls, 0 for a hint; whether the call is new to the set. */
  learn(marks: RunMarks, abi: Abi, nr: number, count: number, atMs: number): boolean {
    const code = ABI_CODE[abi]
    const kept = keptNr(nr)
    const index = this.#indexes[code]
    const isKnown = index !== undefined && hasBit(index.words, kept)
    const slot = isKnown ? index.slots[kept]! : this.#add(code, kept, this.#evidence.add(atMs))
    const newRun = marks.set(this.#firstMark + code * SYSCALL_NR_LIMIT + kept)
    this.#evidence.note(slot, count, newRun, atMs)
    return !isKnown
  }

  /** The program made the call. A call that is not known is ignored. */
  learnProgram(abi: Abi, nr: number, program: number): void {
    const index = this.#indexes[ABI_CODE[abi]]
    const kept = keptNr(nr)
    if (index === undefined || !hasBit(index.words, kept)) return
    this.#evidence.noteProgram(index.slots[kept]!, program)
  }

  /** Takes in an item that is not in the set yet. */
  restore(item: SyscallItem, programs: ProgramTable): void {
    this.#add(ABI_CODE[item.abi], item.nr, this.#evidence.restore(item, programs))
  }

  /** All items by (ABI in the order of `ABIS`, number), as a copy. */
  items(programs: ProgramTable): SyscallItem[] {
    return Array.from(this.#keys, (key, slot) => ({ key, slot }))
      .sort((a, b) => a.key - b.key)
      .map(({ key, slot }) => ({
        abi: ABIS[Math.floor(key / SYSCALL_NR_LIMIT)]!,
        nr: key % SYSCALL_NR_LIMIT,
        ...this.#evidence.at(slot, programs),
      }))
  }

  #add(code: number, nr: number, slot: number): number {
    const index = (this.#indexes[code] ??= {
      words: new Uint32Array(WORDS),
      slots: new Uint16Array(SYSCALL_NR_LIMIT),
    })
    index.words[nr >>> 5]! |= 1 << (nr & 31)
    index.slots[nr] = slot
    this.#keys[slot] = code * SYSCALL_NR_LIMIT + nr
    return slot
  }
}

/** `nr` is below SYSCALL_NR_LIMIT, so the word is there. */
function hasBit(words: Uint32Array, nr: number): boolean {
  return ((words[nr >>> 5]! >>> (nr & 31)) & 1) === 1
}

/** Everything out of range, negative numbers included, shares the last number. */
function keptNr(nr: number): number {
  return nr >= 0 && nr < SYSCALL_NR_LIMIT ? nr : SYSCALL_NR_LIMIT - 1
}
