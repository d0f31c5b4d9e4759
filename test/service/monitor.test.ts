import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { status } from '@grpc/grpc-js'
import protobuf from 'protobufjs'
import t, { type Test } from 'tap'
import { failure } from '../../src/errors.js'
import { plimsoll } from '../../src/gen/plimsoll.js'
import type { JournalEntry } from '../../src/service/journal/journal.js'
import { MONITOR_SERVICE } from '../../src/service/monitor-methods.js'
import { SCAN_EVENTS } from '../../src/service/monitor/anomaly-pages.js'
import { Lag, TICK_MS } from '../../src/service/monitor/lag.js'
import { type EventStream, Outflow, UNSENT_BYTES } from '../../src/service/monitor/outflow.js'
import { Pump } from '../../src/service/monitor/pump.js'
import { until } from '../support/live/until.js'
import { MemoryJournal } from '../support/memory-journal.js'
import { MonitorClient, numbersOf } from '../support/monitor-client.js'
import { serveMonitor } from '../support/monitor-server.js'
import { anomalyEvent, FakeMonitorSource } from '../support/monitor-source.js'
import { rawSession, rawWatch, readFrom } from '../support/raw-watch.js'
import { RingJournal } from '../support/ring-journal.js'
import { refusalOf } from '../support/service-client.js'
import { FakeClock } from '../support/service-source.js'

const { GapCause, OnLag, Severity } = plimsoll.v1
const EPOCH = '0123456789abcdef'
const OTHER_EPOCH = 'fedcba9876543210'

function cursor(sequence: number): string {
  return `${EPOCH}-${sequence}`
}

async function served(
  t: Test,
  limits: { readonly watcherLimit?: number; readonly perCallerLimit?: number } = {},
  journal: MemoryJournal = new MemoryJournal(),
) {
  const [source, clock] = [new FakeMonitorSource(), new FakeClock()]
  const options = { journal, source, clock, node: 'host', version: '1.2.3', ...limits }
  const server = await serveMonitor(options)
  t.teardown(() => server.close())
  const client = new MonitorClient(t, server.socketPath)
  const { service, socketPath } = server
  return { journal, source, clock, service, client, socketPath }
}

/** Appends the anomalies of these numbers. */
function add(journal: MemoryJournal, from: number, to: number, timeline = 0): void {
  for (let number = from; number <= to; number++) journal.append(anomalyEvent(number, {}, timeline))
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, at) => from + at)
}

t.test('the service is what the .proto file says', async (t) => {
  const root = new protobuf.Root()
  root.resolvePath = (_, target) => (target.startsWith('proto/') ? target : join('proto', target))
  await root.load(readdirSync('proto/plimsoll/v1').map((name) => `proto/plimsoll/v1/${name}`))
  const declared = root.lookupService('plimsoll.v1.Monitor').methodsArray.map((method) => ({
    path: `/plimsoll.v1.Monitor/${method.name}`,
    requestStream: method.requestStream ?? false,
    responseStream: method.responseStream ?? false,
  }))
  const defined = Object.values(MONITOR_SERVICE).map(({ path, requestStream, responseStream }) => ({
    path,
    requestStream,
    responseStream,
  }))
  t.same(defined, declared)
})

t.test('a client gets the state, then what comes from now on', async (t) => {
  const { journal, client, service } = await served(t)
  add(journal, 1, 3)
  const watching = client.watch()
  t.match(await watching.next(), {
    event: 'collectorState',
    atMs: 1000,
    collectorState: {
      sensorAttached: true,
      journalWritable: true,
      containersWatched: 3,
      imagesHeld: 2,
    },
  })
  add(journal, 4, 5, 2)
  journal.append({ atMs: 7, event: 'baselineChange', baselineChange: { what: 'sealed' } })
  const [first, second, third] = await watching.take(3)
  t.same(first, anomalyAsSent(journal, 4))
  t.equal(second?.cursor, cursor(5))
  t.match(third, { atMs: 7, cursor: cursor(6), baselineChange: { what: 'sealed' } })
  t.equal(service.watchers, 1)
  watching.cancel()
  await until('the stream to be let go of', () => service.watchers === 0)
})

