/**
 * Facts that wait until it is known what they are about: kept in order, bounded, and what finds no room is counted, so that
 * whoever gets them in the end can say what is missing. Pure.
 */
import type { Baseline } from '../baseline/baseline.js'
import type { RunHandle } from '../baseline/run.js'

/** A fact waiting to be learned. */
export type Lesson = (baseline: Baseline, handle: RunHandle) => void

export class Held {
  readonly #limit: number
  #lessons: Lesson[] = []
  #dropped = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Facts that found no room. */
  get dropped(): number {
    return this.#dropped
  }

  /** True if nothing ever came. */
  get isEmpty(): boolean {
    return this.#lessons.length === 0 && this.#dropped === 0
  }

  add(lesson: Lesson): void {
    if (this.#lessons.length < this.#limit) this.#lessons.push(lesson)
    else this.#dropped++
  }

  /** What was kept, in order; it is not kept any longer. */
  take(): readonly Lesson[] {
    const lessons = this.#lessons
    this.#lessons = []
    return lessons
  }
}
