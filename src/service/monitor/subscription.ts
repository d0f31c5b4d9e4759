/**
 * One client that watches: a place in the journal, and nothing copied for it. It is moved on in turns by the pump, as far as its
 * stream takes more:
 *
 *   collector state, if it changed -> a gap, if events are missing -> events, from memory or from disk in pages
 *
 * A place is only moved past what was written or is not wanted, so that `lastCursor` is always where to go on from.
 */
import { asPlimsollError, failure, type PlimsollError } from '../../errors.js'
import { plimsoll } from '../../gen/plimsoll.js'
import type { JournalEntry } from '../journal/journal.js'
import type { ServiceClock } from '../learning-source.js'
import type { MaskedEncodings } from '../masked-encodings.js'
import type { CollectorFeed } from './collector-feed.js'
import { retentionGap, subscriberGap } from './gap-message.js'
import type { JournalFeed } from './journal-feed.js'
import { Lag, TICK_MS } from './lag.js'
import { type EventStream, Outflow } from './outflow.js'
import type { Pump, Stepper } from './pump.js'
import type { StartPoint } from './start-point.js'
import type { Wish } from './watch-request.js'

/** Events that are looked at in one step. */
const STEP_EVENTS = 64
/** The same from disk. What the stream does not take is let go of, and read again. */
const PAGE_EVENTS = 32
/** Missed events that are counted by kind, if they are in memory. */
const COUNTED_EVENTS = 20_000

/** What became of events, all clients together, since the service was made. */
export interface WatchTally {
  /** From the journal. */
  sent: number
  /** For which a reader was too slow and chose to go on. */
  skipped: number
  /** Streams that were ended because their reader was too slow. */
  endedSlow: number
}

/** What all subscriptions share. */
export interface Shared {
  readonly feed: JournalFeed
  readonly collector: CollectorFeed
  readonly encodings: MaskedEncodings
  readonly pump: Pump
  readonly clock: ServiceClock
  readonly tally: WatchTally
}

export interface SubscriptionOptions {
  readonly stream: EventStream
  readonly wish: Wish
  readonly start: StartPoint
  readonly shared: Shared
  /** Ends the stream with that error; `cursor` is where to go on from. Called once at most. */
  readonly end: (error: PlimsollError, cursor: string) => void
}

export class Subscription implements Stepper {
  readonly #wish: Wish
  readonly #shared: Shared
  readonly #end: SubscriptionOptions['end']
  readonly #outflow: Outflow
  readonly #lag: Lag
  /** Sequence of the last event that was written or is not wanted. */
  #position: number
  /** Nothing is missing before the first event that comes. */
  #isOpen: boolean
  /** Where it begins, something is missing; not told yet. */
  #gap: plimsoll.v1.Gap.$Properties | undefined
  /** What was read from disk. */
  #page: readonly JournalEntry[] | undefined
  #isReading = false
  #isTooSlow = false
  #isOver = false
  #toldState = 0
  #quietTicks = 0

  constructor({ stream, wish, start, shared, end }: SubscriptionOptions) {
    this.#wish = wish
    this.#shared = shared
    this.#end = end
    this.#outflow = new Outflow(stream, () => this.#wake())
    this.#lag = new Lag(wish.lagLimit, start.hasCaughtUp)
    this.#position = start.position
    this.#isOpen = start.isOpen
    this.#gap = start.gap
    this.#wake()
  }

  /** Where to go on from. */
  get lastCursor(): string {
    return this.#shared.feed.cursorOf(this.#position)
  }