/** What is on the wire of the entry. */
function anomalyAsSent(journal: MemoryJournal, sequence: number): unknown {
  const { WatchResponse } = plimsoll.v1
  const { bytes } = journal.entries.find((entry) => entry.sequence === sequence) as JournalEntry
  return WatchResponse.toObject(WatchResponse.decode(bytes), { longs: Number, oneofs: true })
}

t.test(
  'a client that goes on after its cursor misses nothing and gets nothing twice',
  async (t) => {
    const { journal, client } = await served(t)
    add(journal, 1, 100)
    // Up to there from disk.
    journal.onDiskOnly = 70
    const all = client.watch({ earliest: true })
    await all.next()
    const seen = [...(await all.take(41))]
    all.cancel()
    const rest = client.watch({ afterCursor: seen.at(-1)?.cursor ?? '' })
    await rest.next()
    seen.push(...(await rest.take(59)))
    add(journal, 101, 102)
    seen.push(...(await rest.take(2)))
    t.same(numbersOf(seen), range(1, 102))
  },
)

t.test('what is not kept any more is told by a gap', async (t) => {
  const { journal, client } = await served(t)
  add(journal, 1, 10)
  const behind = client.watch({ afterCursor: cursor(2) })
  t.same(numbersOf(await behind.take(9)), range(3, 10))
  journal.forget(6)
  const late = client.watch({ afterCursor: cursor(2) })
  const [, gap, ...kept] = await late.take(6)
  t.match(gap, {
    event: 'gap',
    cursor: undefined,
    gap: { cause: GapCause.GAP_CAUSE_RETENTION, count: 4, fromSequence: 3, toSequence: 6 },
  })
  t.same(numbersOf(kept), range(7, 10))
  const earliest = client.watch({ earliest: true })
  t.same(
    numbersOf(await earliest.take(5)),
    range(7, 10),
    'the earliest is not missing what was before',
  )
  journal.forget(10)
  const now = client.watch()
  await now.next()
  const waiting = client.watch({ afterCursor: cursor(9) })
  await waiting.next()
  add(journal, 11, 11)
  t.same(numbersOf(await now.take(1)), [11], 'nor is now, where nothing is kept')
  t.match((await waiting.take(1))[0], { gap: { fromSequence: 10, toSequence: 10 } })
})

t.test('a cursor of another journal begins at the earliest, after a gap', async (t) => {
  const { journal, client } = await served(t)
  add(journal, 1, 5)
  journal.forget(2)
  const watching = client.watch({ afterCursor: `${OTHER_EPOCH}-900` })
  const [, gap, ...kept] = await watching.take(5)
  t.match(gap?.gap, { cause: GapCause.GAP_CAUSE_EPOCH, detail: new RegExp(OTHER_EPOCH) })
  t.same(numbersOf(kept), [3, 4, 5])
})

t.test('a request that asks for what there is not is refused', async (t) => {
  const { journal, client } = await served(t)
  add(journal, 1, 5)
  const cases: Record<string, plimsoll.v1.WatchRequest.$Properties> = {
    after_cursor: { afterCursor: '5' },
    'after_cursor: it is ahead': { afterCursor: cursor(6) },
    heartbeat_ms: { heartbeatMs: 999 },
    lag_limit: { lagLimit: 15 },
    on_lag: { onLag: 3 as never },
    'filters.deny[0].syscalls': { filters: { deny: [{ syscalls: ['nope'] }] } },
    'read_mask: nope': { readMask: { paths: ['nope'] } },
  }
  for (const [text, request] of Object.entries(cases)) {
    const refusal = await refusalOf(client.watch(request).next())
    t.match(refusal, { status: status.INVALID_ARGUMENT, code: 'BAD_REQUEST' }, text)
    t.ok(refusal.message.startsWith(text), refusal.message)
  }
})

