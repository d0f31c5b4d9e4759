/**
 * Which items a run was already counted for: one bit per possible item of every set, so that "in how many runs" is exact
 * even when several runs of one image interleave. Dropped with the handle of the run.
 */
export class RunMarks {
  readonly #words: Uint32Array

  /** Room for `size` marks, none set: `size` / 8 bytes. */
  constructor(size: number) {
    this.#words = new Uint32Array(Math.ceil(size / 32))
  }

  /** Sets the mark; whether it was clear before. O(1). */
  set(mark: number): boolean {
    const word = mark >>> 5
    const bit = 1 << (mark & 31)
    if ((this.#words[word]! & bit) !== 0) return false
    this.#words[word]! |= bit
    return true
  }
}
