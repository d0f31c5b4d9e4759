/**
 * Receivers that are away for a real minute while anomalies flow, with a restart of the sinks in between: nothing is lost
 * within the bound, and beyond it what is lost is counted exactly, and told to the receiver before anything else.
 */
import { createServer } from 'node:http'
import { createServer as createTcpServer, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { parseSinkSpecs } from '../../src/service/sinks/sink-spec.js'
import { type RunningSinks, startSinks } from '../../src/service/sinks/sinks.js'
import { until } from '../support/live/until.js'
import { MemoryJournal } from '../support/memory-journal.js'
import { anomalies, HeardEvents, ids, VIEW } from '../support/sink-inputs.js'

const PER_SECOND = 100
const AWAY_MS = 60_000
const SMALL_QUEUE = 1000

interface Line {
  readonly type: string
  readonly id?: string
  readonly count?: number
  readonly fromSequence?: number
  readonly toSequence?: number
}

/** What came to each path of the endpoint, in its order. */
class Endpoint {
  readonly lines = new Map<string, Line[]>()
  readonly #sockets = new Set<Socket>()
  readonly #server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')))
    request.on('end', () => {
      const path = request.url ?? ''
      const lines = body.trimEnd().split('\n')
      const got = this.lines.get(path) ?? []
      got.push(...lines.map((line) => JSON.parse(line) as Line))
      this.lines.set(path, got)
      response.end()
    })
  }).on('connection', (socket: Socket) => void this.#sockets.add(socket))

  async up(port: number): Promise<number> {
    await new Promise<void>((done) => this.#server.listen(port, '127.0.0.1', done))
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  async down(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#sockets.clear()
    await new Promise((done) => this.#server.close(done))
  }
}

class SyslogEndpoint {
  text = ''
  readonly #sockets = new Set<Socket>()
  readonly #server = createTcpServer((socket) => {
    this.#sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => (this.text += chunk.toString('utf8')))
  })

  async up(port: number): Promise<number> {
    await new Promise<void>((done) => this.#server.listen(port, '127.0.0.1', done))
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  async down(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#sockets.clear()
    await new Promise((done) => this.#server.close(done))
  }

  get ids(): string[] {
    return [...this.text.matchAll(/ id="(\d+)"/g)].map(([, id = '']) => id)
  }
}

t.test('a minute without receivers', { timeout: 300_000 }, async (t) => {
  const [http, syslog, journal] = [new Endpoint(), new SyslogEndpoint(), new MemoryJournal()]
  const [httpPort, syslogPort] = [await http.up(0), await syslog.up(0)]
  t.teardown(async () => Promise.all([http.down(), syslog.down()]))
  const heard = new Map<string, HeardEvents>()
  const heardBy = (name: string): HeardEvents => {
    const found = heard.get(name) ?? new HeardEvents()
    heard.set(name, found)
    return found
  }
  const url = `http://127.0.0.1:${httpPort}`
  const specs = parseSinkSpecs([
    `http:${url}/all;name=all`,
    `http:${url}/small;name=small;queue=${SMALL_QUEUE}`,
    `syslog:tcp:127.0.0.1:${syslogPort};name=syslog`,
  ])
  const start = (): Promise<RunningSinks> =>
    startSinks(specs, {
      journal,
      node: 'host-1',
      version: '0',
      view: VIEW,
      compile: () => () => true,
      events: {
        overflowed: (name, count, cause) => heardBy(name).overflowed(name, count, cause),
        refused: (name, count, problem) => heardBy(name).refused(name, count, problem),
        changed: (name, problem) => heardBy(name).changed(name, problem),
      },
    })
  let sinks = await start()
  await until('positions', () => journal.positions.size === 3)

  let total = 0
  const flow = setInterval(() => {
    for (const event of anomalies(total + 1, PER_SECOND / 10)) journal.append(event)
    total += PER_SECOND / 10
  }, 100)
  await until('some', () => (http.lines.get('/small')?.length ?? 0) > 100)

  await Promise.all([http.down(), syslog.down()])
  await pause(AWAY_MS / 2)
  await sinks.stop(1000)
  const lostBefore = heardBy('small').lostInAll
  const [positionOfSmall, totalAtRestart] = [journal.positions.get('small') ?? 0, total]
  heard.delete('small')
  sinks = await start()
  await pause(AWAY_MS / 2)
  const away = sinks.statuses()
  t.ok(
    away.every(({ problem }) => problem !== undefined),
    'each says what is wrong',
  )

  await Promise.all([http.up(httpPort), syslog.up(syslogPort)])
  await until('all', () => sinks.statuses().every(({ behind }) => behind < 100), 60_000)
  clearInterval(flow)
  await until('the rest', () => sinks.statuses().every(({ behind }) => behind === 0), 60_000)
  const statuses = sinks.statuses()
  await sinks.stop(5000)

  const all = http.lines.get('/all') ?? []
  t.same(
    all.map(({ id }) => id),
    ids(1, total),
    'all: everything, once, in order',
  )
  t.match(statuses[0], { name: 'all', lost: 0, refused: 0 })

  const small = http.lines.get('/small') ?? []
  const gaps = small.filter(({ type }) => type === 'gap')
  const [gap] = gaps
  t.equal(gaps.length, 1, 'small: one gap')
  const at = small.findIndex(({ type }) => type === 'gap')
  const { count = 0, fromSequence = 0, toSequence = 0 } = gap ?? {}
  t.same(
    small.slice(0, at).map(({ id }) => id),
    ids(1, fromSequence - 1),
    'small: before the gap',
  )
  const after = small.slice(at + 1).map(({ id }) => id)
  t.same(after, ids(toSequence + 1, total - toSequence), 'small: after the gap')
  t.equal(count, toSequence - fromSequence + 1, 'small: as many as there are sequences')
  t.equal(fromSequence, positionOfSmall + 1, 'small: the restart forgot nothing')
  t.equal(heardBy('small').lostInAll, count, 'small: told by callback')
  t.match(statuses[1], { name: 'small', lost: count, refused: 0 })

  await until('all', () => syslog.ids.length >= total)
  // Syslog has no acknowledgement: what was written as the connection broke may be lost, or come twice.
  const got = new Set(syslog.ids)
  const missing = ids(1, total).filter((id) => !got.has(id))
  t.match(statuses[2], { name: 'syslog', lost: 0 })
  t.ok(missing.length <= PER_SECOND / 10, `syslog: ${missing.length} missing`)

  t.comment(`${total} anomalies, ${totalAtRestart} at the restart; away for ${AWAY_MS} ms`)
  t.comment(
    `all: ${all.length} events; lost ${statuses[0]?.lost}; failed attempts ${away[0]?.failed}`,
  )
  t.comment(
    `small (queue ${SMALL_QUEUE}): gap ${count} (${fromSequence}-${toSequence}), counter ${statuses[1]?.lost}, ` +
      `callback ${heardBy('small').lostInAll} (before the restart ${lostBefore}); ${small.length - 1} delivered`,
  )
  t.comment(`syslog: ${syslog.ids.length} events, ${missing.length} missing`)
})