t.test('filters choose anomalies, and heartbeats move the cursor past the others', async (t) => {
  const { journal, client, clock } = await served(t)
  const { SEVERITY_CRITICAL } = Severity
  const filters = { allow: [{ minSeverity: SEVERITY_CRITICAL }] }
  const readMask = { paths: ['severity'] }
  const watching = client.watch({ filters, readMask, heartbeatMs: 1000 })
  await watching.next()
  add(journal, 1, 300)
  journal.append(anomalyEvent(301, { severity: SEVERITY_CRITICAL }))
  journal.append({ atMs: 7, event: 'actionResult', actionResult: { action: 'freeze' } })
  t.match(await watching.next(), {
    cursor: cursor(301),
    anomaly: { severity: SEVERITY_CRITICAL, id: undefined, timeline: undefined },
  })
  t.match(await watching.next(), { cursor: cursor(302), actionResult: { action: 'freeze' } })
  add(journal, 303, 400)
  await turn()
  await turn()
  for (let ticks = 0; ticks < 1000 / TICK_MS; ticks++) clock.tick()
  t.match(await watching.next(), { cursor: undefined, heartbeat: { lastCursor: cursor(400) } })
  for (let ticks = 0; ticks < 1000 / TICK_MS - 1; ticks++) clock.tick()
  journal.append(anomalyEvent(401, { severity: SEVERITY_CRITICAL }))
  t.equal((await watching.next())?.event, 'anomaly')
  for (let ticks = 0; ticks < 1000 / TICK_MS - 1; ticks++) clock.tick()
  journal.append({ atMs: 7, event: 'actionResult', actionResult: {} })
  t.equal((await watching.next())?.event, 'actionResult', 'no heartbeat while events are sent')
})

t.test('the state is sent when it changes, the latest only to who is slow', async (t) => {
  const { journal, source, clock, client } = await served(t)
  const watching = client.watch()
  await watching.next()
  source.change({ sensorAttached: false, sensorProblem: 'bpftrace ended' })
  // Put off until the next tick: it was looked at a moment ago.
  clock.tick()
  t.match(await watching.upTo('collectorState'), {
    collectorState: { sensorProblem: 'bpftrace ended' },
  })
  source.change({})
  for (let count = 1; count <= 5; count++) source.change({ losses: [{ reason: 'gap', count }] })
  clock.tick()
  const { collectorState } = await watching.upTo('collectorState')
  t.same(collectorState?.losses, [{ reason: 'gap', count: 5 }])
  journal.problem = 'no space left'
  journal.tell()
  t.match(await watching.upTo('collectorState'), {
    collectorState: { journalProblem: 'no space left' },
  })
  journal.problem = undefined
  journal.tell()
  t.match((await watching.upTo('collectorState')).collectorState, { journalWritable: true })
  clock.tick()
  add(journal, 1, 1)
  t.equal((await watching.next())?.event, 'anomaly', 'nothing is said of what did not change')
})