  /** There may be something to send. */
  told(): void {
    if (!this.#outflow.isBlocked) this.#wake()
  }

  /** `TICK_MS` have passed. */
  tick(): void {
    if (this.#isOver) return
    const { isBlocked } = this.#outflow
    const behind = this.#shared.feed.state.last - this.#position
    if (this.#lag.tick(behind, isBlocked)) this.#fellBehind()
    this.#quietTicks++
    const isQuiet = this.#quietTicks * TICK_MS >= this.#wish.heartbeatMs
    if (isQuiet && !isBlocked && this.#toldState > 0 && !this.#isOver) {
      this.#write({ heartbeat: { lastCursor: this.lastCursor } })
    }
  }

  /** Writes what there is, a bounded piece of it. */
  step(): boolean {
    if (this.#isOver || this.#outflow.isBlocked) return false
    try {
      return this.#step()
    } catch (thrown) {
      this.fail(asPlimsollError(thrown))
      return false
    }
  }

  /** Ends the stream, after what was written. Idempotent. */
  fail(error: PlimsollError): void {
    if (this.#isOver) return
    this.close()
    this.#end(error, this.lastCursor)
  }

  /** The client is gone: nothing more is written. Idempotent. */
  close(): void {
    this.#isOver = true
    this.#page = undefined
    this.#shared.pump.remove(this)
  }

  #wake(): void {
    if (!this.#isOver) this.#shared.pump.add(this)
  }

  #step(): boolean {
    const { feed, collector } = this.#shared
    this.#lag.moved()
    if (this.#toldState !== collector.version) {
      this.#toldState = collector.version
      this.#write({ collectorState: collector.state })
    }
    if (this.#gap !== undefined && !this.#outflow.isBlocked) {
      this.#write({ gap: this.#gap })
      this.#gap = undefined
    }
    // As late as possible, and only when the gap can be told: a place is not moved past what was not.
    if (this.#isTooSlow && !this.#outflow.isBlocked) this.#skip()
    if (this.#outflow.isBlocked) this.#page = undefined
    if (this.#outflow.isBlocked || this.#isReading) return false
    if (this.#position >= feed.state.last) {
      this.#lag.caughtUp()
      return false
    }
    const entries = this.#page ?? feed.recent(this.#position, STEP_EVENTS)
    this.#page = undefined
    if (entries === undefined) {
      void this.#read()
      return false
    }
    this.#writeAll(entries)
    return entries.length > 0 && !this.#outflow.isBlocked
  }

  #writeAll(entries: readonly JournalEntry[]): void {
    const { encodings, tally } = this.#shared
    const { filters, mask } = this.#wish
    for (const entry of entries) {
      const { sequence, message } = entry
      if (sequence <= this.#position) continue
      if (this.#outflow.isBlocked) return
      if (sequence > this.#position + 1) this.#missed(sequence - 1)
      // By the gap.
      if (this.#outflow.isBlocked) return
      this.#isOpen = false
      if (filters.matches(message)) {
        this.#quietTicks = 0
        tally.sent++
        this.#outflow.write(encodings.bytesOf(entry, mask))
      }
      this.#position = sequence
    }
  }

  /** Everything up to `last` is not kept any more. */
  #missed(last: number): void {
    if (!this.#isOpen) this.#write({ gap: retentionGap(this.#position + 1, last) })
    this.#position = last
  }

  #fellBehind(): void {
    const { onLag, lagLimit } = this.#wish
    if (onLag === 'gap') {
      this.#isTooSlow = true
      return
    }
    this.#shared.tally.endedSlow++
    this.fail(failure('WATCHER_TOO_SLOW', { count: lagLimit }))
  }

  /** Goes on with the latest events only. */
  #skip(): void {
    this.#isTooSlow = false
    const { feed } = this.#shared
    const { lagLimit, filters } = this.#wish
    const from = this.#position + 1
    const to = feed.state.last - lagLimit
    if (to < from) return
    const count = to - from + 1
    const missed = count > COUNTED_EVENTS ? undefined : feed.recent(this.#position, count)
    this.#write({ gap: subscriberGap(from, to, missed ?? [], filters) })
    this.#shared.tally.skipped += count
    this.#position = to
    this.#isOpen = false
    this.#page = undefined
    this.#lag.caughtUp()
  }

  async #read(): Promise<void> {
    this.#isReading = true
    try {
      const isUnwanted = (): boolean => this.#isOver || this.#outflow.isBlocked
      const page = await this.#shared.feed.read(this.#position, PAGE_EVENTS, isUnwanted)
      this.#page = isUnwanted() || page.length === 0 ? undefined : page
      this.#isReading = false
      if (page.length > 0) this.#wake()
    } catch (thrown) {
      this.#isReading = false
      this.fail(asPlimsollError(thrown))
    }
  }

  #write(event: plimsoll.v1.WatchResponse.$Properties): void {
    this.#quietTicks = 0
    const atMs = this.#shared.clock.nowMs()
    this.#outflow.write(plimsoll.v1.WatchResponse.encode({ atMs, ...event }).finish())
  }
}
