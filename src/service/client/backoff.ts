/** How long to wait before the next attempt: twice as long each time, less a random part, so that clients do not come at once. */

const FIRST_MS = 100
const LONGEST_MS = 10_000

export class Backoff {
  readonly #random: () => number
  #attempts = 0

  /** `random` is uniform in [0, 1). */
  constructor(random: () => number) {
    this.#random = random
  }

  /** Milliseconds until the next attempt, from 100 to 10000. */
  next(): number {
    const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(this.#attempts++, 16))
    return Math.max(FIRST_MS, Math.round(ceiling * (0.5 + this.#random() / 2)))
  }

  /** The last attempt led to something. */
  reset(): void {
    this.#attempts = 0
  }
}
