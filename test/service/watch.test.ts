import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { status } from '@grpc/grpc-js'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { WATCHER_LIMIT } from '../../src/service/baselines-service.js'
import { EventQueue } from '../../src/service/event-queue.js'
import type { WatchMessage } from '../../src/service/learning-message.js'
import { LearningWatch } from '../../src/service/learning-watch.js'
import type { RunningServer } from '../../src/service/server.js'
import { until } from '../support/live/until.js'
import { serveBaselines } from '../support/served-learning.js'
import { refusalOf, ServiceClient, type Watched } from '../support/service-client.js'
import { factsUpTo, FakeClock, FakeSource, RUN } from '../support/service-source.js'

interface Served {
  readonly source: FakeSource
  readonly clock: FakeClock
  readonly client: ServiceClient
  readonly server: RunningServer
  readonly path: string
}

async function served(t: Test, queueLimit?: number): Promise<Served> {
  const directory = mkdtempSync(join(tmpdir(), 'plim-'))
  const path = join(directory, 's')
  const [source, clock] = [new FakeSource(), new FakeClock()]
  const limits = queueLimit === undefined ? {} : { queueLimit }
  const server = await serveBaselines({ path, source, clock, ...limits })
  t.teardown(async () => {
    await server.stop(0)
    rmSync(directory, { recursive: true })
  })
  return { source, clock, client: new ServiceClient(t, path), server, path }
}

/** What a message tells, without its time. */
function told({ event, ...message }: WatchMessage): unknown {
  return event === undefined ? undefined : { [event]: message[event] }
}

/** Facts that were told one by one, and how many were skipped. */
function tally(messages: readonly WatchMessage[]): { facts: number[]; skipped: number } {
  const facts = messages.flatMap(({ factsLearned }) =>
    factsLearned ? [Number(factsLearned.facts)] : [],
  )
  const skipped = messages.reduce((sum, message) => sum + Number(message.skipped?.count ?? 0), 0)
  return { facts, skipped }
}

async function rest(watched: Watched): Promise<readonly WatchMessage[]> {
  return watched.upTo('sessionEnded')
}

t.test('a client is told how things stand, then what happens, in order', async (t) => {
  const { source, clock, client, server } = await served(t)
  const running = { ...RUN, runId: 's/0', containerId: 'beef' }
  source.current = { sensorReady: true, runs: [running], runsEnded: 4, facts: 17 }
  const watched = client.watch()
  const first = await watched.next()
  t.equal(first?.atMs, 1000)
  t.match(told(first ?? {}), {
    state: { sensorReady: true, runs: [running], runsGoingOn: 1, runsEnded: 4, facts: 17 },
  })
  clock.tick()
  source.tell({ atMs: 2000, kind: 'sensor-ended', reason: 'killed\n' })
  source.tell({ atMs: 2001, kind: 'sensor-ready' })
  source.tell({ atMs: 2002, kind: 'run-started', run: RUN })
  const { baselineKey } = RUN
  source.tell({ atMs: 2003, kind: 'facts-learned', baselineKey, facts: 1 })
  source.tell({ atMs: 2004, kind: 'run-ended', run: { ...RUN, endedMs: 2004 } })
  const stopping = server.stop()
  const messages = await rest(watched)
  t.equal(await watched.next(), undefined, 'then the stream ends with OK')
  await stopping
  t.same(
    messages.map((message) => Number(message.atMs)).slice(1, -1),
    [2000, 2001, 2002, 2003, 2004],
  )
  t.match(messages.map(told), [
    { heartbeat: {} },
    { sensorEnded: { reason: 'killed\\u000a' } },
    { sensorReady: {} },
    { runStarted: { run: RUN } },
    { factsLearned: { baselineKey, facts: 1 } },
    { runEnded: { run: { ...RUN, endedMs: 2004 } } },
    { sessionEnded: {} },
  ])
})

t.test('at most 500 runs are listed, all are counted', async (t) => {
  const { source, client } = await served(t)
  const runs = Array.from({ length: 1201 }, (_, index) => ({ ...RUN, runId: `s/${index}` }))
  source.current = { ...source.current, runs }
  const state = (await client.watch().next())?.state
  t.equal(state?.runs?.length, 500)
  t.equal(state?.runsGoingOn, 1201)
})

t.test('heartbeats come as often as was asked for, within bounds', async (t) => {
  const { clock, client } = await served(t)
  for (const heartbeatMs of [0, 1000, 60_000]) await client.watch({ heartbeatMs }).next()
  t.same(clock.intervalsMs, [10_000, 1000, 60_000])
  for (const heartbeatMs of [1, 999, 60_001, 2 ** 32 - 1]) {
    t.match(await refusalOf(client.watch({ heartbeatMs }).next()), {
      status: status.INVALID_ARGUMENT,
      code: 'BAD_REQUEST',
    })
  }
  t.equal(clock.intervalsMs.length, 3)
})

t.test('a client that hangs up is forgotten', async (t) => {
  const { source, clock, client } = await served(t)
  const watched = client.watch()
  await watched.next()
  t.equal(source.subscribers, 1)
  watched.cancel()
  await until('the end of the subscription', () => source.subscribers === 0)
  t.same(clock.intervalsMs, [])
})

t.test('so many clients may watch, one more is refused, and others take their place', async (t) => {
  const { source, client } = await served(t)
  const watching = Array.from({ length: WATCHER_LIMIT }, () => client.watch())
  for (const watched of watching) await watched.next()
  t.match(await refusalOf(client.watch().next()), {
    status: status.RESOURCE_EXHAUSTED,
    code: 'TOO_MANY_WATCHERS',
  })
  watching[0]?.cancel()
  await until('the first to be gone', () => source.subscribers === WATCHER_LIMIT - 1)
  t.ok((await client.watch().next())?.state)
})

