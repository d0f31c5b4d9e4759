/**
 * Events that wait to be written, in their order. Bounded: what finds no room is counted, and so is everything after it, until
 * `tellOfLoss` puts a gap with the counts at the place where they are missing.
 *
 *   oldest | ... kept before ... | gap | ... taken afterwards ... | newest
 */
import { plimsoll } from '../../gen/plimsoll.js'
import { encodedEvent } from './journal-rows.js'
import type { Bounds } from './entry-ring.js'
import type { JournalEvent } from './journal.js'

/** One that waits. */
export interface PendingEvent {
  readonly event: JournalEvent
  /** Without a cursor. */
  readonly encoded: Uint8Array
  /** Of a gap: how many events it stands for. */
  readonly lost: number
}

/** Of one kind and severity. */
interface LossCount {
  readonly kind: plimsoll.v1.AnomalyKind
  readonly severity: plimsoll.v1.Severity
  count: number
}

interface Loss {
  readonly sinceMs: number
  total: number
  /** Of anomalies, by kind and severity. */
  readonly counts: Map<string, LossCount>
}

export class PendingEvents {
  readonly #bounds: Bounds
  #events: PendingEvent[] = []
  #head = 0
  #bytes = 0
  #loss: Loss | undefined
  #lostInGaps = 0
  /** How many were put here since the beginning, gaps included. */
  #taken = 0
  readonly #waiters: { readonly taken: number; readonly resolve: () => void }[] = []

  constructor(bounds: Bounds) {
    this.#bounds = bounds
  }

  get count(): number {
    return this.#events.length - this.#head
  }

  /** Events that no durable gap tells of yet. */
  get lost(): number {
    return this.#lostInGaps + (this.#loss?.total ?? 0)
  }

  /** Takes the event or counts it. Throws on values that no message has. */
  add(event: JournalEvent, nowMs: number): void {
    const encoded = encodedEvent(event)
    const { count, bytes } = this.#bounds
    const hasRoom = this.count < count && this.#bytes + encoded.length <= bytes
    if (this.#loss === undefined && hasRoom) this.#push({ event, encoded, lost: 0 })
    else this.#lose(event, nowMs)
  }

  /** The oldest, at most `count`, and as many as have that many bytes, but at least one. They stay. */
  oldest({ count, bytes }: Bounds): readonly PendingEvent[] {
    let end = this.#head
    for (let left = bytes; end < Math.min(this.#events.length, this.#head + count); end++) {
      left -= this.#events[end]?.encoded.length ?? 0
      if (left < 0 && end > this.#head) break
    }
    return this.#events.slice(this.#head, end)
  }

  /** Lets go of the oldest, which were written. */
  drop(count: number): void {
    for (const { encoded, lost } of this.#events.slice(this.#head, this.#head + count)) {
      this.#bytes -= encoded.length
      this.#lostInGaps -= lost
    }
    this.#head += count
    const written = this.#taken - this.count
    while ((this.#waiters[0]?.taken ?? Infinity) <= written) this.#waiters.shift()?.resolve()
    if (this.#head * 2 < this.#events.length) return
    this.#events = this.#events.slice(this.#head)
    this.#head = 0
  }

  /** Resolves when all that are here now are dropped, or `giveUp` was called. */
  async whenWritten(): Promise<void> {
    if (this.count === 0) return
    await new Promise<void>((resolve) => this.#waiters.push({ taken: this.#taken, resolve }))
  }

  /** Nobody shall wait any longer. */
  giveUp(): void {
    for (const { resolve } of this.#waiters.splice(0)) resolve()
  }

  /** Where events were lost, a gap takes its place behind those that wait, and events are taken again. */
  tellOfLoss(nowMs: number): void {
    const loss = this.#loss
    if (loss === undefined) return
    this.#loss = undefined
    const times = [loss.sinceMs, nowMs].map((ms) => new Date(ms).toISOString())
    const gap = {
      cause: plimsoll.v1.GapCause.GAP_CAUSE_JOURNAL,
      count: loss.total,
      anomalies: [...loss.counts.values()],
      detail: `the journal could not be written as fast as events came, between ${times.join(' and ')}`,
    }
    const event = { atMs: nowMs, gap }
    this.#lostInGaps += loss.total
    this.#push({ event, encoded: encodedEvent(event), lost: loss.total })
  }

  #push(pending: PendingEvent): void {
    this.#events.push(pending)
    this.#bytes += pending.encoded.length
    this.#taken++
  }

  #lose({ anomaly }: JournalEvent, nowMs: number): void {
    const loss: Loss = this.#loss ?? { sinceMs: nowMs, total: 0, counts: new Map() }
    this.#loss = loss
    loss.total++
    if (anomaly === null || anomaly === undefined) return
    const kind = anomaly.kind ?? 0
    const severity = anomaly.severity ?? 0
    const key = `${kind} ${severity}`
    const counted = loss.counts.get(key)
    if (counted === undefined) loss.counts.set(key, { kind, severity, count: 1 })
    else counted.count++
  }
}
