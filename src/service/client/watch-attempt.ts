/** One stream of `Watch`, from its request until it ends: read one by one, and given up when nothing comes any more. */
import type { Channel } from './channel.js'
import { PlimsollClientError } from './client-error.js'
import { definitionOf } from './methods.js'
import type { WatchEvent, WatchRequest } from './position.js'

const WATCH = definitionOf('Monitor', 'Watch')

/** As the service has it when nothing else is asked for. */
const HEARTBEAT_MS = 10_000
/** So many heartbeats must be missing until a connection counts as dead. */
const MISSING = 3

/**
 * Events of one stream, until it ends or is given up: rejects then, also if the service ended it without an error, since it has
 * no reason to. The time that the consumer takes does not count as silence.
 */
export async function* watchAttempt(
  channel: Channel,
  request: WatchRequest,
  signal: AbortSignal | undefined,
): AsyncGenerator<WatchEvent, never> {
  const stream = channel.stream(WATCH, request)
  // Errors are read from the iterator; one that comes while nobody reads is kept there.
  stream.on('error', () => undefined)
  const hangUp = (): void => stream.cancel()
  signal?.addEventListener('abort', hangUp, { once: true })
  if (signal?.aborted === true) hangUp()
  const silenceMs = MISSING * (request.heartbeatMs || HEARTBEAT_MS)
  const messages = stream[Symbol.asyncIterator]() as AsyncIterator<WatchEvent, undefined>
  let isSilent = false
  try {
    for (;;) {
      const silence = setTimeout(() => {
        isSilent = true
        hangUp()
      }, silenceMs)
      const next = await messages.next().finally(() => clearTimeout(silence))
      if (next.done === true) throw ended('the service ended the stream')
      yield next.value
    }
  } catch (thrown) {
    throw isSilent ? ended(`nothing came for ${silenceMs} ms`) : thrown
  } finally {
    signal?.removeEventListener('abort', hangUp)
    hangUp()
  }
}

function ended(message: string): PlimsollClientError {
  return new PlimsollClientError({
    code: 'UNREACHABLE',
    grpc: 14,
    message,
    hint: '',
    isTransient: true,
  })
}
