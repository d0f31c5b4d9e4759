/**
 * What waits for one reader, bounded. What comes while the queue is full is left out and counted, and the count is handed
 * out at the place where the events are missing: after what came before them, ahead of what came after. Pure.
 *
 *   push a b c d e (limit 3), take a, push f   ->   b  c  2 skipped  f
 */

/** Either an event or how many are missing here. */
export type Taken<Event> =
  | { readonly kind: 'event'; readonly event: Event }
  | { readonly kind: 'skipped'; readonly count: number }

interface Waiting<Event> {
  readonly event: Event
  skippedBefore: number
}

export class EventQueue<Event> {
  readonly #limit: number
  readonly #waiting: Waiting<Event>[] = []
  /** Left out since the last event that was taken in. */
  #skipped = 0

  /** At most `limit` events wait, at least 1. */
  constructor(limit: number) {
    this.#limit = limit
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0 && this.#skipped === 0
  }

  /** Takes the event in, or counts it if there is no room. */
  push(event: Event): void {
    if (this.#waiting.length >= this.#limit) {
      this.#skipped++
      return
    }
    this.#waiting.push({ event, skippedBefore: this.#skipped })
    this.#skipped = 0
  }

  /** The next thing for the reader, or undefined if nothing waits. O(`limit`) at worst. */
  take(): Taken<Event> | undefined {
    const next = this.#waiting[0]
    if (next === undefined) {
      if (this.#skipped === 0) return undefined
      const count = this.#skipped
      this.#skipped = 0
      return { kind: 'skipped', count }
    }
    if (next.skippedBefore > 0) {
      const count = next.skippedBefore
      next.skippedBefore = 0
      return { kind: 'skipped', count }
    }
    this.#waiting.shift()
    return { kind: 'event', event: next.event }
  }
}
