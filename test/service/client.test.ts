/** The client, against servers that misbehave in every way that its own may, and some more. */
import { linkSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import t from 'tap'
import {
  connect,
  eventFile,
  PlimsollClientError,
  resumable,
  type WatchEvent,
  type WatchState,
} from '../../src/client.js'
import { plimsoll } from '../../src/gen/plimsoll.js'
import { Backoff } from '../../src/service/client/backoff.js'
import { messagesOf, STREAMS, UNARY } from '../../src/service/client/methods.js'
import { Position } from '../../src/service/client/position.js'
import { addressText, parseServerAddress } from '../../src/service/client/server-address.js'
import { UNKNOWN_EPOCH } from '../../src/service/journal/cursor.js'
import { unreachable } from '../../src/service/client/unreachable.js'
import {
  anomalyAt,
  EPOCH,
  refusal,
  scriptedServer,
  socketPath,
  taken,
  type WatchCall,
} from '../support/scripted-server.js'

const OTHER = 'fedcba9876543210'

async function errorOf(work: Promise<unknown>): Promise<PlimsollClientError> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (thrown instanceof PlimsollClientError) return thrown
  throw new Error('it did not fail as a call does', { cause: thrown })
}

function sequences(events: readonly { readonly cursor?: string | null }[]): readonly number[] {
  return events.map(({ cursor }) => Number(cursor?.split('-')[1]))
}

/** Writes the events after the cursor that was asked for, up to that sequence. */
function sendUpTo(call: WatchCall, last: number): void {
  const first = Number(call.request.afterCursor?.split('-')[1] ?? 0) + 1
  for (let sequence = first; sequence <= last; sequence++) call.write(anomalyAt(sequence))
}

t.test('addresses are unix:PATH or tcp:HOST:PORT', async (t) => {
  const good: readonly [text: string, shown: string][] = [
    ['unix:/run/p.sock', 'unix:/run/p.sock'],
    ['unix:///run/p.sock', 'unix:/run/p.sock'],
    ['unix:p.sock', 'unix:/srv/p.sock'],
    ['tcp:host.example:7443', 'tcp:host.example:7443'],
    ['tcp://10.0.0.1:1', 'tcp:10.0.0.1:1'],
    ['tcp:[::1]:65535', 'tcp:[::1]:65535'],
  ]
  for (const [text, shown] of good) t.equal(addressText(parseServerAddress(text, '/srv')), shown)
  for (const text of [
    '',
    'unix:',
    'unix:a\nb',
    '/run/p.sock',
    'tcp:host',
    'tcp:host:0',
    'tcp:h:65536',
    'http://h:1',
    'tcp:a/b:1',
  ]) {
    t.throws(() => parseServerAddress(text, '/srv'), { code: 'USAGE' }, text)
  }
  t.throws(() => connect({ address: 'tcp:host:1' }), {
    code: 'USAGE',
    message: /needs the files of TLS/,
  })
})

t.test('the table of methods is what the .proto files declare', async (t) => {
  for (const [service, file] of [
    ['Monitor', 'monitor'],
    ['Baselines', 'baselines'],
    ['Control', 'control'],
    ['Audit', 'audit'],
  ] as const) {
    const text = readFileSync(`proto/plimsoll/v1/${file}.proto`, 'utf8')
    const declared = [...text.matchAll(/^ {2}rpc (\w+)\((\w+)\) returns \((stream )?(\w+)\)/gm)]
    const names = (isStream: boolean): readonly string[] =>
      declared
        .filter(([, , , stream]) => (stream !== undefined) === isStream)
        .map(([, name = '']) => name)
        .toSorted()
    t.same(UNARY[service].toSorted(), names(false), service)
    t.same(STREAMS[service].toSorted(), names(true), `streams of ${service}`)
    for (const [, name = '', request, , response] of declared) {
      t.same([request, response], [`${name}Request`, `${name}Response`])
      t.ok(messagesOf(name as 'Watch'))
    }
  }
})

