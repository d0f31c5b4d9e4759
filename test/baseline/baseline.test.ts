import { deepStrictEqual as deepEqual, equal } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { Baseline } from '../../src/baseline/baseline.js'
import { jsonView } from '../../src/baseline/json-view.js'
import { byteStringOf, byteStringOfText } from '../../src/bytes.js'
import type { EndpointObservation, ExecObservation, Lineage } from '../../src/observation.js'
import { IMAGE, runFacts, RUNS, steps, take } from '../support/baseline-steps.js'
import { NaiveBaseline } from '../support/naive-baseline.js'

const LINEAGES: readonly Lineage[] = ['runtime', 'main', 'exec', 'probe']
const RUN_IDS = Array.from({ length: RUNS }, (_, n) => `run ${n}`)

function execOf(path: string, changes: Partial<ExecObservation> = {}): ExecObservation {
  return {
    kind: 'exec',
    cgroupId: 1,
    lineage: 'main',
    atMs: 5_000,
    pid: 2,
    ppid: 1,
    path: byteStringOfText(path),
    exe: byteStringOfText('sh'),
    inode: 9,
    links: 1,
    fsMagic: 0x794c7630,
    upper: false,
    truncated: false,
    ...changes,
  }
}

function connectionTo(
  address: string,
  changes: Partial<EndpointObservation> = {},
): EndpointObservation {
  return {
    kind: 'connect',
    cgroupId: 1,
    lineage: 'main',
    atMs: 5_000,
    pid: 2,
    protocol: 'tcp',
    address: byteStringOfText(address),
    port: 443,
    source: 'kernel',
    count: 1,
    truncated: false,
    ...changes,
  }
}

t.test('a baseline says and keeps what its naive twin does', async (t) => {
  fc.assert(
    fc.property(steps(12), (history) => {
      const baseline = Baseline.empty(IMAGE)
      const runs = RUN_IDS.map((runId) => baseline.startRun(runFacts(runId)))
      const twin = new NaiveBaseline()
      for (const step of history) {
        equal(take(baseline, runs, step), take(twin, RUN_IDS, step))
      }
      const { behaviours } = baseline.snapshot()
      for (const lineage of LINEAGES) {
        deepEqual(behaviours[lineage], twin.behaviour(lineage))
      }
    }),
    { numRuns: 500 },
  )
  t.pass('500 histories')
})

t.test('a call is known in its lineage and under its ABI only', async (t) => {
  const baseline = Baseline.empty(IMAGE)
  const run = baseline.startRun(runFacts('a'))
  baseline.learnSyscall(run, 'main', 'i386', 20, 1, 1)
  t.ok(baseline.hasSyscall('main', 'i386', 20))
  t.notOk(baseline.hasSyscall('main', 'x86_64', 20))
  t.notOk(baseline.hasSyscall('exec', 'i386', 20))
})

t.test('a hint makes a call known without counting it', async (t) => {
  const baseline = Baseline.empty(IMAGE)
  const run = baseline.startRun(runFacts('a'))
  const program = byteStringOfText('/bin/ls')
  t.ok(baseline.learnProgram(run, 'main', 'x86_64', 1, program, 50))
  t.notOk(baseline.learnSyscall(run, 'main', 'x86_64', 1, 7, 60))
  t.strictSame(baseline.syscalls('main'), [
    {
      abi: 'x86_64',
      nr: 1,
      firstMs: 50,
      lastMs: 60,
      count: 7,
      runs: 1,
      programs: [program],
      morePrograms: false,
    },
  ])
})

t.test('counts stop at the largest exact number', async (t) => {
  const baseline = Baseline.empty(IMAGE)
  const run = baseline.startRun(runFacts('a'))
  baseline.learnSyscall(run, 'main', 'x86_64', 1, Number.MAX_SAFE_INTEGER, 1)
  baseline.learnSyscall(run, 'main', 'x86_64', 1, 5, 1)
  t.equal(baseline.syscalls('main')[0]?.count, Number.MAX_SAFE_INTEGER)
})

