import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { parseSinkSpec } from '../../src/service/sinks/sink-spec.js'
import { SINK_CLOCK } from '../../src/service/sinks/sinks.js'
import {
  cut,
  localLine,
  type SyslogForm,
  syslogMessage,
} from '../../src/service/sinks/syslog-message.js'
import { syslogTarget } from '../../src/service/sinks/syslog-target.js'
import type { Target } from '../../src/service/sinks/target.js'
import { until } from '../support/live/until.js'
import { anomalies, anomaly, ids, VIEW } from '../support/sink-inputs.js'

const FORM: SyslogForm = {
  facility: 'local0',
  appName: 'plimsoll',
  format: 'text',
  node: 'host-1',
  view: VIEW,
  limit: 8192,
}
const SIGNAL = new AbortController().signal

/** RFC 5424, section 6, as a grammar that takes nothing else. */
const RFC5424 =
  // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
  /^<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ([!-~]{1,255}) ([!-~]{1,48}) - ([A-Z_]{1,32}) (-|\[[!-<>-~]{1,32}(?: [a-z]+="(?:[^"\\\]]|\\["\\\]])*")*\]) ([^\u0000-\u001f\u007f-\u009f\u202e]*)$/u

async function opened(t: Test, spec: string): Promise<Target> {
  const { target: parsed } = parseSinkSpec(spec)
  if (parsed.type !== 'syslog') throw new Error('not syslog')
  const target = await syslogTarget({ spec: parsed, node: 'host-1', view: VIEW, clock: SINK_CLOCK })
  t.teardown(() => target.close())
  return target
}

function encoded(target: Target, first: number, count: number): unknown[] {
  return anomalies(first, count).map((event) => target.encode(event))
}

/** The `id` parameters of the messages, in their order. */
function idsIn(text: string): string[] {
  return [...text.matchAll(/ id="(\d+)"/g)].map(([, id = '']) => id)
}

function directoryOf(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'plim-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  return directory
}

t.test('a message has header, structured data and words, as RFC 5424 wants them', async (t) => {
  t.equal(
    syslogMessage(
      { cursor: 'e-1', ...anomaly('a"]\\', { workload: { containerId: 'c0ffee' } }) },
      FORM,
    ),
    '<131>1 2026-01-02T03:04:05.678Z host-1 plimsoll - ANOMALY [plimsoll@32473 cursor="e-1" id="a\\"\\]\\\\" incident="i1" ' +
      'kind="exec" severity="high" container="c0ffee"] high exec anomaly in c0ffee (unknown image): exec:/bin/sh, by sh[7], incident i1',
  )
  const gap = {
    atMs: 0,
    gap: { cause: 5, count: 3, fromSequence: 1, toSequence: 3, detail: 'away' },
  }
  t.equal(
    syslogMessage(gap, { ...FORM, facility: 'daemon', node: 'hüte 1' }),
    '<28>1 1970-01-01T00:00:00.000Z hte1 plimsoll - GAP [plimsoll@32473 count="3"] 3 events are missing here (sink, sequences 1 to 3): away',
  )
  const severities = [1, 2, 3, 4, 5].map((severity) => {
    const [, priority] = RFC5424.exec(syslogMessage(anomaly('1', { severity }), FORM)) ?? []
    return Number(priority) - 16 * 8
  })
  t.same(severities, [6, 5, 4, 3, 2])
})

t.test('whatever an event says, it is one message within its bound', async () => {
  const text = fc.string({ unit: 'binary', maxLength: 400 })
  fc.assert(
    fc.property(text, text, text, fc.integer({ min: 2200, max: 3000 }), (what, name, id, limit) => {
      const workload = { containerName: name, imageName: what, containerId: id }
      const event = anomaly(id, { what: what.repeat(9), workload })
      const message = syslogMessage(event, { ...FORM, limit })
      return RFC5424.test(message) && Buffer.byteLength(message) <= limit
    }),
    { numRuns: 300 },
  )
})

