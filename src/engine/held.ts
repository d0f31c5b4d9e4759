/**
 * What waits until it is known what it is about: kept in order, bounded, and what finds no room is counted, so that whoever
 * gets it in the end can say what is missing. Pure.
 */
export class Held<Item> {
  readonly #limit: number
  #items: Item[] = []
  #dropped = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Items that found no room. */
  get dropped(): number {
    return this.#dropped
  }

  add(item: Item): void {
    if (this.#items.length < this.#limit) this.#items.push(item)
    else this.#dropped++
  }

  /** What was kept, in order; it is not kept any longer. */
  take(): readonly Item[] {
    const items = this.#items
    this.#items = []
    return items
  }
}
