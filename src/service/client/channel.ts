/**
 * One connection to a service, and calls on it. A channel of gRPC that lost its service tries again by a rhythm of its own, of
 * minutes at worst, and channels share that; therefore every channel here has its own connections, and is thrown away after a
 * failure.
 */
import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  type ClientReadableStream,
  credentials,
  type MethodDefinition,
  type ServiceError,
  status,
} from '@grpc/grpc-js'
import { FILE_LIMIT_BYTES } from '../../baseline/codec.js'
import { PlimsollError } from '../../errors.js'
import { errorOf, isServiceError, localError, PlimsollClientError } from './client-error.js'
import { type ServerAddress, targetOf } from './server-address.js'
import { type ClientTls, tlsCredentials } from './tls.js'
import { unreachable } from './unreachable.js'

/** Where the service is, and how to prove oneself to it. */
export interface Endpoint {
  readonly address: ServerAddress
  /** Needed for TCP; not used on a socket. */
  readonly tls?: ClientTls
}

export interface UnaryOptions {
  readonly deadlineMs: number
  readonly signal?: AbortSignal
}

/** A ping when nothing came for a while finds out that the other host is gone. */
const KEEPALIVE_MS = 10_000
const KEEPALIVE_TIMEOUT_MS = 5000

const OPTIONS: ChannelOptions = {
  'grpc.use_local_subchannel_pool': 1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1000,
  'grpc.keepalive_time_ms': KEEPALIVE_MS,
  'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
  'grpc.max_receive_message_length': FILE_LIMIT_BYTES,
  'grpc.enable_retries': 0,
  'grpc.enable_channelz': 0,
  // Names come from the address and nowhere else.
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_http_proxy': 0,
}

export class Channel {
  readonly #client: Client

  private constructor(client: Client) {
    this.#client = client
  }

  /** Connects with the first call. Rejects with `TLS_UNUSABLE`. */
  static async open({ address, tls }: Endpoint): Promise<Channel> {
    const identity: ChannelCredentials =
      address.kind === 'tcp' && tls !== undefined
        ? await tlsCredentials(tls)
        : credentials.createInsecure()
    const name = address.kind === 'tcp' ? tls?.serverName : undefined
    const named: ChannelOptions =
      name === undefined
        ? {}
        : { 'grpc.ssl_target_name_override': name, 'grpc.default_authority': name }
    return new Channel(new Client(targetOf(address), identity, { ...OPTIONS, ...named }))
  }

  /** The answer; rejects with an error of gRPC. */
  unary<Request, Response>(
    { path, requestSerialize, responseDeserialize }: MethodDefinition<Request, Response>,
    request: Request,
    { deadlineMs, signal }: UnaryOptions,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      const deadline = Date.now() + deadlineMs
      const cancel = (): void => call.cancel()
      const answered = (error: ServiceError | null, response?: Response): void => {
        signal?.removeEventListener('abort', cancel)
        if (error !== null) reject(error)
        else if (response === undefined) reject(new Error(`${path}: no response`))
        else resolve(response)
      }
      const call = this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        { deadline },
        answered,
      )
      if (signal?.aborted === true) cancel()
      else signal?.addEventListener('abort', cancel, { once: true })
    })
  }

  /** The stream of answers. It is read only as fast as its reader takes them. */
  stream<Request, Response>(
    { path, requestSerialize, responseDeserialize }: MethodDefinition<Request, Response>,
    request: Request,
  ): ClientReadableStream<Response> {
    return this.#client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
    )
  }

  /** Hangs up. Idempotent. */
  close(): void {
    this.#client.close()
  }
}

/** Anything that a call was rejected with, as what the client throws; what is no failure of a call stays as it is. */
export async function callError(thrown: unknown, address: ServerAddress): Promise<unknown> {
  if (thrown instanceof PlimsollClientError) return thrown
  if (thrown instanceof PlimsollError) return localError(thrown)
  if (!isServiceError(thrown)) return thrown
  const error = errorOf(thrown)
  // Said by gRPC itself: the service has a code of its own for what it cannot do now.
  if (error.grpc === status.UNAVAILABLE && error.code === 'UNAVAILABLE') {
    return unreachable(address, thrown.details, thrown)
  }
  return error
}
