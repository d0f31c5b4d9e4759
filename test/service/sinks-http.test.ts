import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { plimsoll } from '../../src/gen/plimsoll.js'
import { falcoAlert } from '../../src/service/sinks/falco-alert.js'
import { httpTarget, type HttpTargetOptions } from '../../src/service/sinks/http-target.js'
import { SinkRunner } from '../../src/service/sinks/sink-runner.js'
import { SINK_CLOCK } from '../../src/service/sinks/sinks.js'
import type { Target } from '../../src/service/sinks/target.js'
import { until } from '../support/live/until.js'
import { MemoryJournal } from '../support/memory-journal.js'
import { anomalies, anomaly, HeardEvents, ids, SinkTime, VIEW } from '../support/sink-inputs.js'

interface Received {
  readonly method: string | undefined
  readonly path: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: string
  readonly port: number | undefined
}

class Receiver {
  readonly received: Received[] = []
  /** What it answers to a body. */
  answer: (body: string, response: ServerResponse) => void = (_, response) => void response.end()
  readonly #server: Server
  port = 0

  constructor() {
    this.#server = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')))
      request.on('end', () => {
        const { method, url: path, headers } = request
        this.received.push({ method, path, headers, body, port: request.socket.remotePort })
        this.answer(body, response)
      })
    })
  }

  async listen(): Promise<void> {
    await new Promise<void>((done) => this.#server.listen(this.port, '127.0.0.1', done))
    this.port = (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((done) => this.#server.close(done))
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${this.port}/hook`)
  }
}

async function receiving(t: Test): Promise<Receiver> {
  const receiver = new Receiver()
  await receiver.listen()
  t.teardown(() => receiver.close())
  return receiver
}

async function opened(
  t: Test,
  url: URL,
  options: Partial<HttpTargetOptions> = {},
): Promise<Target<string>> {
  const target = await httpTarget({
    url,
    format: 'ndjson',
    node: 'host-1',
    view: VIEW,
    userAgent: 'plimsoll/0',
    headerFile: undefined,
    tls: { ca: undefined, cert: undefined, key: undefined },
    timeoutMs: 5000,
    clock: SINK_CLOCK,
    ...options,
  })
  t.teardown(() => target.close())
  return target
}

const SIGNAL = new AbortController().signal

function encoded(target: Target<string>, count: number): string[] {
  return anomalies(1, count).map((event) => target.encode({ cursor: 'e-1', ...event }))
}

function idsOf({ body }: Received): string[] {
  const lines = body.trimEnd().split('\n')
  return lines.map((line) => (JSON.parse(line) as { id: string }).id)
}

t.test('events are posted as lines of JSON, or as an array', async (t) => {
  const receiver = await receiving(t)
  for (const [format, type] of [
    ['ndjson', 'application/x-ndjson'],
    ['json', 'application/json'],
  ] as const) {
    receiver.received.length = 0
    const target = await opened(t, receiver.url, { format })
    const delivery = await target.deliver(encoded(target, 3), SIGNAL)
    t.same(delivery, { done: 3, refused: 0, refusal: '', trouble: undefined })
    const [request] = receiver.received
    t.match(request, { method: 'POST', path: '/hook' })
    t.match(request?.headers, { 'content-type': type, 'user-agent': 'plimsoll/0' })
    const body = request?.body ?? ''
    const lines = body.trimEnd().split('\n')
    const events = (
      format === 'json' ? JSON.parse(body) : lines.map((line) => JSON.parse(line) as unknown)
    ) as unknown[]
    t.equal(events.length, 3)
    t.same(events[0], {
      type: 'anomaly',
      cursor: 'e-1',
      at: '2026-01-02T03:04:05.600Z',
      node: 'host-1',
      id: '1',
      what: 'exec:/bin/sh',
      state: 'new',
      toldAt: '2026-01-02T03:04:05.678Z',
    })
  }
})

t.test(
  'an alert of Falco has the fields that falcosidekick asks for, one in each request',
  async (t) => {
    const receiver = await receiving(t)
    const target = await opened(t, receiver.url, { format: 'falco' })
    t.match(await target.deliver(encoded(target, 3), SIGNAL), { done: 3 })
    t.equal(receiver.received.length, 3)
    t.equal(new Set(receiver.received.map(({ port }) => port)).size, 1, 'over one connection')
    t.same(JSON.parse(receiver.received[0]?.body ?? ''), {
      output:
        'high exec anomaly in web (registry:5000/team/web:1.0): exec:/bin/sh, by sh[7], incident i1',
      priority: 'Error',
      rule: 'Program outside of baseline',
      time: '2026-01-02T03:04:05.600000000Z',
      source: 'plimsoll',
      hostname: 'host-1',
      tags: ['container', 'plimsoll', 'exec', 'T1059'],
      output_fields: {
        'container.id': 'c0ffeec0ffee',
        'container.full_id': `${'c0ffee'.repeat(10)}beef`,
        'container.name': 'web',
        'container.type': 'podman',
        'container.image.repository': 'registry:5000/team/web',
        'container.image.tag': '1.0',
        'container.image.digest': `sha256:${'0'.repeat(64)}`,
        'proc.name': 'sh',
        'proc.exepath': '/bin/sh',
        'proc.pid': 7,
        'proc.ppid': 1,
        'user.uid': 0,
        'evt.type': 'execve',
        'plimsoll.id': '1',
        'plimsoll.incident': 'i1',
        'plimsoll.kind': 'exec',
        'plimsoll.state': 'new',
        'plimsoll.what': 'exec:/bin/sh',
        'plimsoll.count': 1,
        'plimsoll.cursor': 'e-1',
      },
    })
  },
)

t.test('every severity has a priority as Falco spells it, and every kind a rule', async (t) => {
  const { Severity, AnomalyKind } = plimsoll.v1
  const priorities = [Severity.SEVERITY_INFO, 2, 3, 4, 5].map(
    (severity) => falcoAlert(anomaly('1', { severity }), 'n').priority,
  )
  t.same(priorities, ['Informational', 'Notice', 'Warning', 'Error', 'Critical'])
  const kinds = Object.values(AnomalyKind).filter((kind) => typeof kind === 'number' && kind > 0)
  const rules = kinds.map((kind) => falcoAlert(anomaly('1', { kind: kind as number }), 'n').rule)
  t.equal(new Set(rules).size, 13)
  t.notMatch(rules.join(), /plimsoll/)
  const gap = falcoAlert(
    { atMs: 0, gap: { cause: 5, count: 3, fromSequence: 1, toSequence: 3 } },
    'n',
  )
  t.match(gap, {
    priority: 'Warning',
    rule: 'Events are missing',
    output_fields: { 'plimsoll.gap.count': 3 },
  })
})

t.test('answers decide whether events are tried again', async (t) => {
  const receiver = await receiving(t)
  const cases = [
    [200, {}, { done: 1, refused: 0 }],
    [204, {}, { done: 1, refused: 0 }],
    [301, { location: '/elsewhere' }, { done: 0, trouble: { problem: /301, and redirects/ } }],
    [400, {}, { done: 1, refused: 1, refusal: 'the target answered 400' }],
    [404, {}, { done: 1, refused: 1 }],
    [413, {}, { done: 1, refused: 1 }],
    [401, {}, { done: 0, trouble: { problem: /401/ } }],
    [403, {}, { done: 0, trouble: { problem: /403/ } }],
    [408, {}, { done: 0, trouble: { problem: /408/ } }],
    [429, { 'retry-after': '7' }, { done: 0, trouble: { problem: /429/, retryAfterMs: 7000 } }],
    [500, {}, { done: 0, trouble: { problem: /500/ } }],
    [503, { 'retry-after': 'soon' }, { done: 0, trouble: { retryAfterMs: undefined } }],
  ] as const
  for (const [status, headers, expected] of cases) {
    receiver.received.length = 0
    receiver.answer = (_, response) => void response.writeHead(status, headers).end('why not')
    const target = await opened(t, receiver.url)
    t.match(await target.deliver(encoded(target, 1), SIGNAL), expected, String(status))
    t.equal(receiver.received.length, 1)
  }
})

t.test(
  'of a batch that is refused only the events that are really not taken are given up',
  async (t) => {
    const receiver = await receiving(t)
    const taken: string[] = []
    receiver.answer = (body, response) => {
      const found = body
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { id: string }).id)
      if (!found.includes('3')) taken.push(...found)
      response.writeHead(found.includes('3') ? 400 : 200).end()
    }
    const target = await opened(t, receiver.url)
    const delivery = await target.deliver(encoded(target, 8), SIGNAL)
    t.match(delivery, {
      done: 8,
      refused: 1,
      refusal: 'the target answered 400',
      trouble: undefined,
    })
    t.same(taken, ['1', '2', '4', '5', '6', '7', '8'])
  },
)

t.test('a request has less than a megabyte', async (t) => {
  const receiver = await receiving(t)
  const view = (): object => ({ text: 'x'.repeat(300_000) })
  const target = await opened(t, receiver.url, { view })
  t.match(await target.deliver(encoded(target, 5), SIGNAL), { done: 3, trouble: undefined })
  t.ok((receiver.received[0]?.body.length ?? 0) < 1_000_000)
})

t.test('a server that does not answer, or never ends, is left after the timeout', async (t) => {
  const receiver = await receiving(t)
  const time = new SinkTime()
  const target = await opened(t, receiver.url, { clock: time })
  receiver.answer = () => undefined
  const silent = target.deliver(encoded(target, 1), SIGNAL)
  await until('the request', () => receiver.received.length === 1)
  time.pass(5000)
  t.match(await silent, { done: 0, trouble: { problem: 'no answer within 5000 ms' } })
  receiver.answer = (_, response) => {
    response.writeHead(200)
    response.on('error', () => undefined)
    for (let i = 0; i < 100; i++) response.write('x'.repeat(4096))
  }
  t.match(await target.deliver(encoded(target, 1), SIGNAL), { done: 1, trouble: undefined })
  t.same(time.waitsMs, [])
  const stop = new AbortController()
  receiver.answer = () => undefined
  const stopped = target.deliver(encoded(target, 1), stop.signal)
  await until('the request', () => receiver.received.length === 3)
  stop.abort()
  t.match(await stopped, { done: 0, trouble: { problem: 'the sink stops' } })
})

t.test('a connection that the server closed meanwhile is no failure', async (t) => {
  const receiver = await receiving(t)
  const target = await opened(t, receiver.url)
  t.match(await target.deliver(encoded(target, 1), SIGNAL), { done: 1 })
  receiver.answer = (_, response) => {
    receiver.answer = (__, next) => void next.end()
    response.socket?.resetAndDestroy()
  }
  t.match(await target.deliver(encoded(target, 1), SIGNAL), { done: 1, trouble: undefined })
})

t.test('headers come from a file, which is read again when the target refuses them', async (t) => {
  const receiver = await receiving(t)
  const directory = mkdtempSync(join(tmpdir(), 'plim-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const headerFile = join(directory, 'headers')
  writeFileSync(headerFile, '# ours\n\nAuthorization: Bearer old\r\nX-Tenant: a: b\n')
  receiver.answer = (_, response) => void response.writeHead(401).end()
  const target = await opened(t, receiver.url, { headerFile })
  t.match(await target.deliver(encoded(target, 1), SIGNAL), { done: 0 })
  t.match(receiver.received[0]?.headers, { authorization: 'Bearer old', 'x-tenant': 'a: b' })
  writeFileSync(headerFile, 'Authorization: Bearer new\n')
  receiver.answer = (_, response) => void response.end()
  t.match(await target.deliver(encoded(target, 1), SIGNAL), { done: 1 })
  t.match(receiver.received[1]?.headers, { authorization: 'Bearer new' })
  for (const [text, problem] of [
    ['Authorization Bearer secret\n', /^line 1 of .* is no header$/],
    ['A: 1\nB: sec\u0001ret\n', /^line 2 of .* is no header$/],
    ['Host: elsewhere\n', /may not set the header Host/],
  ] as const) {
    writeFileSync(headerFile, text)
    await t.rejects(opened(t, receiver.url, { headerFile }), { message: problem })
  }
  await t.rejects(opened(t, receiver.url, { headerFile: '/nonexistent' }), {
    message: /cannot read/,
  })
})

t.test('beyond its queue a sink tells the endpoint first how much is missing', async (t) => {
  const receiver = await receiving(t)
  const [journal, time, heard] = [new MemoryJournal(), new SinkTime(), new HeardEvents()]
  const target = await opened(t, receiver.url)
  await receiver.close()
  for (const event of anomalies(1, 1000)) journal.append(event)
  const runner = new SinkRunner({
    name: 's',
    journal,
    target,
    matches: undefined,
    from: 'earliest',
    queue: 100,
    clock: time,
    random: () => 0,
    events: heard,
  })
  await until('a wait', () => time.waitsMs.length > 0)
  await receiver.listen()
  for (const event of anomalies(1001, 200)) journal.append(event)
  time.pass(30_000)
  await until('all', () => runner.status().behind === 0)
  const lines = receiver.received.flatMap(({ body }) => body.trimEnd().split('\n'))
  const [gap, ...rest] = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  t.match(gap, {
    type: 'gap',
    cursor: '',
    cause: 'sink',
    count: 1100,
    fromSequence: 1,
    toSequence: 1100,
    anomalies: [{ kind: 'exec', severity: 'high', count: 1100 }],
  })
  t.same(
    rest.map(({ id }) => id),
    ids(1101, 100),
  )
  t.equal(heard.lostInAll, 1100)
  t.match(runner.status(), { delivered: 100, lost: 1100 })
  await runner.stop(1000)
})

t.test(
  'nothing is lost while the target is away for a minute, and its order is kept',
  async (t) => {
    const receiver = await receiving(t)
    const [journal, time, heard] = [new MemoryJournal(), new SinkTime(), new HeardEvents()]
    const target = await opened(t, receiver.url, {
      clock: { ...SINK_CLOCK, nowMs: () => time.nowMs() },
    })
    const start = (): SinkRunner<string> =>
      new SinkRunner({
        name: 's',
        journal,
        target,
        matches: undefined,
        from: 'now',
        queue: 100_000,
        clock: time,
        random: () => 0.5,
        events: heard,
      })
    const first = start()
    await until('its start', () => journal.positions.has('s'))
    let next = 1
    const flow = (count: number): void => {
      for (const event of anomalies(next, count)) journal.append(event)
      next += count
    }
    flow(100)
    await until('100', () => first.status().delivered === 100)
    await receiver.close()
    let runner = first
    for (let second = 0; second < 60; second++) {
      flow(50)
      time.pass(1000)
      await until('a wait', () => time.waitsMs.length > 0)
      if (second === 30) {
        // Let go of without a word, as when plimsoll is killed; what it still does is stopped at the end.
        await runner.stop(0)
        runner = start()
      }
    }
    t.ok(runner.status().problem, 'it says what is wrong')
    t.equal(runner.status().behind, 3000)
    await receiver.listen()
    time.pass(30_000)
    await until('all', () => runner.status().behind === 0)
    t.same(receiver.received.flatMap(idsOf), ids(1, 3100))
    t.equal(heard.lostInAll, 0)
    t.match(runner.status(), { delivered: 3000, lost: 0, refused: 0, problem: undefined })
    await runner.stop(1000)
  },
)
