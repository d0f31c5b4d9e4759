/**
 * The handlers of `plimsoll.v1.Baselines`: requests checked, answered from the source, failures turned into statuses. No
 * handler throws. They only read, so that whoever may open the socket can change nothing.
 */
import type { handleServerStreamingCall, handleUnaryCall } from '@grpc/grpc-js'
import { messageOf } from '../baseline/message-of.js'
import { failure } from '../errors.js'
import { plimsoll } from '../gen/plimsoll.js'
import { listPage } from './baseline-list.js'
import { findBaseline, knownBaselines, ORIGINS, type KnownBaseline } from './known-baselines.js'
import type { WatchMessage } from './learning-message.js'
import type { LearningSource, ServiceClock } from './learning-source.js'
import { LearningWatch, QUEUE_LIMIT } from './learning-watch.js'
import { statusOf } from './status.js'

type ListRequest = plimsoll.v1.ListBaselinesRequest.$Properties
type ListResponse = plimsoll.v1.ListBaselinesResponse.$Properties
type GetRequest = plimsoll.v1.GetBaselineRequest.$Properties
type GetResponse = plimsoll.v1.GetBaselineResponse.$Properties
type WatchRequest = plimsoll.v1.WatchLearningRequest.$Properties

export interface BaselinesServiceOptions {
  readonly source: LearningSource
  readonly clock: ServiceClock
  /** Events that wait for one slow client; default `QUEUE_LIMIT`. */
  readonly queueLimit?: number
}

/** Clients that may watch at a time: each costs its queue, some hundred KB at worst. */
export const WATCHER_LIMIT = 32

const REFERENCE_BYTES = 512

const HEARTBEAT_DEFAULT_MS = 10_000
const HEARTBEAT_MIN_MS = 1000
const HEARTBEAT_MAX_MS = 60_000

export class BaselinesService {
  readonly #source: LearningSource
  readonly #clock: ServiceClock
  readonly #queueLimit: number
  readonly #watches = new Set<LearningWatch>()

  constructor({ source, clock, queueLimit = QUEUE_LIMIT }: BaselinesServiceOptions) {
    this.#source = source
    this.#clock = clock
    this.#queueLimit = queueLimit
  }

  readonly listBaselines: handleUnaryCall<ListRequest, ListResponse> = ({ request }, answer) => {
    answered(this.#list(request), answer)
  }

  readonly getBaseline: handleUnaryCall<GetRequest, GetResponse> = ({ request }, answer) => {
    answered(this.#get(request), answer)
  }

  readonly watchLearning: handleServerStreamingCall<WatchRequest, WatchMessage> = (call) => {
    try {
      const heartbeatMs = heartbeatOf(call.request)
      if (this.#watches.size >= WATCHER_LIMIT) {
        throw failure('TOO_MANY_WATCHERS', { count: this.#watches.size })
      }
      const watch = new LearningWatch({
        stream: call,
        source: this.#source,
        clock: this.#clock,
        heartbeatMs,
        queueLimit: this.#queueLimit,
      })
      this.#watches.add(watch)
      const gone = (): void => {
        watch.close()
        this.#watches.delete(watch)
      }
      // Whichever comes: the client hung up, or the stream has ended.
      call.on('cancelled', gone)
      call.on('close', gone)
    } catch (thrown) {
      call.emit('error', statusOf(thrown))
    }
  }

  /** Clients that watch now. */
  get watchers(): number {
    return this.#watches.size
  }

  /** The session is over: every client that watches is told, once it has read what waits for it. */
  finish(): void {
    for (const watch of this.#watches) watch.finish()
  }

  async #list({ pageSize, pageToken, origin }: ListRequest): Promise<ListResponse> {
    return listPage(await this.#known(origin), pageSize ?? 0, pageToken ?? '')
  }

  async #get({ reference, origin }: GetRequest): Promise<GetResponse> {
    const ref = reference ?? ''
    if (ref === '' || Buffer.byteLength(ref, 'utf8') > REFERENCE_BYTES) {
      const problem = `it must have 1 to ${REFERENCE_BYTES} bytes`
      throw failure('BAD_REQUEST', { field: 'reference', problem })
    }
    const found = findBaseline(ref, await this.#known(origin))
    const snapshot = found.baseline.snapshot()
    const revision = found.origin === 'session' ? 0 : snapshot.revision
    return {
      baseline: messageOf({ ...snapshot, revision }),
      origin: ORIGINS.indexOf(found.origin) + 1,
    }
  }

  /** Those of the origin, or all. The store is read only if it is asked for. */
  async #known(origin: number | null | undefined): Promise<readonly KnownBaseline[]> {
    const wanted = ORIGINS[(origin ?? 0) - 1]
    if (wanted === undefined && (origin ?? 0) !== 0) {
      throw failure('BAD_REQUEST', { field: 'origin', problem: `${origin} is none` })
    }
    const stored = wanted === 'session' ? [] : await this.#source.stored()
    return knownBaselines(wanted === 'store' ? [] : this.#source.session(), stored)
  }
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

function heartbeatOf({ heartbeatMs }: WatchRequest): number {
  const ms = heartbeatMs || HEARTBEAT_DEFAULT_MS
  if (ms >= HEARTBEAT_MIN_MS && ms <= HEARTBEAT_MAX_MS) return ms
  throw failure('BAD_REQUEST', {
    field: 'heartbeat_ms',
    problem: `${ms} is not from ${HEARTBEAT_MIN_MS} to ${HEARTBEAT_MAX_MS}`,
  })
}
