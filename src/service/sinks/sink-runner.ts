/**
 * One sink at work: reads the journal from where it was, and delivers what passes its filter, in order, at least once.
 *
 *   journal --page--> filter --batch--> target      position remembered after what the target has
 *
 * The journal is its queue: nothing is held in memory but a page, and a failed batch is read again. What is further behind
 * than the queue is long, or is not kept any more, is skipped; the target is told so by a gap, before it gets anything else.
 * A runner never waits for another.
 */
import { asProblem } from '../../errors.js'
import type { plimsoll } from '../../gen/plimsoll.js'
import type { Journal, JournalEntry } from '../journal/journal.js'
import { backOffMs } from './back-off.js'
import { type LossCause, LostEvents } from './lost-events.js'
import { oneLine, type SinkEvents, type SinkStatus } from './sink-status.js'
import type { Delivery, SinkClock, SinkMessage, Target, Trouble } from './target.js'

/** Events that are read, and delivered, at a time. */
export const PAGE_EVENTS = 128
/** Events that the filter left out before the position is remembered for their sake alone. */
const REMEMBER_EVENTS = 1024
const GIVE_UP_MS = 1000

export interface SinkRunnerOptions<Payload> {
  /** Of the sink, unique; its position is kept under it. */
  readonly name: string
  readonly journal: Journal
  readonly target: Target<Payload>
  /** Which anomalies; undefined: all. Other events are always delivered. */
  readonly matches: ((anomaly: plimsoll.v1.Anomaly.$Properties) => boolean) | undefined
  /** Where a sink that is new begins: at what comes, or at the first event that is kept. */
  readonly from: 'now' | 'earliest'
  /** How many events the sink may be behind. */
  readonly queue: number
  readonly clock: SinkClock
  /** In [0, 1). */
  readonly random: () => number
  readonly events: SinkEvents
}

type Step = 'idle' | 'progress' | Trouble

/** A thing to deliver, and where the sink is once it and all before it are done. */
interface Item<Payload> {
  readonly payload: Payload
  readonly through: number
  /** Set for gaps. */
  readonly cause: LossCause | undefined
}

export class SinkRunner<Payload = unknown> {
  readonly name: string
  readonly #options: SinkRunnerOptions<Payload>
  readonly #lost: LostEvents
  readonly #abort = new AbortController()
  readonly #running: Promise<void>
  readonly #unsubscribe: () => void
  /** Everything up to here is done with. */
  #position = 0
  /** Everything up to here is done with or lost; above the position while a gap is to be told. */
  #reached = 0
  #remembered: number | undefined
  #counts = { delivered: 0, refused: 0, failed: 0, lost: 0 }
  #problem: string | undefined
  #failuresInARow = 0
  #isStopping = false
  #hasNews = false
  #wait: { readonly isForNews: boolean; readonly end: () => void } | undefined