t.test('answers are plain values, and failures have the codes of the catalogue', async (t) => {
  const { address } = await scriptedServer(t, socketPath(t), () => undefined, {
    GetStats: () => ({ startedMs: 1_700_000_000_001, lastCursor: `${EPOCH}-7` }),
    GetAnomaly: () => {
      throw refusal(status.NOT_FOUND, 'ANOMALY_NOT_FOUND')
    },
    ListAnomalies: () => {
      throw refusal(status.INTERNAL, 'FROM_THE_FUTURE')
    },
    Verify: (request) => ({ intact: request.knownHash === 'x', entries: 3 }),
  })
  const client = connect({ address })
  t.teardown(() => client.close())
  const stats = await client.monitor.getStats()
  t.match(stats, { startedMs: 1_700_000_000_001, observations: 0, lastCursor: `${EPOCH}-7` })
  t.match(await client.audit.verify({ knownHash: 'x' }), { intact: true, entries: 3 })
  t.equal(await client.health(), 'SERVING')
  const missing = await errorOf(client.monitor.getAnomaly({ id: 'x' }))
  t.match(missing, { code: 'ANOMALY_NOT_FOUND', grpc: 5, message: 'said so', isTransient: false })
  t.match(missing.hint, /anomaly ls/)
  const foreign = await errorOf(client.monitor.listAnomalies())
  t.match(foreign, { code: 'FROM_THE_FUTURE', grpc: 13, hint: '', isTransient: false })
  t.match(await errorOf(client.control.listModes()), { code: 'UNIMPLEMENTED', grpc: 12 })
})

t.test('a service that is away is told of with the reason', async (t) => {
  const path = socketPath(t)
  const client = connect({ address: `unix:${path}` })
  t.teardown(() => client.close())
  const error = await errorOf(client.monitor.getStats())
  t.match(error, {
    code: 'UNREACHABLE',
    grpc: 14,
    isTransient: true,
    message: `cannot reach unix:${path}: no socket is there`,
  })
  t.match(error.hint, /plimsoll enforce/)
  // As soon as it is there, it is found: nothing waits for a rhythm of gRPC.
  const server = await scriptedServer(t, path, () => undefined, {
    GetStats: () => ({ version: 'x' }),
  })
  t.equal((await client.monitor.getStats()).version, 'x')
  server.stop()
  t.match(await errorOf(client.monitor.getStats()), { code: 'UNREACHABLE' })

  const directory = t.testdir({ file: '' })
  const listener = createServer()
  const stale = socketPath(t)
  await new Promise<void>((resolve) => listener.listen(stale, resolve))
  t.teardown(() => listener.close())
  const cases: readonly [path: string, said: string, problem: RegExp, isTransient: boolean][] = [
    [join(directory, 'none'), '', /no socket is there$/, true],
    [join(directory, 'no', 'such'), '', /there is no directory/, true],
    [join(directory, 'file'), 'ECONNREFUSED', /the file there is no socket$/, true],
    [stale, 'connect ECONNREFUSED', /nothing answers on it$/, true],
    [
      stale,
      'Last error: connect EACCES',
      /you may not open the socket: .*uid \d+, .*mode 0\d+$/,
      false,
    ],
  ]
  for (const [where, said, problem, isTransient] of cases) {
    const told = await unreachable({ kind: 'unix', path: where }, said, undefined)
    t.match(told.message, problem)
    t.equal(told.isTransient, isTransient, said)
  }
  const refused =
    'No connection established. Last error: Error: connect ECONNREFUSED 10.0.0.1:1. Resolution note: '
  const tcp = await unreachable({ kind: 'tcp', host: '10.0.0.1', port: 1 }, refused, undefined)
  t.equal(tcp.message, 'cannot reach tcp:10.0.0.1:1: connect ECONNREFUSED 10.0.0.1:1')
})

