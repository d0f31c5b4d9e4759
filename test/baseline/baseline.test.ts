import { deepStrictEqual as deepEqual, equal } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { Baseline } from '../../src/baseline/baseline.js'
import { jsonView } from '../../src/baseline/json-view.js'
import { type ItemKey, itemKeyOf } from '../../src/baseline/item-key.js'
import type { RunHandle } from '../../src/baseline/run.js'
import { byteStringOf, byteStringOfText } from '../../src/bytes.js'
import { OTHER_VALUE } from '../../src/kernel/arguments.js'
import type { EndpointObservation, ExecObservation, Lineage } from '../../src/observation.js'
import { IMAGE, runFacts, RUNS, type Step, steps, take } from '../support/baseline-steps.js'
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
    uid: 0,
    atNs: 0,
    comm: byteStringOfText('x'),
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
    ppid: 0,
    uid: 0,
    atNs: 0,
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
      const twin = new NaiveBaseline(runFacts('').startedMs)
      for (const step of history) {
        equal(take(baseline, runs, step), take(twin, RUN_IDS, step))
      }
      for (const lineage of LINEAGES) {
        deepEqual(baseline.behaviour(lineage), twin.behaviour(lineage))
      }
      deepEqual(baseline.resources(), twin.resources())
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
      windows: 1,
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

