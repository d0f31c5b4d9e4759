/** The clients that watch: at most so many at a time, and so many of one caller. A stream counts until it is closed. */
import { failure, type PlimsollError } from '../../errors.js'
import type { Subscription } from './subscription.js'

/** Clients that may watch at a time: each that does not read holds some 100 KB at most. */
export const WATCHER_LIMIT = 512
/** The same, of one caller. */
export const PER_CALLER_LIMIT = 256

export class Watches {
  readonly #limit: number
  readonly #perCallerLimit: number
  readonly #open = new Map<Subscription, string>()
  readonly #byCaller = new Map<string, number>()

  constructor(limit: number, perCallerLimit: number) {
    this.#limit = limit
    this.#perCallerLimit = perCallerLimit
  }

  get size(): number {
    return this.#open.size
  }

  /** Throws `TOO_MANY_WATCHERS` if that caller may not have one more. */
  checkRoom(caller: string): void {
    const ofCaller = this.#byCaller.get(caller) ?? 0
    const isFull = this.size >= this.#limit
    if (!isFull && ofCaller < this.#perCallerLimit) return
    throw failure('TOO_MANY_WATCHERS', { count: isFull ? this.size : ofCaller })
  }

  add(subscription: Subscription, caller: string): void {
    this.#open.set(subscription, caller)
    this.#byCaller.set(caller, (this.#byCaller.get(caller) ?? 0) + 1)
  }

  /** Its stream is closed. Idempotent. */
  remove(subscription: Subscription): void {
    const caller = this.#open.get(subscription)
    if (caller === undefined) return
    subscription.close()
    this.#open.delete(subscription)
    const left = (this.#byCaller.get(caller) ?? 1) - 1
    if (left > 0) this.#byCaller.set(caller, left)
    else this.#byCaller.delete(caller)
  }

  told(): void {
    for (const subscription of this.#open.keys()) subscription.told()
  }

  tick(): void {
    for (const subscription of this.#open.keys()) subscription.tick()
  }

  /** Ends all of them with that error. */
  fail(error: PlimsollError): void {
    for (const subscription of this.#open.keys()) subscription.fail(error)
  }
}
