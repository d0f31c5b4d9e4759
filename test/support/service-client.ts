/** A client of `plimsoll.v1.Baselines`, as another program would have it: grpc-js over a unix socket. */
import {
  Client,
  type ClientReadableStream,
  credentials,
  type MethodDefinition,
  type ServiceError,
} from '@grpc/grpc-js'
import type { Test } from 'tap'
import { plimsoll } from '../../src/gen/plimsoll.js'
import type { WatchMessage } from '../../src/service/learning-message.js'
import { BASELINES_SERVICE } from '../../src/service/baselines-methods.js'

/** As `PlimsollError` says them: number of the status, text, and code of the catalogue. */
export interface Refusal {
  readonly status: number
  readonly message: string
  readonly code: string
}

/** A client that is closed when the test ends, with every stream that is still open. */
export class ServiceClient {
  readonly #client: Client
  readonly #watched: Watched[] = []

  constructor(t: Test, socketPath: string) {
    this.#client = new Client(`unix:${socketPath}`, credentials.createInsecure(), {
      'grpc.max_receive_message_length': 64 * 1024 * 1024,
    })
    t.teardown(() => this.close())
  }

  list(
    request: plimsoll.v1.ListBaselinesRequest.$Properties = {},
  ): Promise<plimsoll.v1.ListBaselinesResponse.$Properties> {
    return this.#call(BASELINES_SERVICE.listBaselines, request)
  }

  get(
    request: plimsoll.v1.GetBaselineRequest.$Properties,
  ): Promise<plimsoll.v1.GetBaselineResponse.$Properties> {
    return this.#call(BASELINES_SERVICE.getBaseline, request)
  }

  watch(request: plimsoll.v1.WatchLearningRequest.$Properties = {}): Watched {
    const { path, requestSerialize, responseDeserialize } = BASELINES_SERVICE.watchLearning
    const watched = new Watched(
      this.#client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request),
    )
    this.#watched.push(watched)
    return watched
  }

  close(): void {
    for (const watched of this.#watched) watched.cancel()
    this.#client.close()
  }

  #call<Request, Response>(
    { path, requestSerialize, responseDeserialize }: MethodDefinition<Request, Response>,
    request: Request,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      const answered = (error: ServiceError | null, response?: Response): void => {
        if (error) reject(error)
        else if (response === undefined) reject(new Error(`${path}: no response`))
        else resolve(plain(response))
      }
      this.#client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, answered)
    })
  }
}

/** A stream of `WatchLearning`; nothing is read before it is asked for. */
export class Watched {
  readonly stream: ClientReadableStream<WatchMessage>
  readonly #messages: AsyncIterator<WatchMessage, undefined>

  constructor(stream: ClientReadableStream<WatchMessage>) {
    this.stream = stream
    // A stream that is cut while nobody reads it is no failure of the test; who reads it gets the error.
    stream.on('error', () => undefined)
    this.#messages = stream[Symbol.asyncIterator]() as AsyncIterator<WatchMessage, undefined>
  }

  /** The next message, or undefined at the end. Throws what the stream ended with if that is not OK. */
  async next(): Promise<WatchMessage | undefined> {
    const result = await this.#messages.next()
    return result.done === true ? undefined : plain(result.value)
  }

  /** Hangs up. */
  cancel(): void {
    this.stream.cancel()
  }

  /** Reads up to the first message that has the event, which is the last one of what is returned. */
  async upTo(event: NonNullable<WatchMessage['event']>): Promise<readonly WatchMessage[]> {
    const seen: WatchMessage[] = []
    for (;;) {
      const message = await this.next()
      if (message === undefined) throw new Error(`the stream ended before ${event}`)
      seen.push(message)
      if (message.event === event) return seen
    }
  }
}

/** What the call was refused with; throws if it was not. */
export async function refusalOf(call: Promise<unknown>): Promise<Refusal> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown as ServiceError,
  )
  if (error === undefined) throw new Error('the call was not refused')
  return {
    status: error.code,
    message: error.details,
    code: String(error.metadata?.get('plimsoll-error-code')[0] ?? ''),
  }
}

/**
 * The message as plain values, with the defaults that were not sent, and numbers for what protobufjs decodes into objects
 * of two halves; all are below 2^53.
 */
export function plain<T>(message: T): T {
  return plainValue(message) as T
}

function plainValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  if (Array.isArray(value)) return value.map(plainValue)
  if ('low' in value && 'toNumber' in value) return (value as { toNumber(): number }).toNumber()
  // Which event it is is told by a getter that loops do not see.
  const fields: Record<string, unknown> = 'event' in value ? { event: value.event } : {}
  // Defaults are fields of the prototype; a field of a message type, or of a oneof, has none.
  for (const name in value) {
    const field = (value as Record<string, unknown>)[name]
    if (typeof field !== 'function' && field !== null) fields[name] = plainValue(field)
  }
  return fields
}
