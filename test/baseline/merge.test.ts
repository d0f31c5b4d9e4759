/** Merging: an algebra on what baselines say, whatever their order, names and revisions. */
import fc from 'fast-check'
import t from 'tap'
import { Baseline } from '../../src/baseline/baseline.js'
import { decodeBaseline, encodeBaseline } from '../../src/baseline/codec.js'
import {
  CONNECTION_LIMIT,
  EXEC_LIMIT,
  LISTENER_LIMIT,
  RUN_LIMIT,
} from '../../src/baseline/limits.js'
import { merged } from '../../src/baseline/merge.js'
import { byteStringOfText } from '../../src/bytes.js'
import type { EndpointObservation, ExecObservation } from '../../src/observation.js'
import { IMAGE, incompleteness, runFacts, RUNS, steps, take } from '../support/baseline-steps.js'

/** A baseline of `IMAGE` with runs of its own, named after `word`. */
function baselineOf(word: string): fc.Arbitrary<Baseline> {
  const times = fc.integer({ min: 0, max: 50 })
  return fc
    .record({
      runs: fc.array(fc.record({ startedMs: times, endedMs: times, missed: incompleteness }), {
        minLength: RUNS,
        maxLength: RUNS,
      }),
      steps: steps(12),
    })
    .map((from) => {
      const baseline = Baseline.empty(IMAGE)
      const runs = from.runs.map(({ startedMs, endedMs, missed }, i) =>
        baseline.startRun(
          runFacts(`${word}/${i}`, { startedMs, endedMs, incompleteness: [missed] }),
        ),
      )
      for (const step of from.steps) take(baseline, runs, step)
      return baseline
    })
}

const A = baselineOf('a')
const B = baselineOf('b')
const C = baselineOf('c')

function bytesOf(baseline: Baseline): string {
  return Buffer.from(encodeBaseline(baseline)).toString('hex')
}

function execution(path: string, atMs: number, changes: Partial<ExecObservation> = {}) {
  return {
    kind: 'exec',
    cgroupId: 7,
    lineage: 'main',
    atMs,
    pid: 1,
    ppid: 0,
    path: byteStringOfText(path),
    exe: byteStringOfText('x'),
    inode: 1,
    links: 1,
    fsMagic: 0x794c7630,
    upper: false,
    truncated: false,
    ...changes,
  } as const
}

function endpoint(kind: 'connect' | 'listen', address: string, atMs: number): EndpointObservation {
  return {
    kind,
    cgroupId: 7,
    lineage: 'main',
    atMs,
    pid: 1,
    protocol: 'unix',
    address: byteStringOfText(address),
    port: 0,
    source: 'user',
    count: 3,
    truncated: false,
  }
}

t.test('the order does not matter', async (t) => {
  fc.assert(
    fc.property(A, B, (a, b) => {
      t.equal(bytesOf(merged(a, b)), bytesOf(merged(b, a)))
    }),
    { numRuns: 60 },
  )
})

t.test('the grouping does not matter', async (t) => {
  fc.assert(
    fc.property(A, B, C, (a, b, c) => {
      t.equal(bytesOf(merged(merged(a, b), c)), bytesOf(merged(a, merged(b, c))))
    }),
    { numRuns: 40 },
  )
})

t.test('nothing is added twice', async (t) => {
  fc.assert(
    fc.property(A, B, (a, b) => {
      const sum = merged(a, b)
      t.equal(bytesOf(merged(a, a)), bytesOf(a))
      t.equal(bytesOf(merged(sum, b)), bytesOf(sum), 'a part brings nothing')
      t.equal(bytesOf(merged(a, sum)), bytesOf(sum), 'a whole is taken over')
    }),
    { numRuns: 30 },
  )
})

t.test('the sum can be stored, and says what both say', async (t) => {
  fc.assert(
    fc.property(A, B, (a, b) => {
      const before = [bytesOf(a), bytesOf(b)]
      const sum = merged(a, b)
      t.strictSame([bytesOf(a), bytesOf(b)], before, 'neither is changed')
      t.notOk('problem' in decodeBaseline(encodeBaseline(sum)))
      t.equal(sum.runCount, a.runCount + b.runCount)
      for (const one of [a, b]) {
        for (const { abi, nr } of one.syscalls('main')) t.ok(sum.hasSyscall('main', abi, nr))
      }
      const total = (of: Baseline): number =>
        of.syscalls('main').reduce((sumOfCounts, { count }) => sumOfCounts + count, 0)
      t.equal(total(sum), total(a) + total(b))
    }),
    { numRuns: 30 },
  )
})