t.test('every event is handed on once and in order, however streams end', async (t) => {
  const ends: readonly ((call: WatchCall) => void)[] = [
    (call) => call.emit('error', refusal(status.UNAVAILABLE, 'STOPPING')),
    (call) =>
      call.emit('error', refusal(status.RESOURCE_EXHAUSTED, 'WATCHER_TOO_SLOW', `${EPOCH}-1`)),
    (call) => call.emit('error', refusal(status.CANCELLED)),
    (call) => call.end(),
    (call) =>
      call.emit(
        'error',
        Object.assign(new Error(), {
          code: status.INTERNAL,
          details: 'Received RST_STREAM with code 2',
        }),
      ),
  ]
  const states: WatchState[] = []
  const server = await scriptedServer(t, socketPath(t), (call, n) => {
    // What was sent before comes again, as a server may that lost its memory of it.
    call.write(anomalyAt(1))
    sendUpTo(call, (n + 1) * 3)
    const end = ends[n]
    setImmediate(() => (end === undefined ? undefined : end(call)))
  })
  const client = connect({ address: server.address })
  const events = client.watch(
    { earliest: true, heartbeatMs: 5000 },
    { onState: (state) => void states.push(state) },
  )
  const seen = await taken(events, 18)
  t.same(
    sequences(seen),
    Array.from({ length: 18 }, (_, i) => i + 1),
  )
  t.equal(server.requests.length, 6)
  t.match(server.requests[0], { earliest: true, heartbeatMs: 5000 })
  for (const { afterCursor, earliest, now, heartbeatMs } of server.requests.slice(1)) {
    t.match(afterCursor, /^0123456789abcdef-\d+$/)
    t.notOk(earliest === true || now === true)
    t.equal(heartbeatMs, 5000, 'the rest of the request is as it was')
  }
  t.same(states.map(({ kind }) => kind).slice(0, 3), ['connected', 'waiting', 'connected'])
})

t.test('what does not get better by itself ends the stream with its error', async (t) => {
  for (const [code, said] of [
    [status.INVALID_ARGUMENT, 'BAD_REQUEST'],
    [status.PERMISSION_DENIED, 'NOT_PERMITTED'],
    [status.UNAUTHENTICATED, 'UNAUTHENTICATED'],
    [status.NOT_FOUND, ''],
    [status.RESOURCE_EXHAUSTED, ''],
    [status.INTERNAL, 'INTERNAL'],
  ] as const) {
    const server = await scriptedServer(t, socketPath(t), (call) =>
      call.emit('error', refusal(code, said)),
    )
    const error = await errorOf(
      taken(connect({ address: server.address }).watch({ earliest: true }), 1),
    )
    t.equal(error.grpc, code)
    t.equal(server.requests.length, 1)
  }
  const client = connect({ address: `unix:${socketPath(t)}` })
  t.match(await errorOf(taken(client.watch({}, { reconnect: false }), 1)), { code: 'UNREACHABLE' })
  const stop = new AbortController()
  const options = { signal: stop.signal, onState: () => stop.abort() }
  t.same(await taken(client.watch({}, options), 1), [], 'a signal ends it without an error')
})

t.test('now is the place where the journal was when the client came', async (t) => {
  for (const [lastCursor, asked] of [
    [`${EPOCH}-7`, { afterCursor: `${EPOCH}-7` }],
    ['', { earliest: true }],
  ] as const) {
    let cut = 0
    const server = await scriptedServer(
      t,
      socketPath(t),
      (call) => (cut++ === 0 ? call.end() : void call.write(anomalyAt(8))),
      { GetStats: () => ({ lastCursor }) },
    )
    t.same(sequences(await taken(connect({ address: server.address }).watch(), 1)), [8])
    t.match(server.requests, [asked, asked], 'also after a stream that brought nothing')
  }
  const old = await scriptedServer(t, socketPath(t), (call) => void call.write(anomalyAt(3)))
  t.same(sequences(await taken(connect({ address: old.address }).watch(), 1)), [3])
  t.match(old.requests, [{ now: true }], 'a service that does not say where it is')
})

t.test('a connection on which nothing comes any more is given up', async (t) => {
  const server = await scriptedServer(t, socketPath(t), (call, n) => {
    call.write(anomalyAt(n + 1))
    if (n === 2) call.write(anomalyAt(4))
  })
  const reasons: string[] = []
  const events = connect({ address: server.address }).watch(
    { earliest: true, heartbeatMs: 30 },
    { onState: (state) => void (state.kind === 'waiting' && reasons.push(state.error.message)) },
  )
  const seen: number[] = []
  for await (const { cursor } of events) {
    seen.push(...sequences([{ cursor: cursor ?? '' }]))
    // The time that a consumer takes is no silence of the service.
    if (seen.length === 3) await new Promise((resolve) => setTimeout(resolve, 150))
    if (seen.length === 4) break
  }
  t.same(seen, [1, 2, 3, 4])
  t.same(reasons, ['nothing came for 90 ms', 'nothing came for 90 ms'])
})