for (const onLag of [OnLag.ON_LAG_UNSPECIFIED, OnLag.ON_LAG_END]) {
  t.test(`a reader that is too slow is ended with its cursor (${OnLag[onLag]})`, async (t) => {
    const { journal, clock, client, socketPath, service } = await served(
      t,
      {},
      new RingJournal(2000),
    )
    const session = rawSession(socketPath)
    t.teardown(() => session.destroy())
    const stalled = rawWatch(session, { lagLimit: 100, onLag })
    await until('the stream', () => service.watchers === 1)
    for (let ticks = 0; ticks < 20; ticks++) clock.tick()
    for (let from = 1; from < 2000; from += 100) {
      add(journal, from, from + 99, 20)
      await turn()
    }
    t.equal(service.watchers, 1, 'it is given time')
    for (let ticks = 0; ticks < 2000 / TICK_MS; ticks++) clock.tick()
    const messages: plimsoll.v1.WatchResponse[] = []
    readFrom(stalled.stream, (message) => messages.push(plimsoll.v1.WatchResponse.decode(message)))
    const trailers = await stalled.trailers
    t.match(trailers, { 'grpc-status': '8', 'plimsoll-error-code': 'WATCHER_TOO_SLOW' })
    const last = messages.at(-1)?.cursor ?? ''
    t.equal(trailers['plimsoll-cursor'], last)
    t.match(service.tally, { endedSlow: 1, skipped: 0, sent: messages.length - 1 })
    await until('the stream to be let go of', () => service.watchers === 0)
    const rest = client.watch({ afterCursor: last })
    await rest.next()
    const seen = numbersOf(messages)
    t.same(seen, range(1, seen.length))
    t.same(numbersOf(await rest.take(2000 - seen.length)), range(seen.length + 1, 2000))
  })
}

t.test('a reader that chose so goes on with the latest, after a gap that counts', async (t) => {
  const { journal, clock, socketPath, service } = await served(t, {}, new RingJournal(2000))
  const session = rawSession(socketPath)
  t.teardown(() => session.destroy())
  const filters = { deny: [{ minSeverity: Severity.SEVERITY_CRITICAL }] }
  const stalled = rawWatch(session, { lagLimit: 100, onLag: OnLag.ON_LAG_GAP, filters })
  await until('the stream', () => service.watchers === 1)
  clock.tick()
  for (let number = 1; number <= 2000; number++) {
    const severity = number % 4 === 0 ? { severity: Severity.SEVERITY_CRITICAL } : {}
    journal.append(anomalyEvent(number, severity, 20))
    if (number % 50 === 0) await turn()
  }
  for (let ticks = 0; ticks < 2000 / TICK_MS; ticks++) clock.tick()
  const messages: plimsoll.v1.WatchResponse[] = []
  readFrom(stalled.stream, (message) => messages.push(plimsoll.v1.WatchResponse.decode(message)))
  await until('the latest', () => messages.at(-1)?.cursor === cursor(1999))
  const at = messages.findIndex(({ gap }) => gap)
  const gap = messages[at]?.gap
  const before = numbersOf(messages.slice(0, at))
  const wanted = (from: number, to: number): number[] => range(from, to).filter((n) => n % 4 !== 0)
  const [from, to] = [Number(gap?.fromSequence), Number(gap?.toSequence)]
  t.equal(gap?.cause, GapCause.GAP_CAUSE_SUBSCRIBER)
  t.same(before, wanted(1, from - 1))
  t.equal(to, 1900)
  t.equal(Number(gap?.count), to - from + 1)
  t.match(service.tally, { endedSlow: 0, skipped: to - from + 1 })
  t.same(
    gap?.anomalies?.map(({ severity, count }) => ({ severity, count: Number(count) })),
    [{ severity: Severity.SEVERITY_HIGH, count: wanted(from, to).length }],
    'of those that it wants',
  )
  t.same(numbersOf(messages.slice(at)), wanted(1901, 2000))
})

t.test('a client that does not read delays no other, and holds a bounded amount', async (t) => {
  const { journal, client, socketPath, service } = await served(t, {}, new RingJournal(3000))
  const session = rawSession(socketPath)
  t.teardown(() => session.destroy())
  const stalled = rawWatch(session, {})
  await until('the stream', () => service.watchers === 1)
  const reading = client.watch()
  await reading.next()
  add(journal, 1, 3000, 20)
  t.same(numbersOf(await reading.take(3000)), range(1, 3000))
  let bytes = 0
  readFrom(stalled.stream, (message) => {
    bytes += message.byteLength
  })
  await until('it to have caught up', () => bytes > 3000 * 1000)
})