t.test('revision and name are those of the one that is continued', async (t) => {
  const known = Baseline.empty({ ...IMAGE, name: 'known' })
  known.startRun(runFacts('a'))
  known.revision = 7
  const added = Baseline.empty({ ...IMAGE, name: 'added' })
  added.startRun(runFacts('b'))
  added.revision = 3
  const sum = merged(known, added)
  t.match(sum, { revision: 7, image: { name: 'known' } })
  const whole = merged(added, sum)
  t.match(whole, { revision: 3, image: { name: 'added' }, runCount: 2 }, 'also of a whole')
})

t.test('baselines that share a part of their runs are refused', async (t) => {
  const one = Baseline.empty(IMAGE)
  const other = Baseline.empty(IMAGE)
  for (const run of ['shared', 'a']) one.startRun(runFacts(run))
  for (const run of ['shared', 'b']) other.startRun(runFacts(run))
  t.throws(() => merged(one, other), { code: 'RUNS_OVERLAP', message: /1 runs .*localhost\/web/ })
})

t.test('of programs first seen at the same time one magic wins in both orders', async (t) => {
  const sides = [0x01021994, 0x794c7630].map((fsMagic, i) => {
    const baseline = Baseline.empty(IMAGE)
    const run = baseline.startRun(runFacts(`run ${i}`))
    baseline.learnExec(run, execution('/bin/sh', 500, { fsMagic }))
    return baseline
  })
  const [a, b] = sides
  if (a === undefined || b === undefined) throw new Error('there are two sides')
  for (const sum of [merged(a, b), merged(b, a)]) {
    t.match(sum.execs('main'), [{ fsMagic: 0x01021994, otherFs: true, count: 2, runs: 2 }])
  }
})

t.test('a set that would be too large collapses to what was seen first', async (t) => {
  const filled = (word: string, firstMs: number): Baseline => {
    const baseline = Baseline.empty(IMAGE)
    const run = baseline.startRun(runFacts(word))
    for (let i = 0; i < EXEC_LIMIT - 10; i++) {
      baseline.learnExec(run, execution(`/${word}/${i}`, firstMs + i))
    }
    for (let i = 0; i < CONNECTION_LIMIT - 10; i++) {
      baseline.learnEndpoint(run, endpoint('connect', `/${word}/${i}`, firstMs + i))
    }
    for (let i = 0; i < LISTENER_LIMIT - 10; i++) {
      baseline.learnEndpoint(run, endpoint('listen', `/${word}/${i}`, firstMs + i))
    }
    return baseline
  }
  const early = filled('early', 1_000)
  const late = filled('late', 100_000)
  const sum = merged(late, early)
  t.equal(bytesOf(sum), bytesOf(merged(early, late)))
  t.notOk('problem' in decodeBaseline(encodeBaseline(sum)), 'it can be read back')
  const cases = [
    [sum.execs('main'), EXEC_LIMIT, 'main execs', 1],
    [sum.connections('main'), CONNECTION_LIMIT, 'main connections', 3],
    [sum.listeners('main'), LISTENER_LIMIT, 'main listeners', 3],
  ] as const
  const { reasons } = sum.completeness()
  for (const [items, limit, detail, each] of cases) {
    t.equal(items.length, limit, detail)
    t.equal(items.filter(({ firstMs }) => firstMs < 100_000).length, limit - 10, detail)
    t.match(reasons.find((reason) => reason.detail === detail) ?? {}, {
      reason: 'map-full',
      count: (limit - 20) * each,
      fromMs: 100_000 + 10,
      toMs: 100_000 + limit - 11,
    })
  }
})

t.test('which runs are folded does not depend on the order', async (t) => {
  const lives = (word: string, count: number, startedMs: number): Baseline => {
    const baseline = Baseline.empty(IMAGE)
    for (let i = 0; i < count; i++) {
      baseline.startRun(runFacts(`${word}/${i}`, { startedMs: startedMs + i }))
    }
    return baseline
  }
  const old = lives('old', 600, 1_000)
  const young = lives('young', 600, 5_000)
  const sum = merged(old, young)
  t.equal(bytesOf(sum), bytesOf(merged(young, old)))
  t.equal(sum.runCount, 1200)
  t.match(sum.snapshot(), {
    foldedRuns: { runs: 1200 - RUN_LIMIT, firstStartedMs: 1_000 },
    runs: [{ runId: 'old/200' }],
  })
  const both = merged(sum, lives('more', 100, 9_000))
  t.match(both.snapshot().foldedRuns, { runs: 300, firstStartedMs: 1_000 })
})
