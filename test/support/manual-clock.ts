/** A clock that a test moves. */
import { setImmediate as turn } from 'node:timers/promises'

interface Sleeper {
  readonly untilMs: number
  readonly wake: () => void
}

export class ManualClock {
  #nowMs: number
  #sleepers: Sleeper[] = []

  constructor(nowMs = 1_700_000_000_000) {
    this.#nowMs = nowMs
  }

  nowMs(): number {
    return this.#nowMs
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = (): void => {
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      this.#sleepers.push({ untilMs: this.#nowMs + ms, wake })
      signal?.addEventListener('abort', wake)
    })
  }

  advance(ms: number): void {
    this.#nowMs += ms
    const due = this.#sleepers.filter(({ untilMs }) => untilMs <= this.#nowMs)
    this.#sleepers = this.#sleepers.filter(({ untilMs }) => untilMs > this.#nowMs)
    for (const { wake } of due) wake()
  }

  /** Moves on, step by step, until it is so. */
  async until(isSo: () => boolean, stepMs = 250): Promise<void> {
    const deadline = Date.now() + 20_000
    while (!isSo()) {
      if (Date.now() > deadline) throw new Error(`waited in vain for ${isSo.toString()}`)
      this.advance(stepMs)
      await turn()
    }
  }
}