t.test('a full set lists what came first and counts the rest', async (t) => {
  const cases = [
    {
      name: 'execs',
      limit: 1024,
      learn: (baseline: Baseline, run: ReturnType<Baseline['startRun']>, n: number) =>
        baseline.learnExec(run, execOf(`/bin/${n}`)),
      size: (baseline: Baseline) => baseline.execs('main').length,
    },
    {
      name: 'connections',
      limit: 4096,
      learn: (baseline: Baseline, run: ReturnType<Baseline['startRun']>, n: number) =>
        baseline.learnEndpoint(run, connectionTo(`10.0.0.${n}`)),
      size: (baseline: Baseline) => baseline.connections('main').length,
    },
    {
      name: 'listeners',
      limit: 512,
      learn: (baseline: Baseline, run: ReturnType<Baseline['startRun']>, n: number) =>
        baseline.learnEndpoint(run, connectionTo('0.0.0.0', { kind: 'listen', port: n })),
      size: (baseline: Baseline) => baseline.listeners('main').length,
    },
  ]
  for (const { name, limit, learn, size } of cases) {
    const baseline = Baseline.empty(IMAGE)
    const run = baseline.startRun(runFacts('a'))
    for (let n = 0; n < limit; n++) learn(baseline, run, n)
    t.equal(baseline.completeness().state, 'full', `${name} at the limit`)
    for (let n = limit; n < limit + 7; n++) t.notOk(learn(baseline, run, n), `${name} beyond`)
    t.notOk(learn(baseline, run, 0), `${name}: a listed item is still learned`)
    t.equal(size(baseline), limit, name)
    t.strictSame(baseline.completeness(), {
      state: 'partial',
      reasons: [
        { reason: 'map-full', count: 7, fromMs: 5_000, toMs: 5_000, detail: `main ${name}` },
      ],
    })
  }
})

t.test('a program table that is full shows as more programs', async (t) => {
  const baseline = Baseline.empty(IMAGE)
  const run = baseline.startRun(runFacts('a'))
  for (let n = 0; n < 1025; n++) {
    const program = byteStringOfText(`/p${n}`)
    baseline.learnProgram(run, 'main', n < 1023 ? 'x86_64' : 'arm', n % 1023, program, 1)
  }
  const evidence = baseline.syscalls('main')
  t.strictSame(evidence.at(-2)?.programs, [byteStringOfText('/p1023')])
  t.match(evidence.at(-1), { programs: [], morePrograms: true })
})

t.test('text beyond the bounds is cut and says so', async (t) => {
  const baseline = Baseline.empty(IMAGE)
  const run = baseline.startRun(runFacts('a'))
  baseline.learnExec(run, execOf('x'.repeat(5000)))
  baseline.learnEndpoint(run, connectionTo('x'.repeat(300), { protocol: 'unix', port: 0 }))
  const [program] = baseline.execs('main')
  t.equal(program?.path.length, 4096)
  t.ok(program?.truncated)
  t.match(baseline.connections('main'), [{ address: 'x'.repeat(256), truncated: true }])
  t.strictSame(baseline.completeness().reasons, [
    { reason: 'truncated', count: 1, detail: 'connect' },
    { reason: 'truncated', count: 1, detail: 'exec' },
  ])
})

t.test('what was odd about a program once stays on record', async (t) => {
  const baseline = Baseline.empty(IMAGE)
  const run = baseline.startRun(runFacts('a'))
  baseline.learnExec(run, execOf('/bin/sh'))
  baseline.learnExec(run, execOf('/bin/sh', { upper: true, links: 0, fsMagic: 0x01021994 }))
  baseline.learnExec(run, execOf('/bin/sh'))
  t.match(baseline.execs('main'), [
    { count: 3, upper: true, fileless: true, otherFs: true, fsMagic: 0x794c7630 },
  ])
})

t.test('a run that is on record cannot be started again', async (t) => {
  const baseline = Baseline.empty(IMAGE)
  baseline.startRun(runFacts('a'))
  t.ok(baseline.hasRun('a'))
  t.throws(() => baseline.startRun(runFacts('a')), { code: 'RUN_STARTED_TWICE' })
  t.equal(baseline.runCount, 1)
})

t.test('a late report after the end of a run counts for that run once', async (t) => {
  const baseline = Baseline.empty(IMAGE)
  const run = baseline.startRun(runFacts('a', { endedMs: 0 }))
  baseline.learnSyscall(run, 'main', 'x86_64', 1, 1, 1)
  baseline.endRun(run, 99)
  baseline.learnSyscall(run, 'main', 'x86_64', 1, 1, 100)
  t.match(baseline.syscalls('main'), [{ count: 2, runs: 1 }])
  t.equal(baseline.snapshot().runs[0]?.endedMs, 99)
})