t.test('a slow reader is told how much it missed; a quick one misses nothing', async (t) => {
  const { source, client, server } = await served(t, 64)
  const [slow, quick] = [client.watch(), client.watch()]
  await slow.next()
  await quick.next()
  const quickly: WatchMessage[] = []
  let missed = 0
  const events = factsUpTo(20_011)
  for (const [index, event] of events.entries()) {
    source.tell(event)
    // As many as the quick reader's queue takes, then its turn; the slow one reads nothing meanwhile.
    if (index % 50 !== 49) continue
    await turn()
    while (tally(quickly).facts.length < 50) {
      const message = await quick.next()
      if (message) quickly.push(message)
    }
    missed += tally(quickly).skipped
    quickly.length = 0
  }
  t.equal(missed, 0, 'the quick one missed nothing')
  const stopping = server.stop()
  const slowly = await rest(slow)
  await rest(quick)
  await stopping
  const { facts, skipped } = tally(slowly)
  t.ok(skipped > 10_000, `${skipped} were skipped`)
  t.equal(facts.length + skipped, events.length, 'every event was read or counted')
  let expected = 1
  let inPlace = true
  for (const message of slowly) {
    if (message.factsLearned) inPlace &&= message.factsLearned.facts === expected++
    if (message.skipped) expected += Number(message.skipped.count)
  }
  t.ok(inPlace, 'in order, and the numbers are where the events are missing')
})

t.test('stopping ends open streams, cuts those that are not read, and is quick', async (t) => {
  const { source, client, server, path } = await served(t)
  const [reading, stuck] = [client.watch(), client.watch()]
  await reading.next()
  await stuck.next()
  for (const [index, event] of factsUpTo(30_000).entries()) {
    source.tell(event)
    // Now and then the stream gets to write, until the window of the reader that does not read is full.
    if (index % 100 === 99) await turn()
  }
  const startedMs = Date.now()
  const stopping = server.stop(2000)
  const messages = await rest(reading)
  t.ok(tally(messages).skipped > 0)
  await stopping
  t.ok(Date.now() - startedMs < 10_000)
  t.notOk(existsSync(path))
  t.equal(source.subscribers, 0)
  t.match(await refusalOf(client.list()), { status: status.UNAVAILABLE })
})

/** A stream that takes so many messages before it wants to drain. */
class FakeStream {
  readonly written: string[] = []
  room = 0
  ended = false
  #drain = (): void => undefined

  write(message: WatchMessage): boolean {
    const [event = ''] = Object.keys(message).filter((name) => name !== 'atMs')
    const count = message.factsLearned?.facts ?? message.skipped?.count
    this.written.push(count === undefined ? event : `${event} ${String(count)}`)
    return --this.room > 0
  }

  end(): void {
    this.ended = true
  }

  on(_event: 'drain', listener: () => void): void {
    this.#drain = listener
  }

  drain(room: number): void {
    this.room = room
    this.#drain()
  }
}

t.test('nothing is written to a stream that wants to drain first', async (t) => {
  const [stream, source, clock] = [new FakeStream(), new FakeSource(), new FakeClock()]
  stream.room = 3
  const watch = new LearningWatch({ stream, source, clock, heartbeatMs: 1000, queueLimit: 2 })
  for (const event of factsUpTo(7)) source.tell(event)
  clock.tick()
  t.same(stream.written, ['state', 'factsLearned 1', 'factsLearned 2'])
  stream.drain(1)
  source.tell({ atMs: 1, kind: 'sensor-ready' })
  clock.tick()
  stream.drain(4)
  t.same(stream.written.slice(3), ['factsLearned 3', 'factsLearned 4', 'skipped 3', 'sensorReady'])
  stream.drain(2)
  clock.tick()
  t.same(stream.written.slice(7), ['heartbeat'], 'a sign of life only when nothing waits')
  source.tell({ atMs: 1, kind: 'sensor-ready' })
  source.tell({ atMs: 1, kind: 'sensor-ready' })
  watch.finish()
  t.notOk(stream.ended)
  t.same([source.subscribers, clock.intervalsMs.length], [0, 0], 'it listens no more')
  stream.drain(9)
  t.same(stream.written.slice(8), ['sensorReady', 'sensorReady', 'sessionEnded'])
  t.ok(stream.ended)
  watch.close()
  stream.drain(9)
  t.equal(stream.written.length, 11)
})

t.test('a client that is gone is not written to', async (t) => {
  const [stream, source, clock] = [new FakeStream(), new FakeSource(), new FakeClock()]
  const watch = new LearningWatch({ stream, source, clock, heartbeatMs: 1000, queueLimit: 2 })
  for (const event of factsUpTo(2)) source.tell(event)
  watch.close()
  watch.close()
  watch.finish()
  stream.drain(9)
  t.same(stream.written, ['state'])
  t.notOk(stream.ended)
})

t.test('a queue hands out everything once: as an event or as a number, in its place', async () => {
  const steps = fc.array(fc.constantFrom('push', 'take'), { maxLength: 200 })
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 5 }), (sequence, limit) => {
      const queue = new EventQueue<number>(limit)
      let pushed = 0
      let next = 0
      const taken = (): boolean => {
        const got = queue.take()
        if (got === undefined) return next === pushed
        if (got.kind === 'event') return got.event === next++
        next += got.count
        return got.count > 0
      }
      for (const step of sequence) {
        if (step === 'push') queue.push(pushed++)
        else if (!taken()) return false
      }
      while (!queue.isEmpty) if (!taken()) return false
      return next === pushed && queue.take() === undefined
    }),
  )
})
