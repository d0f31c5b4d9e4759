/** Every service of the committed descriptor, with handlers that answer nothing and say that they were reached. */
import { readFileSync } from 'node:fs'
import {
  type ChannelCredentials,
  Client,
  type MethodDefinition,
  type Metadata as CallMetadata,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js'
import { type Caller, callerOf } from '../../src/service/caller.js'
import { filesOf } from '../../src/service/generate/descriptor-set.js'
import type { ServedService } from '../../src/service/served-service.js'

type Raw = MethodDefinition<Buffer, Buffer>

/** One method, with messages as bytes. */
export interface StubMethod {
  /** `plimsoll.v1.Monitor/Watch` */
  readonly name: string
  readonly definition: Raw
}

/** Who called what. */
export interface Reached {
  readonly method: string
  readonly caller: Caller
  readonly metadata: CallMetadata
}

export const METHODS: readonly StubMethod[] = filesOf(
  readFileSync('proto/descriptor.binpb'),
).flatMap(({ package: scope, service = [] }) =>
  service.flatMap(({ name: serviceName, method = [] }) =>
    method.map((each) => {
      const name = `${scope}.${serviceName}/${each.name}`
      const same = (bytes: Buffer): Buffer => bytes
      const definition = {
        path: `/${name}`,
        requestStream: each.clientStreaming ?? false,
        responseStream: each.serverStreaming ?? false,
        requestSerialize: same,
        requestDeserialize: same,
        responseSerialize: same,
        responseDeserialize: same,
      }
      return { name, definition }
    }),
  ),
)

/** The services of plimsoll; `reached` gets every call that comes to a handler. */
export function stubServices(reached: (call: Reached) => void): readonly ServedService[] {
  const names = new Set(
    METHODS.map(({ name }) => name.split('/')[0] ?? '').filter((name) =>
      name.startsWith('plimsoll.'),
    ),
  )
  return [...names].map((service) => {
    const methods = METHODS.filter(({ name }) => name.startsWith(`${service}/`))
    const handlers = methods.map(({ name, definition }) => {
      const handler = (
        call: { readonly metadata: CallMetadata; end(): void },
        answer?: (error: null, response: Buffer) => void,
      ): void => {
        reached({ method: name, caller: callerOf(call), metadata: call.metadata })
        if (definition.responseStream) call.end()
        else answer?.(null, Buffer.alloc(0))
      }
      return [name, handler] as const
    })
    return {
      definition: Object.fromEntries(methods.map(({ name, definition }) => [name, definition])),
      handlers: Object.fromEntries(handlers),
    }
  })
}

/** How a call ended: 0 for OK, and the code of the catalogue. */
export interface Ended {
  readonly status: number
  readonly code: string
  readonly details: string
}

/** A client of any method, by bytes. */
export class RawClient {
  readonly #client: Client

  constructor(address: string, credentials: ChannelCredentials) {
    this.#client = new Client(address, credentials, {
      'grpc.enable_retries': 0,
      // A connection of its own.
      'grpc.use_local_subchannel_pool': 1,
    })
  }

  call(
    { definition: { path, requestStream, responseStream } }: StubMethod,
    request = Buffer.alloc(0),
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Ended> {
    const same = (bytes: Buffer): Buffer => bytes
    const metadata = new Metadata()
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
    const options = { deadline: Date.now() + 20_000 }
    return new Promise((resolve) => {
      const ended = (error: Pick<ServiceError, 'code' | 'details' | 'metadata'> | null): void => {
        const code = error?.metadata.get('plimsoll-error-code')[0] ?? ''
        resolve({ status: error?.code ?? 0, code: String(code), details: error?.details ?? '' })
      }
      if (!responseStream) {
        this.#client.makeUnaryRequest(path, same, same, request, metadata, options, ended)
        return
      }
      const bidi = requestStream
        ? this.#client.makeBidiStreamRequest(path, same, same, metadata, options)
        : undefined
      const stream =
        bidi ?? this.#client.makeServerStreamRequest(path, same, same, request, metadata, options)
      stream.on('data', () => stream.cancel())
      stream.on('error', (error: ServiceError) => ended(error.code === 1 ? null : error))
      stream.on('end', () => ended(null))
      bidi?.write(request)
      bidi?.end()
    })
  }

  close(): void {
    this.#client.close()
  }
}
