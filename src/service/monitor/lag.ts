/**
 * When a reader is too slow. It costs next to nothing to wait for it, as it is only a place in the journal; so it is given
 * time, and is not blamed for what it asked for:
 *
 * - One that caught up once is too slow if it was further behind than its limit for two seconds on end, and takes nothing at
 *   the moment. A burst that it reads through by then is forgiven.
 * - One that still catches up with what was there when it began may be as far behind as it wants, as long as it reads: it is
 *   too slow if it took nothing for 30 seconds on end.
 *
 * Time is counted in ticks, so that neither a wall clock that is set nor a server that is busy counts against it. Pure.
 */

/** Of the clock that calls `tick`. */
export const TICK_MS = 250
const BEHIND_TICKS = 2000 / TICK_MS
const STALLED_TICKS = 30_000 / TICK_MS

export class Lag {
  readonly #limit: number
  #hasCaughtUp: boolean
  #ticksBehind = 0
  #ticksStalled = 0

  /** `limit` in events. */
  constructor(limit: number, hasCaughtUp: boolean) {
    this.#limit = limit
    this.#hasCaughtUp = hasCaughtUp
  }

  /** It has everything there is. */
  caughtUp(): void {
    this.#hasCaughtUp = true
    this.#ticksBehind = 0
  }

  /** It took something. */
  moved(): void {
    this.#ticksStalled = 0
  }

  /** A tick has passed, after which it is so many events behind; true if it is too slow. */
  tick(behind: number, isBlocked: boolean): boolean {
    this.#ticksStalled = isBlocked ? this.#ticksStalled + 1 : 0
    this.#ticksBehind = behind > this.#limit ? this.#ticksBehind + 1 : 0
    if (!isBlocked || this.#ticksBehind === 0) return false
    return this.#hasCaughtUp
      ? this.#ticksBehind >= BEHIND_TICKS
      : this.#ticksStalled >= STALLED_TICKS
  }
}
