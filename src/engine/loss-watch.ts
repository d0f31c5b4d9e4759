/** Turns the growing loss counters of one sensor process into what was missed since the last look. Pure. */
import type { Incompleteness } from '../observation.js'
import type { Decoder } from '../sensor/decoder.js'

export class LossWatch {
  readonly #decoder: Decoder
  readonly #miss: (missed: Incompleteness, sinceMs: number) => void
  readonly #told = new Map<string, number>()
  readonly #full = new Set<string>()
  #lastPrintMs = 0

  /** `miss` is told what was missed by every run that was alive after `sinceMs`. */
  constructor(decoder: Decoder, miss: (missed: Incompleteness, sinceMs: number) => void) {
    this.#decoder = decoder
    this.#miss = miss
  }

  /** When the sensor last printed its maps; 0 if never. */
  get lastPrintMs(): number {
    return this.#lastPrintMs
  }

  /** Tells what is new; `final` once the sensor has ended and its last print is in. */
  report(atMs: number, final: boolean): void {
    const sinceMs = this.#lastPrintMs
    const { accounting, malformed } = this.#decoder
    for (const loss of accounting.losses(final)) {
      if (!loss.isHint) this.#tell('lost-events', loss.what, loss.count, sinceMs)
    }
    for (const refusal of accounting.refusals()) {
      if (!refusal.isHint) this.#tell('map-full', refusal.what, refusal.count, sinceMs)
    }
    for (const what of this.#full) this.#tell('map-full', what, 1, sinceMs)
    this.#tell('malformed-records', '', malformed, sinceMs)
    this.#lastPrintMs = atMs
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
