/** Work that is slow and idempotent, such as syncing a file: asked for while it runs, it runs once more afterwards, not once per asker. */

export class Coalesced {
  readonly #work: () => Promise<void>
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(work: () => Promise<void>) {
    this.#work = work
  }

  /** Resolves when the work was done once, from its beginning, after this call; rejects if it failed. */
  run(): Promise<void> {
    if (this.#running === undefined) return this.#start()
    if (this.#next === undefined) {
      const again = (): Promise<void> => this.#start()
      this.#next = this.#running.then(again, again)
      this.#next.catch(() => undefined)
    }
    return this.#next
  }

  /** Resolves when all that was asked for is done; rejects if the last of it failed. */
  settled(): Promise<void> {
    return this.#next ?? this.#running ?? Promise.resolve()
  }

  #start(): Promise<void> {
    this.#next = undefined
    const running = this.#work().finally(() => {
      if (this.#running === running) this.#running = undefined
    })
    this.#running = running
    // Whoever does not wait for it hears of a failure from the next call.
    running.catch(() => undefined)
    return running
  }
}
