import { mkdtempSync, rmSync, statSync, existsSync } from 'node:fs'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { ANOMALY_KINDS, SEVERITIES } from '../../../src/detect/anomaly.js'
import { SENSOR_STUCK_MS } from '../../../src/service/metrics/health.js'
import {
  isExposed,
  metricsAddressText,
  parseMetricsAddress,
} from '../../../src/service/metrics/metrics-address.js'
import { type MetricsServer, startMetrics } from '../../../src/service/metrics/metrics-server.js'
import { metricsOf } from '../../../src/service/metrics/registry.js'
import { type Family, parseExposition } from '../../support/exposition.js'
import { FakeMetricsSource } from '../../support/metrics-source.js'
import { until } from '../../support/live/until.js'

const LOOPBACK = parseMetricsAddress('127.0.0.1:0', '/')

async function families(t: Test, source: FakeMetricsSource): Promise<ReadonlyMap<string, Family>> {
  const metrics = metricsOf(source)
  t.teardown(() => metrics.close())
  return parseExposition(await metrics.text())
}

function valueOf(
  all: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const wanted = JSON.stringify(labels)
  return all.get(name)?.samples.find((sample) => JSON.stringify(sample.labels) === wanted)?.value
}

interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: string
}

function ask(server: MetricsServer, path: string, method = 'GET'): Promise<Reply> {
  const { address } = server
  const where =
    address.kind === 'unix'
      ? { socketPath: address.path }
      : { host: address.host, port: address.port }
  return new Promise((resolve, reject) => {
    request({ ...where, path, method, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => (body += text))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      )
    })
      .on('error', reject)
      .end()
  })
}

async function served(
  t: Test,
  source: FakeMetricsSource,
  options: { readonly connectionMs?: number; readonly nowMs?: () => number } = {},
): Promise<MetricsServer> {
  const server = await startMetrics({ address: LOOPBACK, source, nowMs: () => 1000, ...options })
  t.teardown(() => server.stop())
  return server
}

t.test('the page is what Prometheus reads, and says what happened', async (t) => {
  const source = new FakeMetricsSource()
  const { tallies } = source
  tallies.observeMatching(0.0002, 17)
  tallies.observeMatching(0.03, 4000)
  tallies.observeMatching(7, 1)
  tallies.raised('exec', 'high')
  tallies.raised('exec', 'high')
  tallies.responded('freeze', 'done')
  tallies.missed({ reason: 'lost-events', detail: 'exec', count: 5 })
  tallies.missed({ reason: 'sensor-restarted', count: 1, fromMs: 1, toMs: 2 })
  tallies.policyRead(true)
  tallies.policyRead(false)
  source.sinkStates = [
    { name: 'siem "a"\\\n', delivered: 11, behind: 2, refused: 6, lost: 1, problem: 'away' },
  ]
  const all = await families(t, source)
  for (const [name, labels, value] of [
    ['plimsoll_observations_total', {}, 4018],
    ['plimsoll_matching_seconds', { le: '0.00025' }, 1],
    ['plimsoll_matching_seconds', { le: '0.05' }, 2],
    ['plimsoll_matching_seconds', { le: '+Inf' }, 3],
    ['plimsoll_anomalies_total', { kind: 'exec', severity: 'high' }, 2],
    ['plimsoll_anomalies_total', { kind: 'drift', severity: 'low' }, 0],
    ['plimsoll_responses_total', { action: 'freeze', outcome: 'done' }, 1],
    ['plimsoll_sensor_losses_total', { reason: 'lost-events', class: 'exec' }, 5],
    ['plimsoll_sensor_losses_total', { reason: 'sensor-restarted', class: 'all' }, 1],
    ['plimsoll_policy_loads_total', { outcome: 'loaded' }, 1],
    ['plimsoll_policy_loads_total', { outcome: 'refused' }, 1],
    ['plimsoll_sensor_attached', {}, 1],
    ['plimsoll_subscribers', {}, 3],
    ['plimsoll_containers_watched', {}, 7],
    ['plimsoll_images_held', {}, 4],
    ['plimsoll_journal_writable', {}, 1],
    ['plimsoll_journal_last_sequence', {}, 5],
    ['plimsoll_journal_pending_events', {}, 2],
    ['plimsoll_journal_bytes', {}, 4096],
    ['plimsoll_sink_delivered_total', { sink: 'siem "a"\\\\u000a' }, 11],
    ['plimsoll_sink_refused_total', { sink: 'siem "a"\\\\u000a' }, 6],
    ['plimsoll_sink_failing', { sink: 'siem "a"\\\\u000a' }, 1],
  ] as const) {
    t.equal(valueOf(all, name, labels), value, `${name} ${JSON.stringify(labels)}`)
  }
  for (const name of [
    'process_resident_memory_bytes',
    'process_cpu_seconds_total',
    'process_start_time_seconds',
    'nodejs_eventloop_active_seconds_total',
  ]) {
    t.ok((valueOf(all, name) ?? 0) > 0, name)
  }
  for (const { name, type } of all.values()) {
    t.equal(name.endsWith('_total'), type === 'counter', `${name} is named as a ${type}`)
  }
})

