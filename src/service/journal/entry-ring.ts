/** The latest events, in memory: what most readers are served from. Bounded in number and bytes; the oldest go first. */
import { plimsoll } from '../../gen/plimsoll.js'
import type { JournalEntry, KeptAnomaly } from './journal.js'

export interface Bounds {
  readonly count: number
  readonly bytes: number
}

const { ANOMALY_STATE_REPEATED } = plimsoll.v1.AnomalyState

export class EntryRing {
  readonly #bounds: Bounds
  /** Without holes, from `#head` on; what is before it is gone. */
  #entries: JournalEntry[] = []
  #head = 0
  #bytes = 0
  #last: number

  /** Begins behind the event `last`. */
  constructor(bounds: Bounds, last: number) {
    this.#bounds = bounds
    this.#last = last
  }

  /** Sequence of the newest event that there is, whether or not it is here. */
  get last(): number {
    return this.#last
  }

  /** Adds the next ones. O(1) each, amortised. If one is missing before them, those before it are let go of. */
  add(entries: readonly JournalEntry[]): void {
    for (const entry of entries) {
      if (entry.sequence !== this.#last + 1) this.#drop(this.#entries.length - this.#head)
      this.#last = entry.sequence
      this.#entries.push(entry)
      this.#bytes += entry.bytes.length
    }
    const { count, bytes } = this.#bounds
    while (this.#entries.length - this.#head > count || this.#bytes > bytes) this.#drop(1)
  }

  /** At most `limit` behind `after`; undefined if not all that came behind it is here. O(`limit`). */
  after(after: number, limit: number): readonly JournalEntry[] | undefined {
    if (after >= this.#last) return []
    const at = this.#head + after + 1 - this.#firstSequence
    return at < this.#head ? undefined : this.#entries.slice(at, at + limit)
  }

  /** All of them. */
  all(): readonly JournalEntry[] {
    return this.#entries.slice(this.#head)
  }

  /** If its first occurrence is here. O(n). */
  anomaly(id: string): KeptAnomaly | undefined {
    const told = this.all().filter(({ message }) => message.anomaly?.id === id)
    const [first] = told
    const anomaly = first?.message.anomaly
    if (first === undefined || !anomaly || anomaly.state === ANOMALY_STATE_REPEATED)
      return undefined
    const { count = 0, lastSeenMs = 0 } = told.at(-1)?.message.anomaly ?? anomaly
    return { anomaly: { ...anomaly, count, lastSeenMs }, sequence: first.sequence }
  }

  get #firstSequence(): number {
    return this.#last - (this.#entries.length - this.#head) + 1
  }

  #drop(count: number): void {
    for (let dropped = 0; dropped < count; dropped++) {
      this.#bytes -= this.#entries[this.#head++]?.bytes.length ?? 0
    }
    if (this.#head * 2 < this.#entries.length) return
    this.#entries = this.#entries.slice(this.#head)
    this.#head = 0
  }
}
