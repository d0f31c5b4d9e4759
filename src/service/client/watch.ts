/**
 * `Watch` as a sequence that outlives the service: it is asked for again, from where it was, whenever the connection or the service
 * goes away, and hands on every event once.
 *
 *   attempt --fails--> wait (100 ms to 10 s) --> attempt with `after_cursor` of the last event --> ...
 */
import { setTimeout as wait } from 'node:timers/promises'
import { Backoff } from './backoff.js'
import { callError, Channel, type Endpoint } from './channel.js'
import { PlimsollClientError } from './client-error.js'
import { definitionOf } from './methods.js'
import { Position, type WatchEvent, type WatchRequest } from './position.js'
import { watchAttempt } from './watch-attempt.js'

/** How the connection is. */
export type WatchState =
  /** Events come; `cursor` is where they go on from: a cursor, or `earliest`, or `now`. */
  | { readonly kind: 'connected'; readonly cursor: string }
  /** It failed with `error`, and is tried again after `delayMs`. */
  | { readonly kind: 'waiting'; readonly error: PlimsollClientError; readonly delayMs: number }

export interface WatchOptions {
  /** Ends the sequence, without an error. */
  readonly signal?: AbortSignal
  /** Default true: also the first time, a service that is away is waited for. Otherwise it ends with the first failure. */
  readonly reconnect?: boolean
  /** Hands on heartbeats, too; default false. */
  readonly heartbeats?: boolean
  readonly onState?: (state: WatchState) => void
}

export interface WatchSetting {
  readonly endpoint: Endpoint
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** For the question where the journal is. */
  readonly deadlineMs: number
}

/** A stream that held so long was a good one. */
const GOOD_MS = 10_000

/** Events from the start that `request` names. Throws `PlimsollClientError` for what does not get better by itself. */
export async function* watch(
  { endpoint, random, deadlineMs }: WatchSetting,
  request: WatchRequest,
  { signal, reconnect = true, heartbeats = false, onState }: WatchOptions = {},
): AsyncGenerator<WatchEvent, undefined> {
  const position = new Position(request)
  const backoff = new Backoff(random)
  while (!isAborted(signal)) {
    const before = position.text
    const startedMs = performance.now()
    let error: PlimsollClientError
    let channel: Channel | undefined
    try {
      channel = await Channel.open(endpoint)
      if (position.isOpen) await begin(channel, position, deadlineMs, signal)
      let isConnected = false
      for await (const event of watchAttempt(channel, position.request(), signal)) {
        if (!isConnected) onState?.({ kind: 'connected', cursor: position.text })
        isConnected = true
        const taken = position.taken(event)
        if (taken !== undefined && (heartbeats || event.heartbeat == null)) yield taken
      }
      return
    } catch (thrown) {
      if (isAborted(signal)) return
      const problem = await callError(thrown, endpoint.address)
      if (!(problem instanceof PlimsollClientError)) throw problem
      if (!reconnect || !problem.isTransient) throw problem
      error = problem
    } finally {
      channel?.close()
    }
    if (position.text !== before || performance.now() - startedMs > GOOD_MS) backoff.reset()
    const delayMs = backoff.next()
    onState?.({ kind: 'waiting', error, delayMs })
    await wait(delayMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined)
  }
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true
}

/** Statuses of a service that does not tell where its journal is: then `now` stays `now`. */
const UNTOLD = [7, 12]

/** Finds out where `now` is, so that nothing is missed if the first stream breaks before its first event. */
async function begin(
  channel: Channel,
  position: Position,
  deadlineMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const options = { deadlineMs, ...(signal === undefined ? {} : { signal }) }
  try {
    const stats = await channel.unary(definitionOf('Monitor', 'GetStats'), {}, options)
    // A journal that cannot be opened yet does not know where it is.
    if (stats.lastCursor || stats.state?.journalWritable !== false) {
      position.begin(stats.lastCursor ?? '')
    }
  } catch (thrown) {
    if (!UNTOLD.includes((thrown as { readonly code?: number }).code ?? 0)) throw thrown
  }
}
