/** What a learning session says of what it has missed: late starts, gaps, losses and floods. */
import t from 'tap'
import type { Baseline } from '../../src/baseline/baseline.js'
import type { Incompleteness } from '../../src/observation.js'
import { digestOf, LearningScript, pathOf, START_MS } from '../support/learning-script.js'
import { counters, keyOf, mapPrint, record } from '../support/sensor-lines.js'

/** Calls of the application by number, with their counts. */
function callsOf(baseline: Baseline | undefined): Record<number, number> {
  return Object.fromEntries((baseline?.syscalls('main') ?? []).map(({ nr, count }) => [nr, count]))
}

function reasonsOf(baseline: Baseline | undefined): readonly Incompleteness[] {
  return baseline?.completeness().reasons ?? []
}

t.test('what ran before the probes were attached is late', async (t) => {
  const late = (fromMs: number): readonly unknown[] => [
    { reason: 'attached-late', count: 1, fromMs, toMs: START_MS + 600 },
  ]
  t.test('as the first scan saw it', async (t) => {
    const script = new LearningScript().attach({ id: 7, path: pathOf('web') })
    const [web] = script.answer('web').calls(7, { 1: 2 }).end()
    t.strictSame(reasonsOf(web), late(START_MS))
    t.strictSame(callsOf(web), { 1: 2 })
  })
  t.test('as the second scan saw it, before which it began', async (t) => {
    const script = new LearningScript().scan()
    script
      .restart()
      .pass(100)
      .scan({ id: 7, path: pathOf('web') })
    const [web] = script.answer('web').calls(7, { 1: 1 }).end()
    const { attachedMs, startedMs } = web?.snapshot().runs[0] ?? {}
    t.equal(attachedMs, START_MS + 500)
    t.equal(startedMs, attachedMs, 'not after the probes')
    t.match(reasonsOf(web), [{ reason: 'attached-late', fromMs: attachedMs, toMs: attachedMs }])
  })
  t.test('as a record told while probes were still missing', async (t) => {
    const script = new LearningScript().scan()
    script.give({ kind: 'sensor-started' })
    script
      .pass(100)
      .bytes(record('G', 7, 123e6, pathOf('web')))
      .pass(500)
    script.bytes(record('R', script.nsecs)).scan({ id: 7, path: pathOf('web') })
    const [web] = script.answer('web').calls(7, { 1: 1 }).end()
    t.strictSame(reasonsOf(web), late(START_MS + 100))
  })
})

t.test(
  'what the sensor left out of a container that had too many is missed by it alone',
  async (t) => {
    const script = new LearningScript().attach()
    script.created(7, pathOf('web')).answer('web').calls(7, { 1: 1 })
    script
      .created(8, pathOf('db'))
      .answer('db', { imageDigest: digestOf('db') })
      .calls(8, { 1: 1 })
    script.bytes(mapPrint('capped', { '7,78': 61_440, '7,88': 3 }))
    script.bytes(mapPrint('capped', { '7,78': 61_447, '7,88': 3 }))
    const all = script.end()
    const of = (digest: string): readonly Incompleteness[] =>
      reasonsOf(all.find(({ image }) => image.digest === digest))
    t.strictSame(of(digestOf('web')), [
      { reason: 'map-full', count: 61_447, detail: 'endpoint of one container' },
      { reason: 'map-full', count: 3, detail: 'unix of one container' },
    ])
    t.strictSame(of(digestOf('db')), [])
  },
)

