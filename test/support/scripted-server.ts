/** A gRPC server that answers as a test says, on a socket of its own; for what reads, and must put up with anything. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerWritableStream,
  type StatusObject,
} from '@grpc/grpc-js'
import type { Test } from 'tap'
import { plimsoll } from '../../src/gen/plimsoll.js'
import {
  definitionOf,
  type RequestOf,
  type ResponseOf,
  type ServiceName,
  UNARY,
  type UnaryName,
} from '../../src/service/client/methods.js'
import { HEALTH_CHECK } from '../../src/service/client/health.js'

export type WatchMessage = plimsoll.v1.WatchResponse.$Properties
export type WatchCall = ServerWritableStream<plimsoll.v1.WatchRequest.$Properties, WatchMessage>

/** Answers of methods with one answer: values, or failures that are thrown. */
export type Answers = {
  readonly [Name in UnaryName]?: (request: RequestOf<Name>) => object
}

export const EPOCH = '0123456789abcdef'

/** An anomaly at that place in the journal. */
export function anomalyAt(sequence: number, epoch = EPOCH): WatchMessage {
  return {
    cursor: `${epoch}-${sequence}`,
    atMs: 1_700_000_000_000 + sequence,
    anomaly: {
      id: `a${sequence}`,
      kind: plimsoll.v1.AnomalyKind.ANOMALY_KIND_EXEC,
      severity: plimsoll.v1.Severity.SEVERITY_HIGH,
      state: plimsoll.v1.AnomalyState.ANOMALY_STATE_NEW,
      what: 'exec:/bin/sh',
      count: 1,
      firstSeenMs: 1_700_000_000_000 + sequence,
      workload: { imageName: 'docker.io/library/nginx:1', containerName: 'web' },
    },
  }
}

/** A failure as the service has it. */
export function refusal(code: number, plimsollCode = '', cursor = ''): Partial<StatusObject> {
  const metadata = new Metadata()
  if (plimsollCode !== '') metadata.set('plimsoll-error-code', plimsollCode)
  if (cursor !== '') metadata.set('plimsoll-cursor', cursor)
  return Object.assign(new Error('said so'), { code, details: 'said so', metadata })
}

/** A short path: those of test directories may be too long for a socket. */
export function socketPath(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'plim-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return join(directory, 's')
}

export interface ScriptedServer {
  readonly address: string
  /** What was asked of `Watch`, in order. */
  readonly requests: readonly plimsoll.v1.WatchRequest.$Properties[]
  stop(): void
}

/** `watch` gets the n-th stream, from 0. */
export async function scriptedServer(
  t: Test,
  path: string,
  watch: (call: WatchCall, n: number) => void,
  answers: Answers = {},
): Promise<ScriptedServer> {
  const requests: plimsoll.v1.WatchRequest.$Properties[] = []
  const server = new Server()
  for (const service of Object.keys(UNARY) as ServiceName[]) {
    for (const name of UNARY[service]) {
      const answer = answers[name] as ((request: object) => object) | undefined
      if (answer === undefined) continue
      server.addService(
        { [name]: definitionOf(service, name) },
        {
          [name]: (
            call: { request: object },
            done: (error: Partial<StatusObject> | null, value?: object) => void,
          ) => {
            try {
              done(null, answer(call.request))
            } catch (thrown) {
              done(thrown as Partial<StatusObject>)
            }
          },
        },
      )
    }
  }
  const definition = definitionOf('Monitor', 'Watch')
  server.addService(
    { watch: definition, check: HEALTH_CHECK },
    {
      watch: (call: WatchCall) => {
        requests.push(call.request)
        watch(call, requests.length - 1)
      },
      check: (_call: unknown, done: (error: null, value: string) => void) => done(null, 'SERVING'),
    },
  )
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    )
  })
  const stop = (): void => server.forceShutdown()
  t.teardown(stop)
  return { address: `unix:${path}`, requests, stop }
}

/** What a stream of the client has so far, up to `count` events. */
export async function taken(
  events: AsyncIterable<ResponseOf<'Watch'>>,
  count: number,
): Promise<readonly ResponseOf<'Watch'>[]> {
  const seen: ResponseOf<'Watch'>[] = []
  for await (const event of events) {
    seen.push(event)
    if (seen.length === count) break
  }
  return seen
}
