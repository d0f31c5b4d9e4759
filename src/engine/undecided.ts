/**
 * Facts about entries of which it is not decided yet whether they are the health check. Records come from one buffer per
 * processor, so a fact may overtake the record of the entry that it is about, or that of another entry with the same tag.
 * Two prints of the maps later, two to four seconds, all such records are in. Pure.
 */
const PRINTS = 2

interface Waiting<Item> {
  readonly tag: number
  readonly item: Item
  /** The print after which it came. */
  readonly print: number
}

export class Undecided<Item> {
  readonly #limit: number
  #waiting: Waiting<Item>[] = []
  #prints = 0
  #dropped = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  add(tag: number, item: Item): void {
    if (this.#waiting.length < this.#limit) {
      this.#waiting.push({ tag, item, print: this.#prints })
    } else this.#dropped++
  }

  /** The maps were printed. */
  printed(): void {
    this.#prints++
  }

  /** What has waited long enough, in order; with `all`, because nothing comes any more, everything. It is let go. */
  take(all: boolean): readonly { readonly tag: number; readonly item: Item }[] {
    const last = this.#prints - PRINTS
    const rest = all ? -1 : this.#waiting.findIndex(({ print }) => print > last)
    return this.#waiting.splice(0, rest < 0 ? this.#waiting.length : rest)
  }

  /** How many found no room since the last call. */
  takeDropped(): number {
    const dropped = this.#dropped
    this.#dropped = 0
    return dropped
  }
}
