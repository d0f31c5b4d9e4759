/** A client of `plimsoll.v1.Monitor`, as another program would have it: grpc-js over a unix socket. */
import {
  Client,
  type ClientReadableStream,
  credentials,
  Metadata,
  type MethodDefinition,
  type ServiceError,
} from '@grpc/grpc-js'
import type { Test } from 'tap'
import { plimsoll } from '../../src/gen/plimsoll.js'
import { MONITOR_SERVICE } from '../../src/service/monitor-methods.js'

type Message = plimsoll.v1.WatchResponse.$Properties
type Event = NonNullable<Message['event']>

export class MonitorClient {
  readonly #client: Client
  readonly #watching: Watching[] = []

  /** Closed when the test ends. */
  constructor(t: Test, socketPath: string) {
    this.#client = new Client(`unix:${socketPath}`, credentials.createInsecure(), {
      'grpc.max_receive_message_length': 64 * 1024 * 1024,
      'grpc.use_local_subchannel_pool': 1,
    })
    t.teardown(() => {
      for (const watching of this.#watching) watching.cancel()
      this.#client.close()
    })
  }

  watch(request: plimsoll.v1.WatchRequest.$Properties = {}, user = 'viewer'): Watching {
    const { path, requestSerialize, responseDeserialize } = MONITOR_SERVICE.watch
    const metadata = new Metadata()
    metadata.set('user', user)
    const stream = this.#client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      metadata,
    )
    const watching = new Watching(stream)
    this.#watching.push(watching)
    return watching
  }

  getAnomaly(id: string): Promise<plimsoll.v1.GetAnomalyResponse.$Properties> {
    return this.#call(MONITOR_SERVICE.getAnomaly, { id })
  }

  list(
    request: plimsoll.v1.ListAnomaliesRequest.$Properties = {},
  ): Promise<plimsoll.v1.ListAnomaliesResponse.$Properties> {
    return this.#call(MONITOR_SERVICE.listAnomalies, request)
  }

  timeline(
    request: plimsoll.v1.GetTimelineRequest.$Properties,
  ): Promise<plimsoll.v1.GetTimelineResponse.$Properties> {
    return this.#call(MONITOR_SERVICE.getTimeline, request)
  }

  /** Plain, with defaults. */
  async stats(): Promise<plimsoll.v1.GetStatsResponse.$Properties> {
    const { GetStatsResponse } = plimsoll.v1
    const stats = await this.#call(MONITOR_SERVICE.getStats, {})
    return GetStatsResponse.toObject(stats as plimsoll.v1.GetStatsResponse, {
      longs: Number,
      defaults: true,
    })
  }

  #call<Request, Response>(
    { path, requestSerialize, responseDeserialize }: MethodDefinition<Request, Response>,
    request: Request,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      const answered = (error: ServiceError | null, response?: Response): void => {
        if (error) reject(error)
        else if (response === undefined) reject(new Error(`${path}: no response`))
        else resolve(response)
      }
      this.#client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, answered)
    })
  }
}

/** A stream of `Watch`; nothing is read before it is asked for. */
export class Watching {
  readonly stream: ClientReadableStream<Message>
  readonly #messages: AsyncIterator<Message, undefined>

  constructor(stream: ClientReadableStream<Message>) {
    this.stream = stream
    // A stream that is cut while nobody reads it is no failure of the test; who reads it gets the error.
    stream.on('error', () => undefined)
    this.#messages = stream[Symbol.asyncIterator]() as AsyncIterator<Message, undefined>
  }

  /** The next message, plain, without defaults; undefined at the end. Throws what the stream ended with if not OK. */
  async next(): Promise<Message | undefined> {
    const result = await this.#messages.next()
    if (result.done === true) return undefined
    const { WatchResponse } = plimsoll.v1
    const message = result.value as plimsoll.v1.WatchResponse
    return WatchResponse.toObject(message, { longs: Number, oneofs: true }) as Message
  }

  /** Reads so many messages. */
  async take(count: number): Promise<readonly Message[]> {
    const messages: Message[] = []
    while (messages.length < count) {
      const message = await this.next()
      if (message === undefined) throw new Error(`the stream ended after ${messages.length}`)
      messages.push(message)
    }
    return messages
  }

  /** Reads up to the first message with the event, which it returns. */
  async upTo(event: Event): Promise<Message> {
    for (;;) {
      const [message] = await this.take(1)
      if (message?.event === event) return message
    }
  }

  /** What it ends with, all before being read: the error, and the messages. */
  async ended(): Promise<{ readonly error: ServiceError; readonly messages: readonly Message[] }> {
    const messages: Message[] = []
    for (;;) {
      try {
        const message = await this.next()
        if (message === undefined) throw new Error('the stream ended with OK')
        messages.push(message)
      } catch (thrown) {
        return { error: thrown as ServiceError, messages }
      }
    }
  }

  cancel(): void {
    this.stream.cancel()
  }
}

/** The numbers in the ids of anomalies that are made by `anomalyEvent`. */
export function numbersOf(messages: readonly (Message | undefined)[]): readonly number[] {
  return messages.flatMap((message) =>
    message?.anomaly ? [Number(message.anomaly.id?.split('-')[1])] : [],
  )
}