t.test('one stream is full at 64 KiB, however few messages these are', (t) => {
  const written: (undefined | (() => void))[] = []
  let drain = (): void => undefined
  const stream: EventStream = {
    get writableLength() {
      return written.length
    },
    on: (_, listener) => (drain = listener),
    write: (_, sent) => written.push(sent) < 16,
  }
  let freed = 0
  const outflow = new Outflow(stream, () => freed++)
  while (!outflow.isBlocked) outflow.write(new Uint8Array(UNSENT_BYTES / 4))
  t.equal(written.length, 4)
  written.splice(0).at(-1)?.()
  t.equal(freed, 1)
  while (!outflow.isBlocked) outflow.write(new Uint8Array(10))
  t.equal(written.length, 16)
  written.splice(0)
  drain()
  t.equal(freed, 2)
  t.notOk(outflow.isBlocked)
  t.end()
})

t.test('a reader is blamed for what it does not read only', (t) => {
  const tooSlow = (lag: Lag, ticks: number, behind: number, isBlocked: boolean): boolean =>
    Array.from({ length: ticks }, () => lag.tick(behind, isBlocked)).some(Boolean)
  const twoSeconds = 2000 / TICK_MS
  const halfMinute = 30_000 / TICK_MS
  t.notOk(tooSlow(new Lag(100, true), 1000, 100, true), 'at its limit')
  t.notOk(tooSlow(new Lag(100, true), twoSeconds - 1, 101, true), 'for a moment')
  t.ok(tooSlow(new Lag(100, true), twoSeconds, 101, true), 'for longer')
  t.notOk(tooSlow(new Lag(100, true), 1000, 101, false), 'while the server is slow')
  const reading = new Lag(100, false)
  t.notOk(tooSlow(reading, halfMinute - 1, 5000, true), 'while it catches up')
  reading.moved()
  t.notOk(tooSlow(reading, halfMinute - 1, 5000, true), 'as long as it reads now and then')
  t.ok(tooSlow(reading, 1, 5000, true), 'unless it takes nothing for 30 s')
  const caughtUp = new Lag(100, false)
  caughtUp.caughtUp()
  t.ok(tooSlow(caughtUp, twoSeconds, 101, true), 'once it caught up')
  t.end()
})

t.test('a reader that asks for everything is not too slow while it catches up', async (t) => {
  const { journal, clock, client } = await served(t)
  add(journal, 1, 2000, 20)
  journal.onDiskOnly = 1500
  const watching = client.watch({ earliest: true, lagLimit: 16 })
  await watching.take(2)
  for (let ticks = 0; ticks < 60; ticks++) clock.tick()
  t.same(numbersOf(await watching.take(1999)), range(2, 2000))
})

t.test('turns go round, and one with much to do has no more of them than others', async (t) => {
  const turns: string[] = []
  const pump = new Pump()
  const stepper = (name: string, steps: number) => {
    let left = steps
    return { step: () => (turns.push(name), --left > 0) }
  }
  pump.add(stepper('a', 3))
  pump.add(stepper('b', 2))
  pump.add(stepper('c', 1))
  await until('all steps', () => turns.length === 6)
  t.equal(turns.join(''), 'abcaba')
})

t.test('a journal that cannot be read ends the stream with what is wrong', async (t) => {
  const { journal, client } = await served(t)
  add(journal, 1, 100)
  journal.onDiskOnly = 100
  journal.read = async () => {
    throw failure('JOURNAL_UNREADABLE', { path: '/state/journal', problem: 'EIO' })
  }
  const { error } = await client.watch({ earliest: true }).ended()
  t.equal(error.code, status.UNAVAILABLE)
  t.equal(error.metadata.get('plimsoll-error-code')[0], 'JOURNAL_UNREADABLE')
  t.equal(error.metadata.get('plimsoll-cursor')[0], cursor(0))
})

