/**
 * How long judging takes: a histogram of the time that a chunk of the sensor's bytes took to be decoded and judged, and how
 * many observations were in them. Fed once per chunk, so that nothing is measured per observation; adding allocates nothing.
 */

/** Upper bounds of the buckets, in seconds. */
export const MATCH_BOUNDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1,
] as const

export class MatchTimes {
  /** By bucket; the last is for what is beyond all bounds. */
  readonly #chunks = new Float64Array(MATCH_BOUNDS.length + 1)
  #seconds = 0
  #observations = 0

  /** A chunk with so many observations took so many seconds. */
  add(seconds: number, observations: number): void {
    let bucket = 0
    while (bucket < MATCH_BOUNDS.length && seconds > MATCH_BOUNDS[bucket]!) bucket++
    this.#chunks[bucket] = this.#chunks[bucket]! + 1
    this.#seconds += seconds
    this.#observations += observations
  }

  get observations(): number {
    return this.#observations
  }

  /** Seconds of all chunks together. */
  get seconds(): number {
    return this.#seconds
  }

  /** How many chunks took at most as long as each bound says, and how many there were: as Prometheus counts. */
  cumulative(): readonly number[] {
    let sum = 0
    return [...this.#chunks].map((count) => (sum += count))
  }
}
