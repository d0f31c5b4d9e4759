/**
 * Where a client is in the journal: what it asks for when it connects, and which events it has had. Within an epoch sequences only
 * go up; what comes again is left out. Pure.
 */
import { plimsoll } from '../../gen/plimsoll.js'
import { cursorText, parseCursor, UNKNOWN_EPOCH } from '../journal/cursor.js'
import type { RequestOf, ResponseOf } from './methods.js'

export type WatchRequest = RequestOf<'Watch'>
/** An event as the client hands it on. */
export type WatchEvent = ResponseOf<'Watch'>

export class Position {
  readonly #request: WatchRequest
  #start: 'now' | 'earliest' | 'cursor'
  #cursor: string

  constructor(request: WatchRequest) {
    this.#request = request
    this.#cursor = request.afterCursor ?? ''
    if (this.#cursor !== '') this.#start = 'cursor'
    else this.#start = request.earliest === true ? 'earliest' : 'now'
  }

  /** True as long as it is not known where the client begins: an interruption would lose what comes meanwhile. */
  get isOpen(): boolean {
    return this.#start === 'now'
  }

  /** Where to go on: a cursor, or `earliest`, or `now`. */
  get text(): string {
    return this.#start === 'cursor' ? this.#cursor : this.#start
  }

  /** Begins after the last event that the journal has now; the empty cursor means that it has none. */
  begin(lastCursor: string): void {
    this.#start = lastCursor === '' ? 'earliest' : 'cursor'
    this.#cursor = lastCursor
  }

  /** What to ask the service for. */
  request(): WatchRequest {
    const { now: _now, earliest: _earliest, afterCursor: _after, ...rest } = this.#request
    if (this.#start === 'cursor') return { ...rest, afterCursor: this.#cursor }
    return this.#start === 'earliest' ? { ...rest, earliest: true } : { ...rest, now: true }
  }

  /**
   * The event, which counts as had from now on, with the place behind it as its cursor also where the service sends none: for
   * heartbeats, and for gaps of this reader alone. Undefined if the client has had it.
   */
  taken(event: WatchEvent): WatchEvent | undefined {
    const cursor = event.cursor || this.#behind(event)
    if (cursor === '') return event
    if (this.#isLater(cursor)) {
      this.#start = 'cursor'
      this.#cursor = cursor
      return { ...event, cursor }
    }
    // What has no place in the journal is no repetition, even if nothing happened in between.
    return event.cursor === ''
      ? { ...event, cursor: this.#start === 'cursor' ? this.#cursor : '' }
      : undefined
  }

  #behind({ heartbeat, gap }: WatchEvent): string {
    if (heartbeat != null) return heartbeat.lastCursor ?? ''
    const last = this.#start === 'cursor' ? parseCursor(this.#cursor) : undefined
    const sequence = gap?.toSequence ?? 0
    // A gap without a place of its own is told where this reader is: in the same journal, unless it says otherwise.
    const isOfEpoch = gap?.cause !== plimsoll.v1.GapCause.GAP_CAUSE_EPOCH
    return last !== undefined && isOfEpoch && sequence > 0
      ? cursorText({ epoch: last.epoch, sequence })
      : ''
  }

  #isLater(reached: string): boolean {
    const last = this.#start === 'cursor' ? parseCursor(this.#cursor) : undefined
    const next = parseCursor(reached)
    // The service does not know yet where its journal is.
    if (next?.epoch === UNKNOWN_EPOCH) return false
    // Cursors of another journal, or written by a version to come, cannot be compared.
    if (last === undefined || next === undefined || last.epoch !== next.epoch) {
      return reached !== this.#cursor
    }
    return next.sequence > last.sequence
  }
}
