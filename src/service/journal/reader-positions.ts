/** Where readers are: as it is durable, and as it waits to be. */
import { failure, type PlimsollError } from '../../errors.js'

interface Waiter {
  readonly resolve: () => void
  readonly reject: (error: PlimsollError) => void
}

export class ReaderPositions {
  readonly #path: string
  #durable = new Map<string, number>()
  #waiting = new Map<string, number>()
  #waiters: Waiter[] = []
  #taken = new Map<string, number>()
  #takenWaiters: Waiter[] = []

  /** `path` is for errors. */
  constructor(path: string) {
    this.#path = path
  }

  /** Those that are durable in a journal that was opened. */
  begin(durable: ReadonlyMap<string, number>): void {
    this.#durable = new Map(durable)
  }

  of(name: string): number | undefined {
    return this.#durable.get(name)
  }

  all(): ReadonlyMap<string, number> {
    return this.#durable
  }

  get isWaiting(): boolean {
    return this.#waiting.size > 0
  }

  /** Resolves once it is `written`; rejects with `JOURNAL_UNWRITABLE` once that failed. */
  set(name: string, sequence: number): Promise<void> {
    this.#waiting.set(name, sequence)
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }))
  }

  /** All that wait, to be written now. */
  take(): ReadonlyMap<string, number> {
    this.#taken = this.#waiting
    this.#takenWaiters = this.#waiters
    this.#waiting = new Map()
    this.#waiters = []
    return this.#taken
  }

  /** Those that were taken are durable. */
  written(): void {
    for (const [name, sequence] of this.#taken) this.#durable.set(name, sequence)
    this.#taken = new Map()
    for (const { resolve } of this.#takenWaiters.splice(0)) resolve()
  }

  /** Neither those that were taken nor those that wait could be written. */
  fail(problem: string): void {
    const error = this.unwritable(problem)
    const waiters = [...this.#takenWaiters, ...this.#waiters]
    this.#taken = new Map()
    this.#waiting = new Map()
    this.#takenWaiters = []
    this.#waiters = []
    for (const { reject } of waiters) reject(error)
  }

  unwritable(problem: string): PlimsollError {
    return failure('JOURNAL_UNWRITABLE', { path: this.#path, problem })
  }
}