t.test('a handle is good for the baseline that gave it, and for no other', async (t) => {
  const run = Baseline.empty(IMAGE).startRun(runFacts('a'))
  const other = Baseline.empty(IMAGE)
  t.throws(() => other.learnSyscall(run, 'main', 'x86_64', 1, 1, 1), /not of this baseline/)
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

t.test(
  'old runs are folded, and neither what they did nor what they missed is forgotten',
  async (t) => {
    const baseline = Baseline.empty(IMAGE)
    const lost = { reason: 'lost-events', count: 3 } as const
    const open = baseline.startRun(runFacts('open', { startedMs: 1, endedMs: 0 }))
    const first = baseline.startRun(runFacts('first', { startedMs: 2, incompleteness: [lost] }))
    for (const run of [open, first]) baseline.learnSyscall(run, 'main', 'x86_64', 1, 7, 1_000)
    for (let n = 0; n < 1000; n++) {
      const run = baseline.startRun(runFacts(`r${n}`, { startedMs: 10 + n }))
      baseline.learnSyscall(run, 'main', 'x86_64', 2, 1, 1_000)
      baseline.endRun(run, 2_000)
    }
    const { runs, folded } = baseline.snapshot()
    t.equal(runs.length, 1000)
    t.equal(baseline.runCount, 1000)
    t.match(folded, {
      upTo: { runId: 'first', startedMs: 2 },
      firstStartedMs: 1,
      lastEndedMs: 2_000,
      incompleteness: [lost],
    })
    t.match(
      baseline.syscalls('main'),
      [
        { nr: 1, count: 7, runs: 1 },
        { nr: 2, count: 1000, runs: 1000 },
      ],
      'of what is folded at least so much is known',
    )
    baseline.addIncompleteness(first, lost)
    baseline.endRun(first, 3_000)
    t.ok(baseline.learnSyscall(open, 'main', 'x86_64', 3, 1, 3_500), 'and they learn on')
    t.match(baseline.snapshot().folded, { lastEndedMs: 3_000, incompleteness: [{ count: 6 }] })
    t.ok(baseline.hasSyscall('main', 'x86_64', 3))
    t.strictSame(baseline.completeness(), { state: 'partial', reasons: [{ ...lost, count: 6 }] })
  },
)

function isCounted(step: Step): boolean {
  return step.kind !== 'program' && !(step.kind === 'endpoint' && step.seen.count === 0)
}

t.test('a run that has settled learns on as if it had not', async (t) => {
  fc.assert(
    fc.property(steps(12), steps(12), (before, after) => {
      const baselines = [true, false].map((settles) => {
        const baseline = Baseline.empty(IMAGE)
        const runs = RUN_IDS.map((runId) => baseline.startRun(runFacts(runId, { endedMs: 0 })))
        const others = Array.from({ length: 40 }, (_, n) => baseline.startRun(runFacts(`o${n}`)))
        // A hint that came last hides a window from a run that settles: see `EvidenceColumns.restore`.
        for (const step of before.filter(isCounted)) take(baseline, runs, step)
        for (const run of runs) baseline.endRun(run, 9_000)
        for (const run of settles ? others : []) baseline.endRun(run, 9_000)
        for (const step of after) take(baseline, runs, step)
        for (const run of others) baseline.endRun(run, 9_000)
        return baseline
      })
      const [settled, live] = baselines
      deepEqual(settled?.snapshot(), live?.snapshot())
    }),
    { numRuns: 60 },
  )
  t.pass('60 histories')
})

t.test('arguments are known as long as every call told its own', async (t) => {
  const [SOCKET, CLONE, PRCTL] = [41, 56, 157]
  const call = (baseline: Baseline, run: RunHandle, nr: number, ...values: readonly number[]) => {
    for (const value of values) baseline.learnArgument(run, 'main', 'x86_64', nr, value, 1, 1_000)
    baseline.learnSyscall(run, 'main', 'x86_64', nr, values.length, 1_000)
  }
  const learned = (...runs: readonly ((baseline: Baseline, run: RunHandle) => void)[]) => {
    const baseline = Baseline.empty(IMAGE)
    for (const [n, learn] of runs.entries()) learn(baseline, baseline.startRun(runFacts(`r${n}`)))
    return baseline
  }
  const cases: readonly (readonly [string, Baseline, readonly number[] | undefined])[] = [
    ['never made', learned(), undefined],
    ['one value twice', learned((b, run) => call(b, run, SOCKET, 33, 33)), [33]],
    [
      'values of two runs',
      learned(
        (b, run) => call(b, run, SOCKET, 33),
        (b, run) => call(b, run, SOCKET, 17, 33),
      ),
      [17, 33],
    ],
    [
      'a run whose sensor told no arguments',
      learned(
        (b, run) => call(b, run, SOCKET, 33, 33, 33),
        (b, run) => b.learnSyscall(run, 'main', 'x86_64', SOCKET, 1, 1_000),
      ),
      undefined,
    ],
    [
      'more calls than arguments',
      learned((b, run) => {
        call(b, run, SOCKET, 33)
        b.learnSyscall(run, 'main', 'x86_64', SOCKET, 1, 2_000)
      }),
      undefined,
    ],
    [
      'a value that is not told apart',
      learned((b, run) => call(b, run, SOCKET, 33, OTHER_VALUE)),
      undefined,
    ],
    [
      'as many values as fit',
      learned((b, run) => call(b, run, SOCKET, ...Array.from({ length: 64 }, (_, n) => n))),
      Array.from({ length: 64 }, (_, n) => n),
    ],
    [
      'one value more',
      learned((b, run) => call(b, run, SOCKET, ...Array.from({ length: 65 }, (_, n) => n))),
      undefined,
    ],
    [
      'too many values only in the sum of the runs',
      learned(
        (b, run) => call(b, run, SOCKET, ...Array.from({ length: 40 }, (_, n) => n)),
        (b, run) => call(b, run, SOCKET, ...Array.from({ length: 40 }, (_, n) => 30 + n)),
      ),
      undefined,
    ],
    ['only another call', learned((b, run) => call(b, run, CLONE, 0)), undefined],
    [
      'only another lineage',
      learned((b, run) => b.learnArgument(run, 'exec', 'x86_64', SOCKET, 33, 1, 1)),
      undefined,
    ],
    [
      'a hint, and no call yet',
      learned((b, run) => {
        call(b, run, SOCKET, 33)
        b.learnProgram(run, 'main', 'x86_64', SOCKET, byteStringOfText('/bin/app'), 1_000)
      }),
      [33],
    ],
  ]
  for (const [name, baseline, expected] of cases) {
    t.strictSame(baseline.argumentValues('main', 'x86_64', SOCKET), expected, name)
    const copy = Baseline.of(baseline.snapshot())
    t.strictSame(copy.argumentValues('main', 'x86_64', SOCKET), expected, `${name}: stored`)
    t.equal(baseline.argumentValues('main', 'x86_64', PRCTL), undefined)
  }
  const other = learned((b, run) => {
    t.notOk(b.learnArgument(run, 'main', 'x86_64', 1, 7, 1, 1), 'write has no such argument')
    t.notOk(b.learnArgument(run, 'main', 'x86_64', SOCKET, 7, 0, 1), 'nothing happened')
    t.ok(b.learnArgument(run, 'main', 'x86_64', SOCKET, 7, 1, 1))
    t.notOk(b.learnArgument(run, 'main', 'x86_64', SOCKET, 7, 1, 1), 'known')
  })
  t.match(other.arguments('main'), [{ nr: SOCKET, value: 7, count: 2, runs: 1, windows: 1 }])
})

t.test('time windows are counted in which something was done, once each', async (t) => {
  const baseline = Baseline.empty(IMAGE)
  const run = baseline.startRun(runFacts('a', { startedMs: 1_000 }))
  const program = byteStringOfText('/bin/ls')
  for (const atMs of [500, 1_000, 60_999, 61_000, 61_001, 300_000, 70_000]) {
    baseline.learnSyscall(run, 'main', 'x86_64', 1, 1, atMs)
    baseline.learnProgram(run, 'main', 'x86_64', 2, program, atMs)
  }
  t.match(baseline.syscalls('main'), [
    { nr: 1, count: 7, windows: 3 },
    { nr: 2, count: 0, windows: 0 },
  ])
  t.equal(baseline.snapshot().runs[0]?.windowMs, 60_000)
})

t.test('what a run did hangs on that run alone', async (t) => {
  fc.assert(
    fc.property(steps(12), (history) => {
      const together = Baseline.empty(IMAGE)
      const runs = RUN_IDS.map((runId) => together.startRun(runFacts(runId)))
      for (const step of history) take(together, runs, step)
      const apart = RUN_IDS.map((runId, run) => {
        const baseline = Baseline.empty(IMAGE)
        const handle = baseline.startRun(runFacts(runId))
        for (const step of history)
          if (step.run === run) take(baseline, [handle], { ...step, run: 0 })
        return baseline
      })
      deepEqual(
        apart.flatMap((baseline) => baseline.snapshot().runs),
        together.snapshot().runs,
      )
    }),
    { numRuns: 100 },
  )
  t.pass('100 histories')
})

t.test('of two verdicts on an item the later counts, and so with seals', async (t) => {
  const baseline = Baseline.empty(IMAGE)
  const item = itemKeyOf({ kind: 'syscall', abi: 'x86_64', nr: 101 })
  const other = itemKeyOf({ kind: 'syscall', abi: 'x86_64', nr: 90 })
  const rejected = { item, verdict: 'rejected', atMs: 20, by: 'ann', reason: 'no' } as const
  baseline.setVerdict(rejected)
  baseline.setVerdict({ ...rejected, verdict: 'approved', atMs: 10 })
  baseline.setVerdict({ ...rejected, item: other })
  const kinds = ['io_uring', 'syscall', 'io_uring'] as const
  baseline.setSeal({ atMs: 30, by: 'ann', contentHash: 'b', items: [item, other, item], kinds })
  baseline.setSeal({ atMs: 29, by: 'bob', contentHash: 'c', items: [], kinds: [] })
  t.strictSame(baseline.decisions, {
    verdicts: [{ ...rejected, item: other }, rejected],
    seal: {
      atMs: 30,
      by: 'ann',
      contentHash: 'b',
      items: [other, item],
      kinds: ['syscall', 'io_uring'],
    },
  })
  baseline.setVerdict({ ...rejected, verdict: 'approved', atMs: 21 })
  t.match(baseline.decisions.verdicts, [{ verdict: 'rejected' }, { verdict: 'approved' }])
})

t.test('a decision about nothing is a mistake of the caller', async (t) => {
  const baseline = Baseline.empty(IMAGE)
  const exe = byteStringOfText('sh')
  const long = itemKeyOf({ kind: 'exec', path: byteStringOfText('x'.repeat(9_000)), exe })
  for (const item of ['' as ItemKey, 'read' as ItemKey, long]) {
    const verdict = { item, verdict: 'approved', atMs: 1, by: '', reason: '' } as const
    t.throws(() => baseline.setVerdict(verdict), /must be about an item/)
    const seal = { atMs: 1, by: '', contentHash: '', items: [item], kinds: [] }
    t.throws(() => baseline.setSeal(seal), /must be about an item/)
  }
})

t.test('no decision is dropped for want of room', async (t) => {
  const baseline = Baseline.empty(IMAGE)
  const verdictOn = (n: number) => ({
    item: itemKeyOf({ kind: 'exec', path: byteStringOfText(`/${n}`), exe: byteStringOfText('x') }),
    verdict: 'rejected' as const,
    atMs: n,
    by: 'ann',
    reason: '',
  })
  for (let n = 0; n < 4096; n++) baseline.setVerdict(verdictOn(n))
  const full = { code: 'DECISIONS_FULL' }
  t.throws(() => baseline.setVerdict(verdictOn(4096)), full)
  baseline.setVerdict({ ...verdictOn(0), verdict: 'approved', atMs: 9_999 })
  t.equal(baseline.decisions.verdicts.length, 4096)
  const items = Array.from({ length: 16_385 }, (_, n) => verdictOn(n).item)
  const seal = { atMs: 1, by: 'ann', contentHash: '', kinds: [] }
  t.throws(() => baseline.setSeal({ ...seal, items }), full)
  baseline.setSeal({ ...seal, items: items.slice(1) })
  const long = byteStringOfText('x'.repeat(4096))
  const heavy = Array.from({ length: 3000 }, (_, n) =>
    itemKeyOf({ kind: 'exec', path: long, exe: byteStringOfText(String(n)) }),
  )
  t.throws(() => baseline.setSeal({ ...seal, atMs: 2, items: heavy }), full, 'too much text')
  t.equal(baseline.decisions.seal?.items.length, 16_384)
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
