/**
 * Counts by two labels whose values are all known beforehand: the number of time series is fixed, whatever is counted. What
 * has other values is counted under the last ones. Adding is O(labels), allocates nothing.
 */

/** The values that each label may have, the last of which stands for all others. */
export class Counts<First extends string, Second extends string> {
  readonly #firsts: readonly First[]
  readonly #seconds: readonly Second[]
  readonly #counts: Float64Array

  constructor(firsts: readonly First[], seconds: readonly Second[]) {
    this.#firsts = firsts
    this.#seconds = seconds
    this.#counts = new Float64Array(firsts.length * seconds.length)
  }

  add(first: string, second: string, count = 1): void {
    const at = placeOf(this.#firsts, first) * this.#seconds.length + placeOf(this.#seconds, second)
    this.#counts[at] = (this.#counts[at] ?? 0) + count
  }

  /** Every pair, with its total so far. */
  entries(): readonly { readonly first: First; readonly second: Second; readonly count: number }[] {
    return this.#firsts.flatMap((first, row) =>
      this.#seconds.map((second, column) => ({
        first,
        second,
        count: this.#counts[row * this.#seconds.length + column] ?? 0,
      })),
    )
  }
}

function placeOf(values: readonly string[], value: string): number {
  const at = values.indexOf(value)
  return at < 0 ? values.length - 1 : at
}
