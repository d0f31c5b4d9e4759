/**
 * The handlers of `plimsoll.v1.Monitor`: requests checked, answered from the journal and the engine, failures turned into
 * statuses. No handler throws, and none changes anything.
 */
import type { handleServerStreamingCall, handleUnaryCall } from '@grpc/grpc-js'
import { failure } from '../../errors.js'
import type { plimsoll } from '../../gen/plimsoll.js'
import { callerOf } from '../caller.js'
import type { JournalReader } from '../journal/journal.js'
import type { ServiceClock } from '../learning-source.js'
import { MaskedEncodings } from '../masked-encodings.js'
import { statusOf } from '../status.js'
import { anomalyPage } from './anomaly-pages.js'
import { CollectorFeed } from './collector-feed.js'
import { Gate } from './gate.js'
import { incidentTimeline } from './incident-timeline.js'
import { JournalFeed } from './journal-feed.js'
import { TICK_MS } from './lag.js'
import type { MonitorSource } from './monitor-source.js'
import { Pump } from './pump.js'
import { startPointOf } from './start-point.js'
import { type Shared, Subscription, type WatchTally } from './subscription.js'
import { parseWatchRequest } from './watch-request.js'
import { PER_CALLER_LIMIT, WATCHER_LIMIT, Watches } from './watches.js'

type GetAnomalyRequest = plimsoll.v1.GetAnomalyRequest.$Properties
type GetAnomalyResponse = plimsoll.v1.GetAnomalyResponse.$Properties
type GetStatsRequest = plimsoll.v1.GetStatsRequest.$Properties
type GetStatsResponse = plimsoll.v1.GetStatsResponse.$Properties
type GetTimelineRequest = plimsoll.v1.GetTimelineRequest.$Properties
type GetTimelineResponse = plimsoll.v1.GetTimelineResponse.$Properties
type ListRequest = plimsoll.v1.ListAnomaliesRequest.$Properties
type ListResponse = plimsoll.v1.ListAnomaliesResponse.$Properties
type WatchRequest = plimsoll.v1.WatchRequest.$Properties

export interface MonitorServiceOptions {
  readonly journal: JournalReader
  readonly source: MonitorSource
  readonly clock: ServiceClock
  /** Name of this host. */
  readonly node: string
  /** Of plimsoll. */
  readonly version: string
  /** Default `WATCHER_LIMIT`. */
  readonly watcherLimit?: number
  /** Default `PER_CALLER_LIMIT`. */
  readonly perCallerLimit?: number
}

/** Trailer of a stream that was ended by the service: where to go on from. */
export const CURSOR_TRAILER = 'plimsoll-cursor'

const TEXT_BYTES = 512
const TIMELINE_ENTRIES = 64
const TIMELINE_MOST = 1024
/** Walks through the whole journal at a time. */
const WALKS_AT_A_TIME = 2

export class MonitorService {
  readonly #options: MonitorServiceOptions
  readonly #shared: Shared
  readonly #watches: Watches
  readonly #walks = new Gate(WALKS_AT_A_TIME)
  readonly #releases: readonly (() => void)[]
  readonly #startedMs: number
  #isStopping = false
  /** Of the collector's state, when all were last told. */
  #toldVersion = 0

