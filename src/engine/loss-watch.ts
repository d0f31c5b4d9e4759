/** Turns the growing loss counters of one sensor process into what was missed since the last look. Pure. */
import type { Incompleteness } from '../observation.js'
import { SETTLED_MS } from '../sensor/accounting.js'
import type { Decoder } from '../sensor/decoder.js'

export class LossWatch {
  readonly #decoder: Decoder
  readonly #miss: (missed: Incompleteness, sinceMs: number) => void
  readonly #told = new Map<string, number>()
  readonly #full = new Set<string>()
  /** Times of two reports so far apart that losses are exact to the former; of the process's start before there were two. */
  #reportedMs: readonly [number, number]

  /** For a process that started at `startMs`. `miss` is told what was missed by every run that was alive after `sinceMs`. */
  constructor(
    decoder: Decoder,
    startMs: number,
    miss: (missed: Incompleteness, sinceMs: number) => void,
  ) {
    this.#decoder = decoder
    this.#miss = miss
    this.#reportedMs = [startMs, startMs]
  }

  /** Tells what is new, at each print of the maps; `final` once the sensor has ended and all its bytes are in. */
  report(atMs: number, final: boolean): void {
    // While the sensor runs, losses are exact to the print before this one: they may lie as far back as the one before that.
    const [sinceMs, lastMs] = this.#reportedMs
    const { accounting, malformed } = this.#decoder
    for (const loss of accounting.losses(final)) {
      if (!loss.isHint) this.#tell('lost-events', loss.what, loss.count, sinceMs)
    }
    for (const refusal of accounting.refusals()) {
      if (!refusal.isHint) this.#tell('map-full', refusal.what, refusal.count, sinceMs)
    }
    for (const what of this.#full) this.#tell('map-full', what, 1, sinceMs)
    this.#tell('malformed-records', '', malformed, sinceMs)
    if (atMs - lastMs >= SETTLED_MS) this.#reportedMs = [lastMs, atMs]
  }

  /** A map of the truth reached its capacity. */
  mapFull(what: string): void {
    this.#full.add(what)
  }

  #tell(reason: Incompleteness['reason'], detail: string, total: number, sinceMs: number): void {
    const key = `${reason} ${detail}`
    const count = total - (this.#told.get(key) ?? 0)
    if (count <= 0) return
    this.#told.set(key, total)
    this.#miss(detail === '' ? { reason, count } : { reason, count, detail }, sinceMs)
  }
}