t.test('the time series are the same whatever is counted', async (t) => {
  const seriesOf = async (source: FakeMetricsSource): Promise<readonly string[]> => {
    const all = await families(t, source)
    return [...all.values()]
      .flatMap(({ samples }) => samples)
      .map(({ name, labels }) => `${name} ${JSON.stringify(labels)}`)
  }
  const untouched = await seriesOf(new FakeMetricsSource())
  t.equal(
    untouched.filter((series) => series.startsWith('plimsoll_anomalies_total')).length,
    ANOMALY_KINDS.length * SEVERITIES.length,
  )
  t.comment(`${untouched.length} time series without sinks`)
  const source = new FakeMetricsSource()
  const { tallies } = source
  const what = fc.string()
  fc.assert(
    fc.property(what, what, fc.constantFrom(...ANOMALY_KINDS), (one, two, kind) => {
      tallies.responded(one, two)
      tallies.missed({ reason: 'lost-events', detail: one, count: 1 })
      tallies.missed({ reason: 'map-full', detail: two, count: 1 })
      tallies.missed({ reason: one as 'truncated', detail: two, count: 1 })
      tallies.raised(kind, 'low')
    }),
  )
  t.same(await seriesOf(source), untouched)
  const all = await families(t, source)
  t.ok(
    (valueOf(all, 'plimsoll_sensor_losses_total', { reason: 'lost-events', class: 'other' }) ?? 0) >
      0,
  )
  source.sinkStates = Array.from({ length: 100 }, (_, at) => ({
    name: `s${at}`,
    delivered: 0,
    behind: 0,
    refused: 0,
    lost: 0,
    problem: undefined,
  }))
  const sinks = (await seriesOf(source)).filter((series) => series.includes('"sink"'))
  t.equal(sinks.length, 5 * 32, 'sinks are bounded')
})

t.test('counting a chunk costs next to nothing', async (t) => {
  const { tallies } = new FakeMetricsSource()
  const began = performance.now()
  for (let at = 0; at < 1_000_000; at++) tallies.observeMatching((at & 1023) / 1e6, 3)
  const nsEach = performance.now() - began
  t.comment(`${nsEach.toFixed(0)} ns per chunk`)
  t.ok(nsEach < 2000)
})

t.test('an address is a port on loopback unless another is written out', async (t) => {
  const cases: readonly [text: string, shown: string, exposed: boolean][] = [
    ['9464', '127.0.0.1:9464', false],
    [':9464', '127.0.0.1:9464', false],
    ['localhost:9464', '127.0.0.1:9464', false],
    ['127.0.0.2:0', '127.0.0.2:0', false],
    ['[::1]:9464', '[::1]:9464', false],
    ['0.0.0.0:9464', '0.0.0.0:9464', true],
    ['[::]:9464', '[::]:9464', true],
    ['10.1.2.3:65535', '10.1.2.3:65535', true],
    ['unix:/run/plimsoll/metrics.sock', 'unix:/run/plimsoll/metrics.sock', false],
  ]
  for (const [text, shown, exposed] of cases) {
    const address = parseMetricsAddress(text, '/srv')
    t.equal(metricsAddressText(address), shown, text)
    t.equal(isExposed(address), exposed, text)
  }
  for (const text of [
    '',
    'host',
    'example.org:1',
    '1.2.3:1',
    '127.0.0.1:65536',
    '127.0.0.1:',
    '[]:1',
    '::1:9464',
    '[127.0.0.1]:1',
    'http://127.0.0.1:1',
    '127.0.0.1:1\n',
    '0x7f.1:1',
  ]) {
    t.throws(() => parseMetricsAddress(text, '/'), { code: 'METRICS_ADDRESS' }, text)
  }
  t.throws(() => parseMetricsAddress('unix:', '/'), { code: 'LISTEN_ADDRESS' })
})

