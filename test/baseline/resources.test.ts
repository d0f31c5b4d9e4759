/** What workloads took: peaks per run, and over all runs. */
import t from 'tap'
import { Baseline } from '../../src/baseline/baseline.js'
import { merged } from '../../src/baseline/merge.js'
import type { ResourceSample } from '../../src/baseline/resources.js'
import { IMAGE, runFacts } from '../support/baseline-steps.js'
import { TIGHT } from '../support/shards.js'

function sampled(runs: Readonly<Record<string, readonly ResourceSample[]>>): Baseline {
  const baseline = Baseline.empty(IMAGE)
  for (const [runId, samples] of Object.entries(runs)) {
    const run = baseline.startRun(runFacts(runId, { startedMs: runId.charCodeAt(0) }))
    for (const sample of samples) baseline.learnResources(run, sample)
  }
  return baseline
}

const SMALL = { memoryBytes: 100, cpuMilli: 900, pids: 2 }
const LARGE = { memoryBytes: 900, cpuMilli: 100, pids: 3 }

t.test('each peak is that of any sample, with how much it rests on', async (t) => {
  t.equal(sampled({ a: [] }).resources(), undefined)
  t.same(sampled({ a: [SMALL, LARGE, SMALL], b: [], c: [SMALL] }).resources(), {
    memoryBytes: 900,
    cpuMilli: 900,
    pids: 3,
    samples: 4,
    runs: 2,
  })
})

t.test('what is no sample is ignored, fractions are cut off', async (t) => {
  for (const wrong of [-1, Number.NaN, Number.NEGATIVE_INFINITY]) {
    t.equal(sampled({ a: [{ ...SMALL, cpuMilli: wrong }] }).resources(), undefined, String(wrong))
  }
  const odd = { memoryBytes: Number.POSITIVE_INFINITY, cpuMilli: 1.9, pids: -0 }
  t.strictSame(sampled({ a: [odd] }).snapshot().runs[0]?.resources, {
    memoryBytes: Number.MAX_SAFE_INTEGER,
    cpuMilli: 1,
    pids: 0,
    samples: 1,
  })
})

t.test('samples of one run count once, however often it is merged', async (t) => {
  const early = sampled({ a: [SMALL] })
  const late = sampled({ a: [SMALL, LARGE] })
  const other = sampled({ b: [SMALL] })
  const expected = { memoryBytes: 900, cpuMilli: 900, pids: 3, samples: 3, runs: 2 }
  t.same(merged(merged(early, late), merged(late, other)).resources(), expected)
  t.same(merged(merged(other, late), early).resources(), expected)
})

t.test('peaks outlive the runs that are no longer listed', async (t) => {
  const samples = { a: [LARGE, LARGE, LARGE], b: [SMALL], c: [SMALL], d: [SMALL], e: [SMALL] }
  const all = merged(sampled(samples), sampled({ b: [SMALL] }), TIGHT)
  t.equal(all.runCount, 3)
  t.same(all.resources(), { memoryBytes: 900, cpuMilli: 900, pids: 3, samples: 6, runs: 4 })
  t.same(all.snapshot().folded?.resources, { ...LARGE, cpuMilli: 900, samples: 3 })
})

t.test('a run that is learned on after it has settled keeps its peaks', async (t) => {
  const baseline = Baseline.empty(IMAGE)
  const runs = Array.from({ length: 40 }, (_, n) => {
    const run = baseline.startRun(runFacts(`r${n}`, { startedMs: n, endedMs: 0 }))
    baseline.learnResources(run, LARGE)
    baseline.endRun(run, 5_000)
    return run
  })
  for (const run of runs) baseline.learnResources(run, SMALL)
  t.same(baseline.resources(), {
    memoryBytes: 900,
    cpuMilli: 900,
    pids: 3,
    samples: 80,
    runs: 40,
  })
})
