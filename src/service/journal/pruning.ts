/** When events go: the oldest, once they are too old or too much, some at a time. */
import type { Kept } from './journal-rows.js'
import type { JournalStore } from './journal-store.js'
import type { Retention } from './level-options.js'

/** Once there is too much, it goes down to this part of the bound, so that not every commit has to remove something. */
const PRUNE_TO = 0.95

export class Pruning {
  readonly #retention: Retention
  /** Something may be too old. */
  #isAgeDue = false
  /** There was too much, and it is not yet down to where it goes. */
  #isOver = false

  constructor(retention: Retention) {
    this.#retention = retention
  }

  /** Has the next step look whether something is too old. */
  checkAge(): void {
    this.#isAgeDue = true
  }

  isDue(kept: Kept): boolean {
    return this.#isAgeDue || this.#isOver || this.#isTooMuch(kept)
  }

  /** Removes some, if that is due: more than was written, so that no flood outruns it, and yet not all at once. */
  async afterCommit(store: JournalStore, writtenBytes: number, nowMs: number): Promise<void> {
    const enough = store.kept.bytes - writtenBytes
    while (this.isDue(store.kept)) {
      await this.#step(store, nowMs)
      if (store.kept.bytes < enough || writtenBytes === 0) return
    }
  }

  async #step(store: JournalStore, nowMs: number): Promise<void> {
    const { maxAgeMs, maxBytes } = this.#retention
    const isOver = this.#isOver || this.#isTooMuch(store.kept)
    const bytes = isOver ? maxBytes * PRUNE_TO : maxBytes
    const isMore = await store.prune({ bytes, beforeMs: nowMs - maxAgeMs })
    this.#isOver = isMore && isOver
    this.#isAgeDue = isMore && !isOver
  }

  #isTooMuch({ first, last, bytes }: Kept): boolean {
    return bytes > this.#retention.maxBytes && first < last
  }
}
