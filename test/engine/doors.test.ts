/** The doors of a live session: the feed that gives inputs their time, and the answers to what the session asks. */
import { join } from 'node:path'
import t from 'tap'
import { Answers } from '../../src/engine/answers.js'
import { type Fact, Feed } from '../../src/engine/feed.js'
import type { CgroupEntry } from '../../src/engine/input.js'
import { LearningSession } from '../../src/engine/session.js'
import type { Request } from '../../src/engine/session-events.js'
import { readTrace, TraceWriter } from '../../src/engine/trace-file.js'
import type { Resolution } from '../../src/workload/container-facts.js'
import { ContainerResolver } from '../../src/workload/resolver.js'
import { containerId, digestOf, pathOf } from '../support/learning-script.js'
import { record } from '../support/sensor-lines.js'
import { FakeClock } from '../workload/fake-clock.js'

const SESSION: Fact = {
  kind: 'session',
  facts: {
    sessionId: 'one',
    plimsoll: '0.1.0',
    kernel: '6.1.0',
    bpftrace: 'bpftrace v0.17.0',
    selection: { all: true, image: '', container: '' },
    kinds: [],
  },
}

/** A scan that ends when the test says so. */
class Scans {
  readonly #waiting: ((cgroups: readonly CgroupEntry[]) => void)[] = []
  begun = 0

  readonly scan = (): Promise<readonly CgroupEntry[]> => {
    this.begun++
    return new Promise((resolve) => void this.#waiting.push(resolve))
  }

  /** Ends the oldest; resolves when its result has been given on. */
  async end(...cgroups: readonly CgroupEntry[]): Promise<void> {
    this.#waiting.shift()?.(cgroups)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function resolverOf(inspect: () => Promise<Resolution>): ContainerResolver {
  return new ContainerResolver({ podman: { inspect }, clock: new FakeClock() })
}

const SILENT = resolverOf(() => new Promise(() => undefined))

t.test('inputs have whole times that never go back, and end with the end', async (t) => {
  const times = [1000.9, 3000, 2000, 4000, 5000]
  const path = join(t.testdir(), 'feed.trace')
  const trace = await TraceWriter.create(path)
  const session = new LearningSession()
  const nowMs = (): number => times.shift() ?? 0
  const feed = new Feed({ session, trace, nowMs, onRequest: () => undefined })
  feed.give(SESSION)
  feed.give({ kind: 'sensor-started' })
  feed.give({ kind: 'sensor-ended', expected: true, reason: '' })
  feed.give({ kind: 'end' })
  feed.give({ kind: 'sensor-started' })
  await trace.close()
  t.strictSame(
    (await readTrace(path)).map(({ kind, atMs }) => [kind, atMs]),
    [
      ['session', 1000],
      ['sensor-started', 3000],
      ['sensor-ended', 3000],
      ['end', 4000],
    ],
  )
})

t.test('what a session asks for reaches whoever answers', async (t) => {
  const asked: Request[] = []
  const feed = new Feed({
    session: new LearningSession(),
    trace: undefined,
    nowMs: () => 1,
    onRequest: (request) => asked.push(request),
  })
  feed.give(SESSION)
  feed.give({ kind: 'cgroups', cgroups: [{ id: 7, path: pathOf('web') }] })
  feed.give({ kind: 'sensor-started' })
  feed.give({ kind: 'sensor-bytes', bytes: Buffer.from(record('R', 1)) })
  t.strictSame(asked, [
    { kind: 'resolve', runtime: 'podman', containerId: containerId('web') },
    { kind: 'scan' },
  ])
})

t.test('a wish for a scan during a scan leads to one more, and only one', async (t) => {
  const scans = new Scans()
  const given: Fact[] = []
  const answers = new Answers({
    resolver: SILENT,
    scan: scans.scan,
    give: (fact) => given.push(fact),
  })
  answers.scan()
  for (let wish = 0; wish < 5; wish++) answers.request({ kind: 'scan' })
  t.equal(scans.begun, 1)
  await scans.end({ id: 1, path: '/a' })
  t.equal(scans.begun, 2, 'it begins after the first is in')
  await scans.end({ id: 2, path: '/b' })
  t.equal(scans.begun, 2)
  await answers.settled(1000)
  t.strictSame(given, [
    { kind: 'cgroups', cgroups: [{ id: 1, path: '/a' }] },
    { kind: 'cgroups', cgroups: [{ id: 2, path: '/b' }] },
  ])
  answers.scan()
  t.equal(scans.begun, 3, 'and later wishes are heard again')
  await scans.end()
})

t.test('a wish that a scan itself causes leads to one more', async (t) => {
  const scans = new Scans()
  const answers: Answers = new Answers({
    resolver: SILENT,
    scan: scans.scan,
    give: () => {
      if (scans.begun === 1) answers.scan()
    },
  })
  answers.scan()
  await scans.end()
  t.equal(scans.begun, 2)
  await scans.end()
  await answers.settled(1000)
  t.equal(scans.begun, 2)
})

t.test('what a runtime says is given on, and so is its silence', async (t) => {
  const id = containerId('web')
  const cases: readonly [string, Resolution, object][] = [
    [
      'found',
      {
        kind: 'found',
        facts: {
          runtime: 'podman',
          runtimeVersion: '4.3.1',
          containerId: id,
          name: 'web',
          imageDigest: digestOf('web'),
          imageName: 'localhost/web:1.0',
          entrypoint: ['/bin/app'],
          healthChecks: [['/bin/app', '--ping']],
          labels: undefined,
          source: 'container',
        },
      },
      {
        found: true,
        problem: '',
        name: 'web',
        imageDigest: digestOf('web'),
        healthChecks: [['/bin/app', '--ping']],
      },
    ],
    ['gone', { kind: 'gone', problem: 'no such container' }, { problem: 'no such container' }],
    ['unreachable', { kind: 'unreachable', problem: 'no socket' }, { found: false, name: '' }],
  ]
  for (const [name, resolution, expected] of cases) {
    const given: Fact[] = []
    const answers = new Answers({
      resolver: resolverOf(() => Promise.resolve(resolution)),
      scan: async () => [],
      give: (fact) => given.push(fact),
    })
    answers.request({ kind: 'resolve', runtime: 'podman', containerId: id })
    await answers.settled(1000)
    t.match(given, [{ kind: 'container', answer: { runtime: 'podman', containerId: id } }], name)
    t.match(given, [{ answer: expected }], name)
  }
})

t.test('nobody waits for an answer longer than asked', async (t) => {
  let scans = 0
  const answers = new Answers({
    resolver: SILENT,
    scan: () => {
      scans++
      return new Promise(() => undefined)
    },
    give: () => t.fail('nothing can be answered'),
  })
  // The time limit alone does not keep the process alive.
  const alive = setInterval(() => undefined, 1000)
  await answers.settled(1)
  answers.scan()
  await answers.settled(20)
  clearInterval(alive)
  t.equal(scans, 1, 'one question is still open when the wait is over')
})
