/**
 * Turns the cumulative values of the two alternating kernel maps into what is new since the last print. The sensor says
 * when it prints a map for the last time before clearing it; only that print starts the map's count over.
 */

/** 0 for the `_a` map, 1 for `_b`. */
export type Epoch = 0 | 1

/** `Item`: what a map's key says beside the cgroup id. */
export class Cumulative<Item extends number | string> {
  readonly #last: readonly [Counts<Item>, Counts<Item>] = [new Map(), new Map()]
  readonly #clearing: [boolean, boolean] = [false, false]

  /** The next print of that epoch's map is the last before it is cleared. An empty map is not printed at all. */
  willClear(epoch: Epoch): void {
    this.#clearing[epoch] = this.#last[epoch].size > 0
  }

  /** How much `value` adds to what was known of the item of that cgroup. */
  advance(epoch: Epoch, cgroupId: number, item: Item, value: number): number {
    const last = this.#last[epoch]
    let counts = last.get(cgroupId)
    if (counts === undefined) {
      counts = new Map()
      last.set(cgroupId, counts)
    }
    const before = counts.get(item) ?? 0
    if (value === before) return 0
    counts.set(item, value)
    // A value that went down means a clear that we did not see: all of it is new.
    return value > before ? value - before : value
  }

  /** The print of that epoch's map has ended. */
  printed(epoch: Epoch): void {
    if (!this.#clearing[epoch]) return
    this.#clearing[epoch] = false
    this.#last[epoch].clear()
  }
}

/** Values by cgroup id and item. */
type Counts<Item> = Map<number, Map<Item, number>>