t.test('when the service stops, streams end with the cursor to go on from', async (t) => {
  const { journal, source, clock, client, service } = await served(t)
  const watching = client.watch()
  await watching.next()
  add(journal, 1, 3)
  await watching.take(3)
  service.stop()
  service.stop()
  const { error } = await watching.ended()
  t.equal(error.code, status.UNAVAILABLE)
  t.equal(error.metadata.get('plimsoll-error-code')[0], 'STOPPING')
  t.equal(error.metadata.get('plimsoll-cursor')[0], cursor(3))
  t.equal(journal.subscribers + source.listeners + clock.intervalsMs.length, 0)
  t.match(await refusalOf(client.watch().next()), { code: 'STOPPING' })
})

t.test('so many may watch at a time, and so many of one caller', async (t) => {
  const { client, service } = await served(t, { watcherLimit: 3, perCallerLimit: 2 })
  const mine = [client.watch(), client.watch()]
  for (const watching of mine) await watching.next()
  const refused = { status: status.RESOURCE_EXHAUSTED, code: 'TOO_MANY_WATCHERS' }
  t.match(await refusalOf(client.watch().next()), { ...refused, message: /^2 clients/ })
  await client.watch({}, 'other').next()
  t.match(await refusalOf(client.watch({}, 'third').next()), { ...refused, message: /^3 clients/ })
  mine[0]?.cancel()
  await until('room', () => service.watchers === 2)
  t.equal((await client.watch().next())?.event, 'collectorState')
})

t.test('an anomaly is got by its id, with its latest count', async (t) => {
  const { journal, client } = await served(t)
  add(journal, 1, 2, 3)
  const state = plimsoll.v1.AnomalyState.ANOMALY_STATE_REPEATED
  journal.append(anomalyEvent(1, { state, count: 17 }))
  const { anomaly, cursor: place } = await client.getAnomaly('a-1')
  t.match(anomaly, { id: 'a-1', timeline: { length: 3 } })
  t.equal(Number(anomaly?.count), 17)
  t.equal(place, cursor(1))
  t.match(await refusalOf(client.getAnomaly('a-9')), {
    status: status.NOT_FOUND,
    code: 'ANOMALY_NOT_FOUND',
  })
  for (const id of ['', 'x'.repeat(513)]) {
    t.match(await refusalOf(client.getAnomaly(id)), { code: 'BAD_REQUEST' })
  }
})

t.test('anomalies are listed in pages, from either end, each once', async (t) => {
  const { journal, client } = await served(t)
  const state = plimsoll.v1.AnomalyState.ANOMALY_STATE_REPEATED
  for (let number = 1; number <= 300; number++) {
    journal.append(anomalyEvent(number, number % 3 === 0 ? { workload: { imageName: 'x' } } : {}))
    if (number % 2 === 0) journal.append(anomalyEvent(number, { state, count: 5 }))
  }
  journal.append({ atMs: 1, event: 'gap', gap: {} })
  journal.forget(10)
  journal.onDiskOnly = 200
  const first = Number(journal.entries[0]?.message.anomaly?.id?.split('-')[1])
  const wanted = range(first + 1, 300).filter((number) => number % 3 === 0)
  const filters = { allow: [{ images: ['x'] }] }
  for (const descending of [false, true]) {
    const listed: number[] = []
    let pageToken = ''
    do {
      const page = await client.list({ filters, pageSize: 7, pageToken, descending })
      t.ok((page.anomalies?.length ?? 0) <= 7)
      listed.push(...numbersOf((page.anomalies ?? []).map((anomaly) => ({ anomaly }))))
      t.ok(
        page.anomalies?.every(
          ({ id, count }) => Number(count) === (/[02468]$/.test(id ?? '') ? 5 : 1),
        ),
      )
      pageToken = page.nextPageToken ?? ''
    } while (pageToken !== '')
    t.same(listed, descending ? wanted.toReversed() : wanted)
  }
  const { anomalies } = await client.list({ pageSize: 1, readMask: { paths: ['id'] } })
  t.equal(anomalies?.[0]?.what, '', 'only what is asked for')
})

