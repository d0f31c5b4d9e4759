/** The client of a plimsoll service: every method as a function, and events that outlive restarts. */
import type { MethodDefinition } from '@grpc/grpc-js'
import { failure, PlimsollError } from '../../errors.js'
import { callError, Channel, type Endpoint } from './channel.js'
import { localError } from './client-error.js'
import { HEALTH_CHECK, type ServingStatus } from './health.js'
import {
  definitionOf,
  type RequestOf,
  type ResponseOf,
  type ServiceName,
  STREAMS,
  UNARY,
  type UnaryName,
} from './methods.js'
import { parseServerAddress, type ServerAddress } from './server-address.js'
import type { WatchEvent, WatchRequest } from './position.js'
import type { ClientTls } from './tls.js'
import { watch, type WatchOptions } from './watch.js'

export interface ConnectOptions {
  /** `unix:PATH` or `tcp:HOST:PORT`. */
  readonly address: string
  /** Needed for TCP, which is spoken with TLS 1.3 and certificates on both sides. */
  readonly tls?: ClientTls
  /** For calls with one answer, unless they say otherwise; default 10 s. */
  readonly deadlineMs?: number
}

export interface CallOptions {
  readonly deadlineMs?: number
  readonly signal?: AbortSignal
}

/** A method with one answer. Rejects with `PlimsollClientError`. */
export type UnaryCall<Name extends UnaryName> = (
  request?: RequestOf<Name>,
  options?: CallOptions,
) => Promise<ResponseOf<Name>>

/** The methods of a service by their names, such as `getStats`. */
export type ServiceCalls<Service extends ServiceName> = {
  readonly [Name in (typeof UNARY)[Service][number] as Uncapitalize<Name>]: UnaryCall<Name>
}

export interface PlimsollClient {
  readonly monitor: ServiceCalls<'Monitor'>
  readonly baselines: ServiceCalls<'Baselines'>
  readonly control: ServiceCalls<'Control'>
  readonly audit: ServiceCalls<'Audit'>
  /**
   * What plimsoll finds, from `request`'s start on, each event once and none left out, across restarts of the service. To go on after a
   * restart of the program itself, keep `event.cursor`: see `resumable` and `eventFile`. It is read as fast as it is consumed;
   * leaving the loop hangs up. Throws `PlimsollClientError` for what does not get better by itself.
   */
  watch(request?: WatchRequest, options?: WatchOptions): AsyncIterable<WatchEvent>
  /** Whether a service is well: `plimsoll.v1.Monitor`, or the whole server without a name. */
  health(service?: string, options?: CallOptions): Promise<ServingStatus>
  /** Any method with one answer, as it is defined. */
  call<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    options?: CallOptions,
  ): Promise<Response>
  /** Answers of any method that streams, as they come, without another attempt. */
  stream<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    signal?: AbortSignal,
  ): AsyncIterable<Response>
  /** Hangs up; calls under way fail. */
  close(): void
}

const DEADLINE_MS = 10_000

/** A client; it connects with its first call. Throws `PlimsollClientError` (`USAGE`) for an address that is none. */
export function connect({
  address: text,
  tls,
  deadlineMs = DEADLINE_MS,
}: ConnectOptions): PlimsollClient {
  const address = addressOf(text, tls)
  const endpoint: Endpoint = { address, ...(tls === undefined ? {} : { tls }) }
  const calls = new Calls(endpoint, deadlineMs)
  const unary = <Service extends ServiceName>(service: Service): ServiceCalls<Service> =>
    Object.fromEntries(
      UNARY[service].map((name) => {
        const method = definitionOf(service, name)
        const call = (request = {}, options: CallOptions = {}): Promise<unknown> =>
          calls.unary(method, request, options)
        return [`${name.charAt(0).toLowerCase()}${name.slice(1)}`, call]
      }),
    ) as unknown as ServiceCalls<Service>
  return {
    monitor: unary('Monitor'),
    baselines: unary('Baselines'),
    control: unary('Control'),
    audit: unary('Audit'),
    watch: (request = {}, options = {}) =>
      watch({ endpoint, random: Math.random, deadlineMs }, request, options),
    health: (service = '', options = {}) => calls.unary(HEALTH_CHECK, { service }, options),
    call: (method, request, options = {}) => calls.unary(method, request, options),
    stream: (method, request, signal) => calls.stream(method, request, signal),
    close: () => calls.close(),
  }
}

/** The channel that calls share, replaced after it failed. */
class Calls {
  readonly #endpoint: Endpoint
  readonly #deadlineMs: number
  #channel: Promise<Channel> | undefined

  constructor(endpoint: Endpoint, deadlineMs: number) {
    this.#endpoint = endpoint
    this.#deadlineMs = deadlineMs
  }

  async unary<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    { deadlineMs = this.#deadlineMs, signal }: CallOptions,
  ): Promise<Response> {
    const channel = (this.#channel ??= Channel.open(this.#endpoint))
    try {
      const options = { deadlineMs, ...(signal === undefined ? {} : { signal }) }
      return await (await channel).unary(method, request, options)
    } catch (thrown) {
      throw await this.#failed(thrown, channel)
    }
  }

  async *stream<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Response, void> {
    const channel = (this.#channel ??= Channel.open(this.#endpoint))
    try {
      const stream = (await channel).stream(method, request)
      stream.on('error', () => undefined)
      const hangUp = (): void => stream.cancel()
      signal?.addEventListener('abort', hangUp, { once: true })
      if (signal?.aborted === true) hangUp()
      try {
        yield* stream as AsyncIterable<Response>
      } finally {
        signal?.removeEventListener('abort', hangUp)
        hangUp()
      }
    } catch (thrown) {
      if (signal?.aborted === true) return
      throw await this.#failed(thrown, channel)
    }
  }

  close(): void {
    const channel = this.#channel
    this.#channel = undefined
    channel?.then(
      (open) => open.close(),
      () => undefined,
    )
  }

  async #failed(thrown: unknown, channel: Promise<Channel>): Promise<unknown> {
    const error = await callError(thrown, this.#endpoint.address)
    const isOver = error instanceof Error && 'code' in error && OVER.includes(String(error.code))
    // The next call connects anew, and does not wait until this channel thinks of it.
    if (isOver && this.#channel === channel) this.close()
    return error
  }
}

/** Codes after which a channel is of no use. */
const OVER: readonly string[] = ['UNREACHABLE', 'TLS_UNUSABLE', 'DEADLINE_EXCEEDED']

function addressOf(text: string, tls: ClientTls | undefined): ServerAddress {
  try {
    const address = parseServerAddress(text, process.cwd())
    if (address.kind === 'tcp' && tls === undefined) {
      const problem = `${text} is reached over TCP, which needs the files of TLS: ca, cert and key`
      throw failure('USAGE', { problem })
    }
    return address
  } catch (thrown) {
    throw thrown instanceof PlimsollError ? localError(thrown) : thrown
  }
}

/** Whether that method of the service streams. */
export function isStream(service: ServiceName, name: string): boolean {
  return (STREAMS[service] as readonly string[]).includes(name)
}