t.test('what finds no room while it waits is counted', async (t) => {
  const flood = (script: LearningScript, facts: number): void => {
    const lines = Array.from({ length: facts }, (_, i) =>
      record('S', keyOf(7, 'main', i % 400), 100, 1, 0, script.nsecs, 'app'),
    )
    script.bytes(...lines)
  }
  t.test('for the image', async (t) => {
    const script = new LearningScript().attach().created(7, pathOf('web'))
    flood(script, 8192 + 17)
    const [web] = script.answer('web').end()
    t.strictSame(reasonsOf(web), [
      { reason: 'lost-events', count: 17, detail: 'held while the image was looked up' },
    ])
    t.equal(web?.syscalls('main').length, 400)
  })
  t.test('for the owner of the cgroup', async (t) => {
    const script = new LearningScript().attach().created(7, '')
    flood(script, 4096 + 13)
    const [web] = script
      .scan({ id: 7, path: pathOf('web') })
      .answer('web')
      .end()
    t.strictSame(reasonsOf(web), [
      { reason: 'lost-events', count: 13, detail: 'held while the cgroup was looked up' },
    ])
  })
  t.test('for one unknown cgroup too many', async (t) => {
    const script = new LearningScript().attach().created(7, pathOf('web')).answer('web')
    for (let cgroup = 1000; cgroup < 1000 + 256 + 3; cgroup++) script.hint(cgroup, 1)
    const [web] = script.scan({ id: 7, path: pathOf('web') }).end()
    t.strictSame(reasonsOf(web), [
      { reason: 'lost-events', count: 3, detail: 'of unknown cgroups' },
    ])
  })
})

t.test('a sensor that died leaves a gap, and is learned from again', async (t) => {
  const told: string[] = []
  const script = new LearningScript(
    { all: true },
    { sensorEnded: (_, reason) => told.push(reason), ready: () => told.push('ready') },
  )
  script.attach()
  script.created(7, pathOf('long')).created(8, pathOf('short')).created(9, pathOf('before'))
  for (const word of ['long', 'short', 'before']) {
    script.answer(word, { imageDigest: digestOf(word), imageName: word })
  }
  script.pass(10).removed(9)
  script
    .pass(1000)
    .calls(7, { 1: 5 })
    .bytes(counters({ G: 3, g: 1 }))
  const printedMs = script.nowMs
  script.pass(700).sensorEnded(false).pass(300)
  // `short` ends and `within` begins while nobody looks.
  script.restart()
  const backMs = script.nowMs
  script.pass(5).scan({ id: 7, path: pathOf('long') }, { id: 11, path: pathOf('within') })
  t.equal(script.asked().at(-1), 'scan', 'what one walk did not find may be new')
  script.pass(5).scan({ id: 7, path: pathOf('long') }, { id: 11, path: pathOf('within') })
  const scannedMs = script.nowMs
  script.answer('within', { imageDigest: digestOf('within') })
  script.calls(7, { 1: 3, 2: 1 }).calls(11, { 1: 1 })
  const baselines = new Map(script.end().map((one) => [one.snapshot().runs[0]?.containerName, one]))
  const gap = { reason: 'sensor-restarted', count: 1, fromMs: printedMs, toMs: backMs }
  t.strictSame(reasonsOf(baselines.get('long')), [gap])
  t.strictSame(callsOf(baselines.get('long')), { 1: 8, 2: 1 }, 'the new maps start from nothing')
  t.strictSame(reasonsOf(baselines.get('short')), [gap])
  t.equal(baselines.get('short')?.snapshot().runs[0]?.endedMs, scannedMs)
  t.strictSame(reasonsOf(baselines.get('before')), [], 'it had ended before the gap')
  t.strictSame(reasonsOf(baselines.get('within')), [
    { reason: 'attached-late', count: 1, fromMs: backMs, toMs: backMs },
  ])
  t.strictSame(told, ['ready', 'killed', 'ready'])
})

t.test('a cgroup that was there before and stays silent is no run', async (t) => {
  const script = new LearningScript().attach({ id: 7, path: pathOf('web') }).answer('web')
  t.strictSame(script.pass(10).end(), [])
})

t.test('a gap that nothing ends lasts to the end', async (t) => {
  const script = new LearningScript().attach().created(7, pathOf('web')).answer('web')
  script.pass(250).sensorEnded(false).pass(100)
  script.give({ kind: 'end' })
  t.strictSame(reasonsOf(script.session.baselines()[0]), [
    {
      reason: 'sensor-restarted',
      count: 1,
      fromMs: START_MS + 600,
      toMs: START_MS + 950,
    },
  ])
})

