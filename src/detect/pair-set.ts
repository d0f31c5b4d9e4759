/**
 * A set of facts (see `fact-code`), made once and then only asked: open addressing on two typed arrays. Asking is O(1)
 * and allocates nothing. 16 to 32 bytes per fact.
 */
import { mixed } from './fact-code.js'

/** A high half that no fact has. */
const EMPTY = 0xffff_ffff

export class PairSet {
  readonly #highs: Uint32Array
  readonly #lows: Uint32Array
  readonly #mask: number

  constructor(highs: readonly number[], lows: readonly number[]) {
    const places = 2 ** Math.ceil(Math.log2(Math.max(1, highs.length) * 2))
    this.#highs = new Uint32Array(places).fill(EMPTY)
    this.#lows = new Uint32Array(places)
    this.#mask = places - 1
    for (let i = 0; i < highs.length; i++) {
      const place = this.#placeOf(highs[i]!, lows[i]! >>> 0)
      this.#highs[place] = highs[i]!
      this.#lows[place] = lows[i]!
    }
  }

  has(high: number, low: number): boolean {
    return this.#highs[this.#placeOf(high, low >>> 0)] === high
  }

  /** Where the fact is, or the empty place where it would be: at most half of the places are used. */
  #placeOf(high: number, low: number): number {
    const highs = this.#highs
    const lows = this.#lows
    const mask = this.#mask
    let place = mixed(0, high, low) & mask
    while (highs[place] !== EMPTY && (highs[place] !== high || lows[place] !== low)) {
      place = (place + 1) & mask
    }
    return place
  }
}