t.test('what is asked is answered, and nothing else', async (t) => {
  const source = new FakeMetricsSource()
  const server = await served(t, source)
  const page = await ask(server, '/metrics?x=1')
  t.equal(page.status, 200)
  t.equal(page.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
  t.equal(page.headers['connection'], 'close')
  t.ok(parseExposition(page.body).has('plimsoll_info'))
  t.equal((await ask(server, '/metrics', 'HEAD')).body, '')
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const refused = await ask(server, '/metrics', method)
    t.equal(refused.status, 405, method)
    t.equal(refused.headers['allow'], 'GET, HEAD')
  }
  for (const path of ['/', '/metrics/', '/../metrics', '/debug', '//healthz', '/%6detrics']) {
    t.equal((await ask(server, path)).status, 404, path)
  }
})

t.test('a restart is asked for only where it would help', async (t) => {
  const source = new FakeMetricsSource()
  let nowMs = 0
  const server = await served(t, source, { nowMs: () => nowMs })
  const ok = 'service: ok\nsensor: ok\njournal: ok\nsinks: ok\n'
  t.match(await ask(server, '/healthz'), { status: 200, body: ok })
  t.match(await ask(server, '/readyz'), { status: 200, body: ok })

  const { journalState } = source
  if (journalState !== undefined) source.journalState = { ...journalState, problem: 'disk\nfull' }
  source.sinkStates = [
    { name: 'siem', delivered: 0, behind: 9, refused: 0, lost: 0, problem: 'away' },
  ]
  t.match(await ask(server, '/healthz'), {
    status: 200,
    body: /^journal: ok \(disk\\u000afull\)$/m,
  })
  t.match(await ask(server, '/readyz'), {
    status: 503,
    body: /^journal: failed \(disk\\u000afull\)\nsinks: ok \(failing: siem\)$/m,
  })

  source.journalState = undefined
  source.sensorState = { isAttached: false, sinceMs: 0, problem: 'it was killed' }
  t.match(await ask(server, '/healthz'), { status: 200 }, 'the sensor starts itself again')
  t.match(await ask(server, '/readyz'), {
    status: 503,
    body: /^sensor: failed \(it was killed\)$/m,
  })
  nowMs = SENSOR_STUCK_MS
  t.match(await ask(server, '/healthz'), { status: 503, body: /^sensor: failed/m }, 'it does not')

  source.sensorState = { isAttached: true, sinceMs: 0, problem: '' }
  source.stopping = true
  t.match(await ask(server, '/healthz'), { status: 200 })
  t.match(await ask(server, '/readyz'), { status: 503, body: /^service: failed \(it stops\)$/m })
})

t.test('the page is not made more often than twice a second', async (t) => {
  const source = new FakeMetricsSource()
  let nowMs = 1000
  let made = 0
  source.subscribers = () => ++made
  const server = await served(t, source, { nowMs: () => nowMs })
  await Promise.all(Array.from({ length: 20 }, () => ask(server, '/metrics')))
  await ask(server, '/metrics')
  t.equal(made, 1)
  nowMs += 500
  await ask(server, '/metrics')
  t.equal(made, 2)
})

/** A raw client; everything that it received. */
class RawClient {
  readonly #socket: Socket
  received = ''
  isClosed = false