t.test('text is cut between characters, and JSON is never cut', async (t) => {
  t.equal(cut('abc', 3), 'abc')
  t.equal(cut('äöüäöüäöü', 13), 'äöü [cut]')
  t.equal(cut('äöüäöüäöü', 11), 'äö [cut]')
  const view = (size: number) => (): object => ({ id: '1', timeline: ['x'.repeat(size)] })
  const form = { ...FORM, format: 'json' as const, limit: 2000 }
  const bodyOf = (message: string): string => RFC5424.exec(message)?.[7] ?? ''
  const whole = bodyOf(syslogMessage(anomaly('1'), { ...form, view: view(10) }))
  t.match(JSON.parse(whole), { type: 'anomaly', timeline: ['x'.repeat(10)] })
  const short = bodyOf(syslogMessage(anomaly('1'), { ...form, view: view(3000) }))
  t.match(JSON.parse(short), { type: 'anomaly', timeline: [], timelineLeftOut: true })
  const words = syslogMessage(anomaly('1'), { ...form, view: () => ({ id: 'x'.repeat(3000) }) })
  t.match(bodyOf(words), /^high exec anomaly/)
  t.match(localLine(anomaly('1'), form), /^<131>\{"type":"anomaly"/)
})

/** A server that keeps all it gets. */
class StreamReceiver {
  text = ''
  connections = 0
  readonly #sockets = new Set<Socket>()
  readonly server: Server
  port = 0

  constructor(make: (taken: (socket: Socket) => void) => Server) {
    this.server = make((socket) => {
      this.connections++
      this.#sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('data', (chunk: Buffer) => (this.text += chunk.toString('utf8')))
    })
  }

  async listen(where: { path: string } | { port: number; host: string }): Promise<void> {
    await new Promise<void>((done) => this.server.listen(where, done))
    const address = this.server.address()
    if (typeof address === 'object') this.port = (address as AddressInfo).port
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((done) => this.server.close(done))
  }
}

/** What octet counting frames; fails for anything between frames. */
function framesOf(text: string): string[] {
  const frames = []
  let rest = Buffer.from(text)
  while (rest.length > 0) {
    const space = rest.indexOf(' ')
    const length = Number(rest.toString('utf8', 0, space))
    if (!Number.isInteger(length) || length < 1) throw new Error(`no frame: ${rest.toString()}`)
    frames.push(rest.toString('utf8', space + 1, space + 1 + length))
    rest = rest.subarray(space + 1 + length)
  }
  return frames
}

t.test('over TCP messages are counted, and a connection that broke is made again', async (t) => {
  const receiver = new StreamReceiver((taken) => createServer(taken))
  await receiver.listen({ port: 0, host: '127.0.0.1' })
  const { port } = receiver
  const target = await opened(t, `syslog:tcp:127.0.0.1:${port}`)
  t.match(await target.deliver(encoded(target, 1, 50), SIGNAL), { done: 50, trouble: undefined })
  t.match(await target.deliver(encoded(target, 51, 50), SIGNAL), { done: 50 })
  await until('100', () => idsIn(receiver.text).length === 100)
  const frames = framesOf(receiver.text)
  t.ok(frames.every((frame) => RFC5424.test(frame)))
  t.same(frames.flatMap(idsIn), ids(1, 100))
  t.equal(receiver.connections, 1)
  await receiver.close()
  const problem = async (): Promise<string | undefined> =>
    (await target.deliver(encoded(target, 101, 1), SIGNAL)).trouble?.problem
  t.match(await until('its end', problem), /closed|ECONNREFUSED|EPIPE|reset/i)
  const again = new StreamReceiver((taken) => createServer(taken))
  await again.listen({ port, host: '127.0.0.1' })
  t.teardown(() => again.close())
  t.match(await target.deliver(encoded(target, 101, 2), SIGNAL), { done: 2 })
  await until('2', () => idsIn(again.text).length === 2)
})

t.test('over TLS the receiver must have a certificate of the CA', async (t) => {
  const directory = directoryOf(t)
  const [key, cert] = [join(directory, 'key'), join(directory, 'cert')]
  const subject = ['-subj', '/CN=loghost', '-addext', 'subjectAltName=IP:127.0.0.1']
  const form = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  execFileSync('openssl', ['req', '-x509', ...form, ...subject, '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  })
  const files = { key: readFileSync(key), cert: readFileSync(cert) }
  const receiver = new StreamReceiver((taken) => createTlsServer(files, taken))
  await receiver.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => receiver.close())
  const target = await opened(t, `syslog:tls:127.0.0.1:${receiver.port};ca=${cert}`)
  t.match(await target.deliver(encoded(target, 1, 3), SIGNAL), { done: 3, trouble: undefined })
  await until('3', () => framesOf(receiver.text).length === 3)
  const distrustful = await opened(t, `syslog:tls:127.0.0.1:${receiver.port}`)
  t.match(await distrustful.deliver(encoded(distrustful, 1, 1), SIGNAL), {
    done: 0,
    trouble: { problem: /self-signed/ },
  })
})

t.test('over UDP each message is a datagram of at most 8 KiB', async (t) => {
  const receiver = createSocket('udp4')
  const got: string[] = []
  receiver.on('message', (message) => void got.push(message.toString('utf8')))
  await new Promise<void>((done) => receiver.bind(0, '127.0.0.1', done))
  const { port } = receiver.address()
  const target = await opened(t, `syslog:udp:127.0.0.1:${port}`)
  const long = target.encode(anomaly('21', { what: 'ä'.repeat(10_000) }))
  const batch = [...encoded(target, 1, 20), long]
  t.match(await target.deliver(batch, SIGNAL), { done: 21, trouble: undefined })
  await until('21', () => got.length === 21)
  t.same(got.flatMap(idsIn), ids(1, 21))
  t.ok(got.every((message) => RFC5424.test(message) && Buffer.byteLength(message) <= 8192))
  t.match(got[20], / \[cut\]$/)
  receiver.close()
  const problem = async (): Promise<string | undefined> =>
    (await target.deliver(encoded(target, 1, 1), SIGNAL)).trouble?.problem
  t.match(await until('a complaint', problem), /ECONNREFUSED/)
})

t.test('a unix stream socket gets lines', async (t) => {
  const path = join(directoryOf(t), 's')
  const target = await opened(t, `syslog:unix:${path}`)
  const missing = await target.deliver(encoded(target, 1, 1), SIGNAL)
  t.match(missing, { done: 0, trouble: { problem: /ENOENT/ } })
  const receiver = new StreamReceiver((taken) => createServer(taken))
  await receiver.listen({ path })
  t.teardown(() => receiver.close())
  t.match(await target.deliver(encoded(target, 1, 3), SIGNAL), { done: 3 })
  await until('3', () => receiver.text.split('\n').length === 4)
  t.ok(
    receiver.text
      .trimEnd()
      .split('\n')
      .every((line) => RFC5424.test(line)),
  )
})

/** A unix datagram socket, which Node has not: each datagram is printed on a line. */
const DATAGRAMS = `use IO::Socket::UNIX; $| = 1; my $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $ARGV[0]) or die;
  print "ready\\n"; while (defined $s->recv(my $d, 65536)) { print "$d\\n" }`

t.test(
  'a unix datagram socket, such as /dev/log, gets the local form through logger',
  async (t) => {
    const path = join(directoryOf(t), 'log')
    const child = spawn('perl', ['-e', DATAGRAMS, path], { stdio: ['ignore', 'pipe', 'inherit'] })
    t.teardown(() => child.kill())
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')))
    await until('the socket', () => text.startsWith('ready') && existsSync(path))
    const target = await opened(t, `syslog:unix:${path};facility=authpriv;app-name=plim`)
    t.match(await target.deliver(encoded(target, 1, 40), SIGNAL), { done: 40, trouble: undefined })
    await until('40', () => idsIn(text).length === 40)
    t.same(idsIn(text), ids(1, 40))
    const [, first = ''] = text.split('\n')
    t.match(
      first,
      /^<83>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d plim: \[plimsoll@32473 id="1" .*\] high exec anomaly in web /,
    )
    const gone = new Promise((done) => child.once('exit', done))
    child.kill()
    await gone
    t.match(await target.deliver(encoded(target, 41, 1), SIGNAL), {
      done: 0,
      trouble: { problem: /ECONNREFUSED|refused/ },
    })
  },
)
