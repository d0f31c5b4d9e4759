/** Work on the same thing one after the other, work on different things at once. */

export class Turns {
  readonly #last = new Map<string, Promise<unknown>>()

  /** Does `work` once everything on `key` that came before is done, whatever became of it. */
  take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(key) ?? Promise.resolve()).then(work)
    const settled = turn
      .catch(() => undefined)
      .finally(() => {
        if (this.#last.get(key) === settled) this.#last.delete(key)
      })
    this.#last.set(key, settled)
    return turn
  }
}
