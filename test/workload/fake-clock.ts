/** A clock whose time passes only when nothing else is left to do, so that waits of seconds take none. */
import type { Clock } from '../../src/workload/clock.js'

interface Sleeper {
  readonly untilMs: number
  readonly wake: () => void
}

/** Sleepers wake in the order of their times, one per turn of the event loop. */
export class FakeClock implements Clock {
  #nowMs = 1_700_000_000_000
  #sleepers: Sleeper[] = []

  nowMs(): number {
    return this.#nowMs
  }

  advance(ms: number): void {
    this.#nowMs += ms
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const sleeper = { untilMs: this.#nowMs + ms, wake: resolve }
      this.#sleepers.push(sleeper)
      signal?.addEventListener('abort', () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper)
        resolve()
      })
      if (signal?.aborted === true) resolve()
      setImmediate(() => {
        this.#wakeNext()
      })
    })
  }

  #wakeNext(): void {
    this.#sleepers.sort((a, b) => a.untilMs - b.untilMs)
    const next = this.#sleepers.shift()
    if (next === undefined) return
    this.#nowMs = Math.max(this.#nowMs, next.untilMs)
    next.wake()
  }
}