t.test('a consumer that is slow holds up the stream, not memory', async (t) => {
  const BURST = 4000
  let written = 0
  const server = await scriptedServer(t, socketPath(t), (call) => {
    const more = (): void => {
      while (written < BURST && call.write(anomalyAt(++written))) continue
      if (written < BURST) call.once('drain', more)
    }
    more()
  })
  const stream = connect({ address: server.address }).watch({ earliest: true })
  const events = stream[Symbol.asyncIterator]() as AsyncIterator<WatchEvent, undefined>
  t.equal((await events.next()).value?.cursor, `${EPOCH}-1`)
  let before = -1
  while (before !== written) {
    before = written
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  t.ok(written < BURST / 2, `${written} of ${BURST} were written`)
  for (let n = 2; n <= BURST; n++) {
    const { value } = await events.next()
    if (value?.cursor !== `${EPOCH}-${n}`) t.fail(`${n} came as ${value?.cursor}`)
  }
  await events.return?.()
})

t.test('a position goes forward only, within an epoch', async (t) => {
  const { GAP_CAUSE_RETENTION, GAP_CAUSE_EPOCH } = plimsoll.v1.GapCause
  const at = (sequence: number, epoch = EPOCH): string => `${epoch}-${sequence}`
  const position = new Position({ afterCursor: at(5) })
  const steps: readonly [event: Parameters<Position['taken']>[0], cursor: string | undefined][] = [
    [{ cursor: at(5) }, undefined],
    [{ cursor: at(4) }, undefined],
    [{ cursor: at(6) }, at(6)],
    [{ cursor: '', heartbeat: { lastCursor: at(9) } }, at(9)],
    [{ cursor: '', heartbeat: { lastCursor: at(9) } }, at(9)],
    [{ cursor: at(9) }, undefined],
    [{ cursor: '', heartbeat: { lastCursor: at(0, UNKNOWN_EPOCH) } }, at(9)],
    [{ cursor: '', collectorState: {} }, ''],
    [{ cursor: '', gap: { cause: GAP_CAUSE_RETENTION, fromSequence: 10, toSequence: 12 } }, at(12)],
    [{ cursor: at(12) }, undefined],
    [{ cursor: at(13) }, at(13)],
    [{ cursor: '', gap: { cause: GAP_CAUSE_EPOCH } }, ''],
    [{ cursor: at(1, OTHER) }, at(1, OTHER)],
    [{ cursor: at(1, OTHER) }, undefined],
    [{ cursor: at(2, OTHER) }, at(2, OTHER)],
  ]
  for (const [i, [event, cursor]] of steps.entries()) {
    t.equal(position.taken(event)?.cursor, cursor, `step ${i}`)
  }
  t.same(position.request(), { afterCursor: at(2, OTHER) })
})

t.test('waits double from 100 ms to 10 s, less a random part, and begin anew', async (t) => {
  const waits = (random: number): readonly number[] => {
    const backoff = new Backoff(() => random)
    return Array.from({ length: 9 }, () => backoff.next())
  }
  t.same(waits(0), [100, 100, 200, 400, 800, 1600, 3200, 5000, 5000])
  t.same(waits(0.999_999_9), [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000])
  const backoff = new Backoff(() => 0)
  for (let i = 0; i < 100; i++) backoff.next()
  backoff.reset()
  t.equal(backoff.next(), 100)
})

t.test('a cursor file follows what is done, whole or not at all', async (t) => {
  const path = join(t.testdir(), 'cursor')
  const first = await resumable(path)
  t.equal(first.cursor, undefined)
  t.same(first.from({ now: true }), { now: true })
  await first.save('earliest')
  t.equal((await resumable(path)).cursor, 'earliest')
  for (let n = 1; n < 50; n++) void first.done({ cursor: `${EPOCH}-${n}` })
  await first.done({ cursor: `${EPOCH}-50` })
  await first.done({ cursor: '' })
  t.equal(readFileSync(path, 'utf8'), `${EPOCH}-50\n`)
  const second = await resumable(path)
  t.same(second.from({ now: true, heartbeatMs: 1 }), { afterCursor: `${EPOCH}-50`, heartbeatMs: 1 })
  for (const damaged of ['', 'x', `${EPOCH}-`, `${EPOCH}-5\n\n`, '\0\0\0\0']) {
    writeFileSync(path, damaged)
    t.match(await errorOf(resumable(path)), {
      code: 'CURSOR_UNUSABLE',
      message: /does not hold a cursor/,
    })
    t.equal(readFileSync(path, 'utf8'), damaged, 'it is left as it is')
  }
  mkdirSync(join(path, '..', 'directory'))
  t.match(await errorOf(resumable(join(path, '..', 'directory'))), { code: 'CURSOR_UNUSABLE' })
  const lost = await resumable(join(path, '..', 'no', 'such'))
  t.match(await errorOf(lost.save('earliest')), { code: 'FILE_UNWRITABLE' })
})

t.test('an event file goes on after its last whole line', async (t) => {
  const line = (sequence: number, more = ''): string => `{"cursor":"${EPOCH}-${sequence}"${more}}\n`
  const long = line(3, `,"x":"${'y'.repeat(200_000)}"`)
  const cases: readonly [
    name: string,
    content: string,
    cursor: string | undefined,
    kept: string,
  ][] = [
    ['empty', '', undefined, ''],
    ['half a line', '{"cursor":"0123', undefined, ''],
    ['one line', line(1), `${EPOCH}-1`, line(1)],
    ['one and a half', `${line(1)}{"cur`, `${EPOCH}-1`, line(1)],
    ['zeros at the end', `${line(1)}\0\0\0`, `${EPOCH}-1`, line(1)],
    ['many', line(1) + line(2), `${EPOCH}-2`, line(1) + line(2)],
    [
      'a line that is no place',
      `${line(2)}{"cursor":""}\n`,
      `${EPOCH}-2`,
      `${line(2)}{"cursor":""}\n`,
    ],
    ['none that is a place', '{"cursor":""}\n', undefined, '{"cursor":""}\n'],
    ['a beginning', '{"cursor":"earliest"}\n', 'earliest', '{"cursor":"earliest"}\n'],
    ['long lines', line(2) + long, `${EPOCH}-3`, line(2) + long],
    ['half of a long line', line(2) + long.slice(0, -9), `${EPOCH}-2`, line(2)],
    [
      'a place before a long line',
      line(2) + long.replace(`${EPOCH}-3`, ''),
      `${EPOCH}-2`,
      line(2) + long.replace(`${EPOCH}-3`, ''),
    ],
  ]
  for (const [name, content, cursor, kept] of cases) {
    const path = join(t.testdir({ events: content }), 'events')
    const file = await eventFile(path)
    t.equal(file.cursor, cursor, name)
    await file.append({ cursor: `${EPOCH}-9` })
    await file.close()
    t.equal(readFileSync(path, 'utf8'), kept + line(9), name)
  }
  for (const content of [
    'x\n',
    '{}\n',
    '[]\n',
    '{"cursor":5}\n',
    '{"cursor":"5"}\n',
    `${line(1)}\0\n`,
  ]) {
    const path = join(t.testdir({ events: content }), 'events')
    t.match(await errorOf(eventFile(path)), { code: 'CURSOR_UNUSABLE' }, content)
    t.equal(readFileSync(path, 'utf8'), content, 'it is left as it is')
  }
})

t.test('a file of events has one writer at a time, whatever it is called', async (t) => {
  const path = join(t.testdir({ 'events.jsonl': '' }), 'events.jsonl')
  linkSync(path, `${path}.again`)
  const first = await eventFile(path)
  await first.append({ cursor: 'earliest' })
  const refused = await errorOf(eventFile(`${path}.again`))
  t.match(refused, { code: 'FILE_IN_USE', message: /being written by another/ })
  t.equal(readFileSync(path, 'utf8'), '{"cursor":"earliest"}\n', 'it is left as it is')
  await first.close()
  const second = await eventFile(`${path}.again`)
  t.equal(second.cursor, 'earliest')
  await second.close()
})