  constructor(options: MonitorServiceOptions) {
    const { journal, source, clock, watcherLimit, perCallerLimit } = options
    this.#options = options
    this.#watches = new Watches(watcherLimit ?? WATCHER_LIMIT, perCallerLimit ?? PER_CALLER_LIMIT)
    const feed = new JournalFeed(journal)
    const collector = new CollectorFeed(source, () => feed.state)
    const encodings = new MaskedEncodings()
    const tally = { sent: 0, skipped: 0, endedSlow: 0 }
    this.#shared = { feed, collector, encodings, pump: new Pump(), clock, tally }
    this.#startedMs = clock.nowMs()
    this.#releases = [
      journal.subscribe(() => this.#journalTold()),
      source.onChange(() => this.#sourceTold()),
      clock.every(TICK_MS, () => this.#tick()),
    ]
  }

  readonly watch: handleServerStreamingCall<WatchRequest, Uint8Array> = (call) => {
    try {
      if (this.#isStopping) throw failure('STOPPING', {})
      const wish = parseWatchRequest(call.request)
      const { feed, collector } = this.#shared
      const caller = callerOf(call).name
      this.#watches.checkRoom(caller)
      feed.refresh()
      collector.refresh()
      const start = startPointOf(wish.start, feed.epoch, feed.state)
      const subscription = new Subscription({
        stream: call,
        wish,
        start,
        shared: this.#shared,
        end: (error, cursor) => {
          const status = statusOf(error)
          status.metadata.set(CURSOR_TRAILER, cursor)
          call.emit('error', status)
        },
      })
      this.#watches.add(subscription, caller)
      const gone = (): void => this.#watches.remove(subscription)
      // Whichever comes: the client hung up, or the stream has ended.
      call.on('cancelled', gone)
      call.on('close', gone)
    } catch (thrown) {
      call.emit('error', statusOf(thrown))
    }
  }

  readonly getAnomaly: handleUnaryCall<GetAnomalyRequest, GetAnomalyResponse> = (call, answer) => {
    answered(this.#anomaly(call.request), answer)
  }

  readonly listAnomalies: handleUnaryCall<ListRequest, ListResponse> = ({ request }, answer) => {
    answered(this.#list(request), answer)
  }

  readonly getTimeline: handleUnaryCall<GetTimelineRequest, GetTimelineResponse> = (
    call,
    answer,
  ) => {
    answered(
      this.#timeline(call.request, () => call.cancelled),
      answer,
    )
  }

  readonly getStats: handleUnaryCall<GetStatsRequest, GetStatsResponse> = (_, answer) => {
    answered(this.#stats(), answer)
  }

  /** Streams that are open. */
  get watchers(): number {
    return this.#watches.size
  }

  /** For metrics: as it is now. */
  get tally(): Readonly<WatchTally> {
    return { ...this.#shared.tally }
  }

  /** Ends all streams with `STOPPING` and the cursor to go on from, and lets go of journal, source and clock. Idempotent. */
  stop(): void {
    if (this.#isStopping) return
    this.#isStopping = true
    for (const release of this.#releases) release()
    this.#watches.fail(failure('STOPPING', {}))
  }

  #journalTold(): void {
    const { feed, collector } = this.#shared
    feed.refresh()
    collector.journalTold()
    this.#watches.told()
  }

  #sourceTold(): void {
    this.#shared.collector.told()
    this.#watches.told()
  }

  #tick(): void {
    const { collector } = this.#shared
    collector.tick()
    if (collector.version !== this.#toldVersion) this.#watches.told()
    this.#toldVersion = collector.version
    this.#watches.tick()
  }

  async #anomaly({ id }: GetAnomalyRequest): Promise<GetAnomalyResponse> {
    const wanted = checkedText('id', id)
    const kept = await this.#options.journal.anomaly(wanted)
    if (kept === undefined) throw failure('ANOMALY_NOT_FOUND', { id: wanted })
    return { anomaly: kept.anomaly, cursor: this.#shared.feed.cursorOf(kept.sequence) }
  }

  async #list(request: ListRequest): Promise<ListResponse> {
    const { feed } = this.#shared
    feed.refresh()
    return anomalyPage(request, this.#options.journal, feed)
  }

  async #timeline(
    { container, incident, limit }: GetTimelineRequest,
    isUnwanted: () => boolean,
  ): Promise<GetTimelineResponse> {
    const most = Math.min(limit || TIMELINE_ENTRIES, TIMELINE_MOST)
    if (incident == null) {
      const ref = checkedText('container', container)
      const entries = this.#options.source.timelineOf(ref, most)
      if (entries === undefined) throw failure('CONTAINER_NOT_FOUND', { ref })
      return { entries: entries.slice(-most) }
    }
    const ref = checkedText('incident', incident)
    const { feed } = this.#shared
    const found = await this.#walks.run(() => incidentTimeline(ref, most, feed, isUnwanted))
    if (found === undefined) throw failure('INCIDENT_NOT_FOUND', { ref })
    return { entries: [...found.entries], anomalyIds: [...found.anomalyIds] }
  }

  async #stats(): Promise<GetStatsResponse> {
    const { source, node, version } = this.#options
    const { feed, collector } = this.#shared
    feed.refresh()
    collector.refresh()
    const { first, last, bytes } = feed.state
    return {
      version,
      node,
      startedMs: this.#startedMs,
      observations: source.observations(),
      anomalies: [...source.anomalyCounts()],
      state: collector.state,
      subscribers: this.watchers,
      firstCursor: first === 0 ? '' : feed.cursorOf(first),
      lastCursor: last === 0 ? '' : feed.cursorOf(last),
      journalBytes: bytes,
      memoryBytes: process.memoryUsage.rss(),
    }
  }
}

function checkedText(field: string, text: string | null | undefined): string {
  if (text && Buffer.byteLength(text, 'utf8') <= TEXT_BYTES) return text
  throw failure('BAD_REQUEST', { field, problem: `it must have 1 to ${TEXT_BYTES} bytes` })
}

function answered<Response>(
  work: Promise<Response>,
  answer: (error: ReturnType<typeof statusOf> | null, response?: Response) => void,
): void {
  work.then(
    (response) => answer(null, response),
    (thrown: unknown) => answer(statusOf(thrown)),
  )
}
