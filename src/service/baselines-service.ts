/**
 * The handlers of `plimsoll.v1.Baselines` that list, get and watch: requests checked, answered from the source, failures
 * turned into statuses. No handler throws, and none changes anything.
 */
import type { handleServerStreamingCall, handleUnaryCall } from '@grpc/grpc-js'
import { messageOf } from '../baseline/message-of.js'
import { failure } from '../errors.js'
import type { plimsoll } from '../gen/plimsoll.js'
import { listPage } from './baseline-list.js'
import { answered } from './baselines-answer.js'
import { badRequest, originOf, referenceOf } from './baselines-request.js'
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
    const ref = referenceOf(reference)
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
    const wanted = originOf(origin)
    const stored = wanted === 'session' ? [] : await this.#source.stored()
    return knownBaselines(wanted === 'store' ? [] : this.#source.session(), stored)
  }
}

function heartbeatOf({ heartbeatMs }: WatchRequest): number {
  const ms = heartbeatMs || HEARTBEAT_DEFAULT_MS
  if (ms >= HEARTBEAT_MIN_MS && ms <= HEARTBEAT_MAX_MS) return ms
  throw badRequest('heartbeat_ms', `${ms} is not from ${HEARTBEAT_MIN_MS} to ${HEARTBEAT_MAX_MS}`)
}