t.test('the work for one page is bounded; a page may be empty and not the last', async (t) => {
  const { journal, client } = await served(t)
  add(journal, 1, SCAN_EVENTS * 2)
  const filters = { allow: [{ incidents: [`i-${SCAN_EVENTS * 2}`] }] }
  const found: (string | null | undefined)[] = []
  let pages = 0
  let pageToken = ''
  do {
    const page = await client.list({ filters, pageToken })
    found.push(...(page.anomalies ?? []).map(({ id }) => id))
    pageToken = page.nextPageToken ?? ''
    pages++
    if (pages === 1) t.same(page.anomalies, [])
  } while (pageToken !== '')
  t.same(found, [`a-${SCAN_EVENTS * 2}`])
  t.ok(pages >= 2 && pages <= 3)
  const long = { what: 'x'.repeat(300_000) }
  for (let number = 9001; number <= 9010; number++) journal.append(anomalyEvent(number, long))
  const latest = await client.list({ descending: true })
  t.equal(latest.anomalies?.length, 4, 'nor is it of more than about 1 MiB')
  const none = await client.list({ pageToken: 'nope' }).catch((thrown: unknown) => thrown)
  t.match(none, { details: /^page_token: it is none/ })
  const other = { pageToken: latest.nextPageToken ?? '' }
  t.match(await refusalOf(client.list(other)), { message: /^page_token: it was made for another/ })
})

t.test(
  'timelines are of a container that is watched, or of an incident that is kept',
  async (t) => {
    const { journal, source, client } = await served(t)
    const entries = range(1, 100).map((atMs) => ({
      atMs,
      pid: 1,
      lineage: 2,
      what: `exec:/${atMs}`,
    }))
    source.timelines.set('web', entries)
    const web = await client.timeline({ container: 'web' })
    t.equal(web.entries?.length, 64)
    t.equal((await client.timeline({ container: 'web', limit: 3 })).entries?.[0]?.what, 'exec:/98')
    const incident = { incident: 'i-x' }
    journal.append(anomalyEvent(1, { ...incident, timeline: entries.slice(0, 3) }))
    add(journal, 2, 200)
    journal.append(anomalyEvent(201, { ...incident, timeline: entries.slice(1, 5) }))
    add(journal, 202, 400)
    journal.onDiskOnly = 300
    const found = await client.timeline(incident)
    t.same(
      found.entries?.map(({ what }) => what),
      range(1, 5).map((at) => `exec:/${at}`),
    )
    t.same(found.anomalyIds, ['a-1', 'a-201'])
    const notFound = { status: status.NOT_FOUND }
    t.match(await refusalOf(client.timeline({ container: 'db' })), {
      ...notFound,
      code: 'CONTAINER_NOT_FOUND',
    })
    t.match(await refusalOf(client.timeline({ incident: 'i-y' })), {
      ...notFound,
      code: 'INCIDENT_NOT_FOUND',
    })
    t.match(await refusalOf(client.timeline({})), { code: 'BAD_REQUEST' })
  },
)

t.test('statistics say how the host process is doing', async (t) => {
  const { journal, source, client } = await served(t)
  t.match(await client.stats(), { firstCursor: '', lastCursor: '', subscribers: 0 })
  add(journal, 1, 5)
  journal.forget(2)
  source.counts = [{ kind: 4, severity: 5, count: 17 }]
  await client.watch().next()
  const stats = await client.stats()
  t.match(stats, {
    version: '1.2.3',
    node: 'host',
    subscribers: 1,
    firstCursor: cursor(3),
    lastCursor: cursor(5),
    anomalies: [{ kind: 4, severity: 5, count: 17 }],
    state: { sensorAttached: true, journalWritable: true },
  })
  t.equal(stats.observations, 12_345)
  t.ok(Number(stats.memoryBytes) > 0)
})