t.test('old runs are folded and what they missed is not forgotten', async (t) => {
  const baseline = Baseline.empty(IMAGE)
  const open = baseline.startRun(runFacts('open', { startedMs: 1, endedMs: 0 }))
  const lost = { reason: 'lost-events', count: 3 } as const
  const first = baseline.startRun(runFacts('first', { startedMs: 2, incompleteness: [lost] }))
  for (let n = 0; n < 1000; n++) baseline.startRun(runFacts(`r${n}`, { startedMs: 10 + n }))
  const { runs, foldedRuns } = baseline.snapshot()
  t.equal(runs.length, 1000)
  t.ok(baseline.hasRun('open'), 'a run that goes on is kept')
  t.notOk(baseline.hasRun('first'))
  t.equal(baseline.runCount, 1002)
  t.match(foldedRuns, { runs: 2, firstStartedMs: 2, lastEndedMs: 2_000, incompleteness: [lost] })
  baseline.addIncompleteness(first, lost)
  baseline.endRun(first, 3_000)
  baseline.endRun(open, 4_000)
  t.match(baseline.snapshot().foldedRuns, { lastEndedMs: 3_000, incompleteness: [{ count: 6 }] })
  t.strictSame(baseline.completeness(), { state: 'partial', reasons: [{ ...lost, count: 6 }] })
})

t.test('a baseline without runs is no complete one', async (t) => {
  t.strictSame(Baseline.empty(IMAGE).completeness(), { state: 'partial', reasons: [] })
})

t.test('reasons are added up by reason and detail, and gaps span', async (t) => {
  const baseline = Baseline.empty(IMAGE)
  const a = baseline.startRun(runFacts('a'))
  const b = baseline.startRun(runFacts('b'))
  baseline.addIncompleteness(a, { reason: 'sensor-restarted', count: 1, fromMs: 50, toMs: 60 })
  baseline.addIncompleteness(b, { reason: 'sensor-restarted', count: 1, fromMs: 40, toMs: 45 })
  baseline.addIncompleteness(b, { reason: 'map-full', count: 2, detail: 'seen' })
  baseline.addIncompleteness(b, { reason: 'map-full', count: 1, detail: '' })
  t.strictSame(baseline.completeness().reasons, [
    { reason: 'map-full', count: 1 },
    { reason: 'map-full', count: 2, detail: 'seen' },
    { reason: 'sensor-restarted', count: 2, fromMs: 40, toMs: 60 },
  ])
})

t.test('details without end do not grow a run without end', async (t) => {
  const baseline = Baseline.empty(IMAGE)
  const run = baseline.startRun(runFacts('a'))
  for (let n = 0; n < 100; n++) {
    baseline.addIncompleteness(run, { reason: 'lost-events', count: 1, detail: `class ${n}` })
  }
  const { reasons } = baseline.completeness()
  t.equal(reasons.length, 33)
  t.strictSame(reasons[0], { reason: 'lost-events', count: 68 })
})

t.test('an image needs a digest that is one', async (t) => {
  for (const digest of ['', 'sha256:', `sha256:${'A'.repeat(64)}`, '../../etc', 'sha512:00']) {
    t.throws(() => Baseline.empty({ ...IMAGE, digest }), { code: 'BAD_DIGEST' }, digest)
  }
})

t.test('the view has names, ISO times and nothing unprintable', async (t) => {
  const baseline = Baseline.empty({ ...IMAGE, name: 'evil\u001b[2J\u202e:1' })
  const run = baseline.startRun(runFacts('a', { endedMs: 0, containerName: 'x\ny' }))
  const program = byteStringOf(Uint8Array.of(0x2f, 0xff, 0x1b, 0x5c, 0x22))
  baseline.learnProgram(run, 'main', 'x86_64', 39, program, 1_700_000_000_000)
  baseline.learnExec(run, execOf('/a\tb', { atMs: 0 }))
  baseline.addIncompleteness(run, { reason: 'sensor-restarted', count: 1, fromMs: 0, toMs: 1 })
  const view = jsonView(baseline, (abi, nr) => `${abi}/${nr}`)
  t.match(view, {
    image: { name: 'evil\\x1b[2J\\xe2\\x80\\xae:1', entrypoint: ['/bin/sh', '-c'] },
    completeness: {
      state: 'partial',
      reasons: [{ reason: 'sensor-restarted', from: '1970-01-01T00:00:00.000Z', detail: null }],
    },
    runs: [{ runId: 'a', containerName: 'x\\x0ay', ended: null }],
    foldedRuns: null,
    lineages: {
      main: {
        syscalls: [
          {
            name: 'x86_64/39',
            first: '2023-11-14T22:13:20.000Z',
            programs: ['/\\xff\\x1b\\\\"'],
          },
        ],
        execs: [{ path: '/a\\x09b', fsMagic: '0x794c7630' }],
        execsCollapsed: null,
      },
      probe: { syscalls: [] },
    },
  })
  t.notMatch(JSON.stringify(view), /[^ -~]/, 'plain ASCII here')
})
