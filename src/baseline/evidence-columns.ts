/**
 * Evidence for the items of one set while its run is learned: parallel columns, indexed by slot. A set gives an item the
 * next slot when it is first seen and never takes it back, so slots are dense and stable; they mean nothing outside.
 *
 *   slot       0      1      2
 *   firstMs  | .... | .... | .... |   Float64Array
 *   lastMs   | .... | .... | .... |   Float64Array
 *   counts   | .... | .... | .... |   Float64Array (whole numbers up to 2^53)
 *   windows  | ..   | ..   | ..   |   Uint32Array
 *   window   | .... | .... | .... |   Float64Array, the last one that was counted
 *   programs | 8x.  | 8x.  | 8x.  |   Uint16Array, program ids in order of arrival
 *   filled   | .    | .    | .    |   Uint8Array, how many of the 8 are used, and MORE
 *
 * 53 bytes per slot. Capacity doubles; noting a known slot allocates nothing.
 */
import type { Evidence } from './evidence.js'
import { PROGRAMS_PER_ITEM } from './limits.js'
import { NO_PROGRAM, type ProgramTable } from './program-table.js'

const MORE = 0x80
const FIRST_CAPACITY = 16
const NO_WINDOW = -1

/** The columns. Every `slot` argument must be one that `add` returned: callers look it up, so it is not checked again. */
export class EvidenceColumns {
  #size = 0
  #firstMs = new Float64Array(0)
  #lastMs = new Float64Array(0)
  #counts = new Float64Array(0)
  #windows = new Uint32Array(0)
  #window = new Float64Array(0)
  #programs = new Uint16Array(0)
  #filled = new Uint8Array(0)

  get size(): number {
    return this.#size
  }

  /** A new slot first seen at `atMs`, with no count yet. Amortised O(1). */
  add(atMs: number): number {
    if (this.#size === this.#firstMs.length) this.#grow()
    const slot = this.#size++
    this.#firstMs[slot] = atMs
    this.#lastMs[slot] = atMs
    this.#window[slot] = NO_WINDOW
    return slot
  }

  /**
   * `count` further times at `atMs`, which is in time window `window` of the run; a window that comes after a later one is
   * not counted. Counts stop at 2^53 - 1. O(1).
   */
  note(slot: number, count: number, window: number, atMs: number): void {
    if (atMs < this.#firstMs[slot]!) this.#firstMs[slot] = atMs
    if (atMs > this.#lastMs[slot]!) this.#lastMs[slot] = atMs
    if (count === 0) return
    this.#counts[slot] = Math.min(this.#counts[slot]! + count, Number.MAX_SAFE_INTEGER)
    if (window > this.#window[slot]!) {
      this.#window[slot] = window
      this.#windows[slot] = this.#windows[slot]! + 1
    }
  }

  /** The program did it. O(`PROGRAMS_PER_ITEM`). */
  noteProgram(slot: number, program: number): void {
    const filled = this.#filled[slot]!
    const start = slot * PROGRAMS_PER_ITEM
    const used = filled & ~MORE
    if (program !== NO_PROGRAM) {
      for (let i = start; i < start + used; i++) if (this.#programs[i] === program) return
      if (used < PROGRAMS_PER_ITEM) {
        this.#programs[start + used] = program
        this.#filled[slot] = filled + 1
        return
      }
    }
    this.#filled[slot] = filled | MORE
  }

  /**
   * A new slot with the evidence of a record of the same run; `window` is the one that its last time is in. If that was a
   * hint, a count in the same window does not make one window more: the record does not tell.
   */
  restore(evidence: Evidence, window: number, programs: ProgramTable): number {
    const slot = this.add(evidence.firstMs)
    this.#lastMs[slot] = evidence.lastMs
    this.#counts[slot] = evidence.count
    this.#windows[slot] = evidence.windows
    if (evidence.windows > 0) this.#window[slot] = window
    for (const program of evidence.programs) this.noteProgram(slot, programs.idOf(program))
    if (evidence.morePrograms) this.noteProgram(slot, NO_PROGRAM)
    return slot
  }

  /** The evidence of a slot, as a copy. */
  at(slot: number, programs: ProgramTable): Evidence {
    const filled = this.#filled[slot]!
    const start = slot * PROGRAMS_PER_ITEM
    const ids = this.#programs.subarray(start, start + (filled & ~MORE))
    return {
      firstMs: this.#firstMs[slot]!,
      lastMs: this.#lastMs[slot]!,
      count: this.#counts[slot]!,
      runs: 1,
      windows: this.#windows[slot]!,
      programs: programs.listOf(ids),
      morePrograms: (filled & MORE) !== 0,
    }
  }

  #grow(): void {
    const capacity = Math.max(FIRST_CAPACITY, this.#size * 2)
    this.#firstMs = copiedInto(new Float64Array(capacity), this.#firstMs)
    this.#lastMs = copiedInto(new Float64Array(capacity), this.#lastMs)
    this.#counts = copiedInto(new Float64Array(capacity), this.#counts)
    this.#windows = copiedInto(new Uint32Array(capacity), this.#windows)
    this.#window = copiedInto(new Float64Array(capacity), this.#window)
    this.#programs = copiedInto(new Uint16Array(capacity * PROGRAMS_PER_ITEM), this.#programs)
    this.#filled = copiedInto(new Uint8Array(capacity), this.#filled)
  }
}

function copiedInto<T extends { set(from: T): void }>(to: T, from: T): T {
  to.set(from)
  return to
}