t.test('a sensor that never attached leaves no gap beside being late', async (t) => {
  const script = new LearningScript().scan({ id: 7, path: pathOf('web') }).answer('web')
  script.give({ kind: 'sensor-started' })
  const [web] = script.pass(10).sensorEnded(false).pass(10).restart().calls(7, { 1: 1 }).end()
  t.strictSame(
    reasonsOf(web).map(({ reason }) => reason),
    ['attached-late'],
  )
})

t.test('losses make a run partial only if they are of something that is learned', async (t) => {
  const cases: readonly [string, string, readonly Partial<Incompleteness>[]][] = [
    ['nothing lost', counters({ G: 1 }), []],
    ['early notices of calls', counters({ G: 1, S: 500 }), []],
    ['early notices of connections', counters({ G: 1, N: 500 }), []],
    [
      'executions, by any of their records',
      counters({ G: 1, E: 3, P: 3, F: 3 }),
      [{ reason: 'lost-events', count: 9, detail: 'exec' }],
    ],
    [
      'datagrams and unix sockets',
      counters({ G: 1, D: 2, X: 5 }),
      [
        { reason: 'lost-events', count: 2, detail: 'datagram' },
        { reason: 'lost-events', count: 5, detail: 'unix' },
      ],
    ],
    ['notices without room', counters({ G: 1 }, { S: 9, N: 9 }), []],
    [
      'lineages without room',
      counters({ G: 1 }, { L: 7 }),
      [{ reason: 'map-full', count: 7, detail: 'lineage' }],
    ],
    ['an unreadable record', record('E', 1), [{ reason: 'malformed-records', count: 1 }]],
  ]
  for (const [name, lines, expected] of cases) {
    const script = new LearningScript().attach().created(7, pathOf('web')).answer('web')
    const [web] = script.bytes(lines).end()
    t.strictSame(reasonsOf(web), expected, name)
  }
})

t.test('losses are told to the runs that they may belong to', async (t) => {
  const script = new LearningScript().attach()
  const started = (cgroup: number, word: string): void => {
    script.created(cgroup, pathOf(word)).answer(word, { imageDigest: digestOf(word) })
  }
  const printed = (sent: Record<string, number>): void => {
    script.bytes(counters(sent)).pass(2000)
  }
  started(1, 'first')
  printed({ G: 1 })
  printed({ G: 1 })
  script.removed(1)
  printed({ G: 1, g: 1 })
  printed({ G: 1, g: 1 })
  started(2, 'second')
  // Lost between this print and the one before, while `second` ran.
  printed({ G: 2, g: 1, E: 4 })
  script.removed(2)
  started(3, 'third')
  printed({ G: 3, g: 2, E: 4 })
  const partial = script
    .end()
    .filter((baseline) => baseline.completeness().state === 'partial')
    .map((baseline) => baseline.snapshot().runs[0]?.containerName)
  t.strictSame(new Set(partial), new Set(['second', 'third']))
  t.equal(script.requests.filter(({ kind }) => kind === 'scan').length, 1)
})

t.test('a lost cgroup record makes the tree be looked at', async (t) => {
  const script = new LearningScript().attach()
  script.asked()
  script.bytes(counters({ G: 1 }), counters({ G: 1 }))
  t.strictSame(script.asked(), [], 'two prints at one go may both be ahead of the record')
  script.pass(2000).bytes(counters({ G: 1 }))
  t.strictSame(script.asked(), ['scan'])
})

t.test('a full map of calls is a reason, told once', async (t) => {
  const script = new LearningScript().attach().created(7, pathOf('web')).answer('web')
  const full = Object.fromEntries(
    Array.from({ length: 65_536 }, (_, i) => [keyOf(7, 'main', i % 1024) + i * 65_536, 1]),
  )
  script.bytes(mapPrint('calls_a', full), counters({ G: 1 }), counters({ G: 1 }))
  const reasons = reasonsOf(script.end()[0])
  t.match(
    reasons.filter(({ reason }) => reason === 'map-full'),
    [{ reason: 'map-full', count: 1, detail: 'syscall' }],
  )
})