  constructor(t: Test, server: MetricsServer) {
    const { address } = server
    if (address.kind !== 'tcp') throw new Error('tcp only')
    this.#socket = connect(address.port, address.host)
    this.#socket.on('data', (bytes) => (this.received += bytes.toString('latin1')))
    this.#socket.on('error', () => undefined).on('close', () => (this.isClosed = true))
    t.teardown(() => this.#socket.destroy())
  }

  write(text: string | Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(text)
  }

  stopReading(): void {
    this.#socket.pause()
  }

  closed(): Promise<unknown> {
    return until('the end of the connection', () => this.isClosed || undefined, 10_000)
  }
}

t.test('hostile clients are hung up on, and others are served meanwhile', async (t) => {
  const server = await served(t, new FakeMetricsSource(), { connectionMs: 600 })
  const silent = new RawClient(t, server)
  const slow = new RawClient(t, server)
  const dripping = setInterval(() => slow.write('X'), 50)
  t.teardown(() => clearInterval(dripping))
  slow.write('GET /metrics HTTP/1.1\r\nHost: x\r\n')
  const huge = new RawClient(t, server)
  huge.write(`GET /metrics HTTP/1.1\r\nHost: x\r\nA: ${'x'.repeat(64 * 1024)}\r\n\r\n`)
  const many = new RawClient(t, server)
  many.write(`GET /metrics HTTP/1.1\r\nHost: x\r\n${'A: b\r\n'.repeat(4000)}\r\n`)
  const garbage = new RawClient(t, server)
  garbage.write(Buffer.from([0x16, 0x03, 0x01, 0, 0xff, 0xfe, 0x0a, 0x0d]))
  const pushy = new RawClient(t, server)
  pushy.write('POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n')
  pushy.write('x'.repeat(100_000))
  const pipelined = new RawClient(t, server)
  pipelined.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(2000))
  const deaf = new RawClient(t, server)
  deaf.stopReading()
  deaf.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n')

  t.equal((await ask(server, '/healthz')).status, 200, 'served at once')
  for (const client of [silent, slow, huge, many, garbage, pushy, pipelined]) await client.closed()
  t.match(huge.received, /^HTTP\/1.1 4/)
  t.match(garbage.received, /^HTTP\/1.1 400 /)
  t.match(pushy.received, /^HTTP\/1.1 405 /)
  t.equal(pipelined.received.match(/HTTP\/1.1 200/g)?.length, 1, 'one answer per connection')
  t.equal((await ask(server, '/healthz')).status, 200)
})

t.test('there are never more than 32 clients', async (t) => {
  const server = await served(t, new FakeMetricsSource(), { connectionMs: 3000 })
  const clients = Array.from({ length: 100 }, () => new RawClient(t, server))
  await until('68 of them hung up on', () =>
    clients.filter(({ isClosed }) => isClosed).length >= 68 ? true : undefined,
  )
  t.equal(clients.filter(({ isClosed }) => isClosed).length, 68)
})

t.test('random bytes never end it', async (t) => {
  const server = await served(t, new FakeMetricsSource(), { connectionMs: 300 })
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      const client = new RawClient(t, server)
      client.write(bytes)
      client.write('\r\n\r\n')
      await client.closed()
    }),
    { numRuns: 12 },
  )
  t.equal((await ask(server, '/healthz')).status, 200)
})

t.test("a unix socket is its owner's alone, and goes with the server", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'plim-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const path = join(directory, 'metrics.sock')
  const address = parseMetricsAddress(`unix:${path}`, '/')
  const source = new FakeMetricsSource()
  const server = await startMetrics({ address, source, nowMs: () => 0 })
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.equal((await ask(server, '/metrics')).status, 200)
  await t.rejects(startMetrics({ address, source, nowMs: () => 0 }), { code: 'LISTEN_FAILED' })
  await server.stop()
  await server.stop()
  t.notOk(existsSync(path))
})

t.test(
  'a port that is taken is a failure of the catalogue, and stopping cuts who is there',
  async (t) => {
    const source = new FakeMetricsSource()
    const server = await served(t, source)
    await t.rejects(startMetrics({ address: server.address, source, nowMs: () => 0 }), {
      code: 'METRICS_FAILED',
      message: /^cannot serve metrics on 127\.0\.0\.1:\d+: .*address already in use/,
    })
    const client = new RawClient(t, server)
    t.equal((await ask(server, '/healthz')).status, 200)
    await server.stop()
    await client.closed()
    await t.rejects(ask(server, '/healthz'))
  },
)
