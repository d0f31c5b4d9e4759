/**
 * A Python client that knows nothing but the address, or the `.proto` files: lists the services, calls a method, watches with a
 * filter. Monitor is a stub here that answers with what it understood.
 */
import { execFile, execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { plimsoll } from '../../src/gen/plimsoll.js'
import type { ServedService } from '../../src/service/served-service.js'
import { method } from '../../src/service/method.js'
import { startServer } from '../../src/service/server.js'
import { Certificates } from '../support/certificates.js'
import { unixAddress } from '../support/served-learning.js'
import { MovedClock, socketDirectory, tlsAddress } from '../support/served-stubs.js'

const { AnomalyKind, Severity } = plimsoll.v1
const { GetStatsRequest, GetStatsResponse, WatchRequest, WatchResponse } = plimsoll.v1

const MONITOR = 'plimsoll.v1.Monitor'
const PYTHON = '/usr/bin/python3'

const missing = missingThing()
const options = missing === undefined || process.env['CI'] === 'true' ? {} : { skip: missing }

function missingThing(): string | undefined {
  try {
    execFileSync(PYTHON, ['-c', 'import grpc, google.protobuf'], { stdio: 'ignore' })
    execFileSync('protoc', ['--version'], { stdio: 'ignore' })
    return undefined
  } catch {
    return 'python3-grpcio, python3-protobuf or protobuf-compiler is missing'
  }
}

/** Sends an anomaly of each severity that the filter lets pass, with what the mask wants to be seen. */
const monitor: ServedService = {
  definition: {
    getStats: method(MONITOR, 'GetStats', GetStatsRequest, GetStatsResponse),
    watch: method(MONITOR, 'Watch', WatchRequest, WatchResponse, true),
  },
  handlers: {
    getStats: (_call: unknown, answer: (error: null, response: object) => void) =>
      answer(null, { version: '1.2.3', node: 'node-1', observations: 9_007_199_254_740_991 }),
    watch: (call: {
      readonly request: plimsoll.v1.WatchRequest.$Properties
      write(message: plimsoll.v1.WatchResponse.$Properties): void
    }) => {
      const { filters, readMask } = call.request
      call.write({ collectorState: { sensorAttached: true } })
      const least = filters?.allow?.[0]?.minSeverity ?? 0
      for (const severity of [Severity.SEVERITY_LOW, Severity.SEVERITY_HIGH]) {
        if (severity < least) continue
        const anomaly = { id: `a${severity}`, kind: AnomalyKind.ANOMALY_KIND_SYSCALL, severity }
        const { id } = anomaly
        const isMasked = readMask?.paths?.join() === 'id'
        call.write({ cursor: `e.${severity}`, atMs: 1000, anomaly: isMasked ? { id } : anomaly })
      }
    },
  },
}

type Client = (
  env: Readonly<Record<string, string>>,
  ...args: readonly string[]
) => Promise<readonly unknown[]>

const client: Client = async (env, ...args) => {
  const { stdout } = await promisify(execFile)(
    PYTHON,
    [join('test', 'fixtures', 'clients', 'watch.py'), ...args],
    { env: { PATH: process.env['PATH'], ...env }, timeout: 60_000 },
  )
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line): unknown => JSON.parse(line))
}

const WATCH = JSON.stringify({
  earliest: true,
  filters: { allow: [{ min_severity: 'SEVERITY_MEDIUM' }] },
})

const SEEN = [
  { collector_state: { sensor_attached: true } },
  { cursor: /^e\./, at_ms: '1000', anomaly: { severity: 'SEVERITY_HIGH' } },
]

const STATS = [{ version: '1.2.3', node: 'node-1', observations: '9007199254740991' }]

async function served(
  t: Test,
): Promise<{ readonly socket: string; readonly tls: string; env: Record<string, string> }> {
  const certificates = await Certificates.make(t, '{ role: viewer, subject: { CN: siem } }')
  await certificates.add({ name: 'siem' })
  const path = join(socketDirectory(t), 's')
  const addresses = [unixAddress(path), tlsAddress(certificates)]
  const server = await startServer({ addresses, services: [monitor], clock: new MovedClock() })
  t.teardown(() => server.stop(0))
  const port = server.addresses()[1]?.split(':').at(-1)
  const env = {
    TLS_CA: certificates.path('ca.pem'),
    TLS_CERT: certificates.path('siem.pem'),
    TLS_KEY: certificates.path('siem.key'),
  }
  return { socket: `unix:${path}`, tls: `localhost:${port}`, env }
}

t.test('a client that knows the address alone finds all out by reflection', options, async (t) => {
  const { socket, tls, env } = await served(t)
  const [services] = await client({}, socket, 'services')
  t.same(services, [
    'grpc.health.v1.Health',
    'grpc.reflection.v1.ServerReflection',
    'grpc.reflection.v1alpha.ServerReflection',
    MONITOR,
  ])
  t.same(await client({ REFLECTION: 'v1alpha' }, socket, 'services'), [services])
  t.match(await client({}, socket, 'call', MONITOR, 'GetStats', '{}'), STATS)
  t.match(await client({}, socket, 'stream', MONITOR, 'Watch', WATCH, '2'), SEEN)
  const masked = JSON.stringify({ read_mask: 'id' })
  t.same((await client({}, socket, 'stream', MONITOR, 'Watch', masked, '2'))[1], {
    cursor: 'e.2',
    at_ms: '1000',
    anomaly: { id: 'a2' },
  })
  const health = ['grpc.health.v1.Health', 'Check', '{"service": "plimsoll.v1.Monitor"}'] as const
  t.same(await client({}, socket, 'call', ...health), [{ status: 'SERVING' }])
  t.match(await client(env, tls, 'call', MONITOR, 'GetStats', '{}'), STATS, 'over TLS')
})

t.test('a client that has the .proto files needs no reflection', options, async (t) => {
  const { socket, tls, env } = await served(t)
  const protos = { PROTO_PATH: 'proto' }
  t.ok(existsSync('proto/plimsoll/v1/monitor.proto'))
  t.match(await client(protos, socket, 'call', MONITOR, 'GetStats', '{}'), STATS)
  t.match(await client(protos, socket, 'stream', MONITOR, 'Watch', WATCH, '2'), SEEN)
  t.match(await client({ ...protos, ...env }, tls, 'stream', MONITOR, 'Watch', WATCH, '2'), SEEN)
  const verify = ['plimsoll.v1.Audit', 'Verify', '{}'] as const
  t.match(await client({ ...protos, ...env }, tls, 'call', ...verify), [
    { status: 'UNIMPLEMENTED' },
  ])
})