  /** Begins at once. */
  constructor(options: SinkRunnerOptions<Payload>) {
    this.name = options.name
    this.#options = options
    this.#lost = new LostEvents(options.matches !== undefined)
    this.#unsubscribe = options.journal.subscribe(() => {
      this.#hasNews = true
      if (this.#wait?.isForNews === true) this.#wait.end()
    })
    this.#running = this.#run()
  }

  status(): SinkStatus {
    const { last } = this.#options.journal.state()
    const behind = this.#remembered === undefined ? 0 : Math.max(0, last - this.#position)
    return { name: this.name, ...this.#counts, behind, problem: this.#problem }
  }

  /**
   * Delivers what is in the journal, until that is done, fails, or took `deadlineMs`; remembers the position and lets go of
   * the target. Idempotent, never rejects.
   */
  async stop(deadlineMs: number): Promise<void> {
    this.#isStopping = true
    this.#wait?.end()
    await this.#ended(deadlineMs)
    this.#abort.abort()
    // What a target does about being told to give up takes no time, unless a file system hangs.
    await this.#ended(GIVE_UP_MS)
    this.#unsubscribe()
    await this.#remember(true)
    await this.#options.target.close()
  }

  /** Until it has ended, at most so long. */
  async #ended(limitMs: number): Promise<void> {
    let cancel = (): void => undefined
    const limit = new Promise<void>((passed) => {
      cancel = this.#options.clock.after(limitMs, passed)
    })
    await Promise.race([this.#running, limit])
    cancel()
  }

  async #run(): Promise<void> {
    for (;;) {
      this.#hasNews = false
      const step = await this.#step().catch((thrown: unknown): Step => ({
        problem: asProblem(thrown),
      }))
      if (this.#abort.signal.aborted) return
      if (typeof step === 'object') {
        this.#failed(step)
        if (this.#isStopping) return
        const waitMs = backOffMs(this.#failuresInARow, this.#options.random(), step.retryAfterMs)
        await this.#pause(waitMs)
      } else if (step === 'idle') {
        if (this.#isStopping) return
        if (!this.#hasNews) await this.#pause(undefined)
      }
    }
  }

  async #step(): Promise<Step> {
    if (this.#remembered === undefined) await this.#begin()
    const { last } = this.#options.journal.state()
    await this.#skip(last - this.#options.queue)
    const page = await this.#page()
    const items = this.#items(page)
    const end = page.at(-1)?.sequence ?? this.#reached
    if (items.length === 0) {
      this.#advance(end)
      await this.#remember(false)
      return page.length === 0 ? 'idle' : 'progress'
    }
    const { target } = this.#options
    const payloads = items.map(({ payload }) => payload)
    const delivery = await target.deliver(payloads, this.#abort.signal)
    const done = items.slice(0, delivery.done)
    this.#count(done, delivery)
    if (done.length === items.length) this.#advance(end)
    else if (done.length > 0) this.#advance(done.at(-1)?.through ?? this.#position)
    await this.#remember(done.length > 0)
    if (delivery.trouble !== undefined) return delivery.trouble
    if (done.length === 0) return { problem: 'nothing of what was sent was taken' }
    this.#succeeded()
    return 'progress'
  }

  /** Finds where the sink was, or where a new one starts. */
  async #begin(): Promise<void> {
    const { journal, from } = this.#options
    const known = await journal.position(this.name)
    const { first, last } = journal.state()
    const start = from === 'now' ? last : Math.max(0, first - 1)
    // A position beyond the end is of events that the journal lost when the host went down.
    this.#position = known === undefined ? start : last > 0 ? Math.min(known, last) : known
    this.#reached = this.#position
    this.#remembered = known ?? -1
    await this.#remember(true)
  }

  /** Leaves out what is not above `floor`, and counts what of it would have been delivered. */
  async #skip(floor: number): Promise<void> {
    let count = 0
    try {
      while (this.#reached < floor && !this.#abort.signal.aborted) {
        const page = await this.#page()
        if (page.length === 0) return
        for (const { sequence, message } of page) {
          if (sequence > floor) break
          this.#reached = sequence
          if (!this.#wants(message)) continue
          this.#lost.skipped(sequence, message)
          count++
        }
      }
    } finally {
      this.#counts.lost += count
      if (count > 0) this.#options.events.overflowed(this.name, count, 'queue')
    }
  }

  /** What follows in the journal; what it has dropped of that is noted as lost. */
  async #page(): Promise<readonly JournalEntry[]> {
    const { journal, events } = this.#options
    const after = this.#reached
    const page = journal.recent(after, PAGE_EVENTS) ?? (await journal.read(after, PAGE_EVENTS))
    const first = page[0]?.sequence ?? after + 1
    if (first > after + 1) {
      this.#lost.dropped(after + 1, first - 1)
      this.#reached = first - 1
      this.#counts.lost += first - 1 - after
      events.overflowed(this.name, first - 1 - after, 'retention')
    }
    return page
  }

  #items(page: readonly JournalEntry[]): readonly Item<Payload>[] {
    const { target, clock } = this.#options
    const gaps = this.#lost.messages(clock.nowMs())
    const items: Item<Payload>[] = gaps.map(({ cause, message }, index) => ({
      payload: target.encode(message),
      through: index === gaps.length - 1 ? this.#reached : this.#position,
      cause,
    }))
    for (const { sequence, message } of page) {
      if (!this.#wants(message)) continue
      const payload = this.#encoded(message)
      if (payload !== undefined) items.push({ payload, through: sequence, cause: undefined })
    }
    return items
  }

  /** An event that cannot be encoded must not hold up all others for ever. */
  #encoded(message: SinkMessage): Payload | undefined {
    try {
      return this.#options.target.encode(message)
    } catch (thrown) {
      this.#refused(1, `the event cannot be encoded: ${asProblem(thrown)}`)
      return undefined
    }
  }

  #wants({ anomaly }: SinkMessage): boolean {
    return anomaly == null || this.#options.matches?.(anomaly) !== false
  }

  #count(done: readonly Item<Payload>[], { refused, refusal }: Delivery): void {
    let events = 0
    for (const { cause } of done) {
      if (cause === undefined) events++
      else this.#lost.told(cause)
    }
    this.#counts.delivered += Math.max(0, events - refused)
    if (refused > 0) this.#refused(refused, refusal)
  }

  #refused(count: number, problem: string): void {
    this.#counts.refused += count
    this.#options.events.refused(this.name, count, oneLine(problem))
  }

  #advance(position: number): void {
    if (!this.#lost.isEmpty) return
    this.#position = position
    this.#reached = Math.max(this.#reached, position)
  }

  /** A position that cannot be written now is written the next time; until then events may be delivered twice. */
  async #remember(isUrgent: boolean): Promise<void> {
    const known = this.#remembered
    const position = this.#position
    if (known === undefined || known === position) return
    if (!isUrgent && position - known < REMEMBER_EVENTS) return
    await this.#options.journal.setPosition(this.name, position).then(
      () => void (this.#remembered = position),
      () => undefined,
    )
  }

  #failed({ problem }: Trouble): void {
    this.#counts.failed++
    this.#failuresInARow++
    this.#tell(oneLine(problem))
  }

  #succeeded(): void {
    this.#failuresInARow = 0
    this.#tell(undefined)
  }

  #tell(problem: string | undefined): void {
    if (problem === this.#problem) return
    this.#problem = problem
    this.#options.events.changed(this.name, problem)
  }

  /** Until the time is over, or, without one, there is news; and in any case until the sink is to stop. */
  async #pause(waitMs: number | undefined): Promise<void> {
    if (this.#isStopping) return
    let cancel = (): void => undefined
    await new Promise<void>((end) => {
      this.#wait = { isForNews: waitMs === undefined, end }
      if (waitMs !== undefined) cancel = this.#options.clock.after(waitMs, end)
    })
    cancel()
    this.#wait = undefined
  }
}
