/** How far learning is, from what runs did, and from what time windows of a long run brought. */
import t from 'tap'
import { Baseline } from '../../src/baseline/baseline.js'
import { contentHashOf } from '../../src/baseline/content-hash.js'
import { DEFAULT_GATE } from '../../src/baseline/coverage.js'
import { evidenceOf } from '../../src/baseline/item-evidence.js'
import { itemText } from '../../src/baseline/item-text.js'
import { seal } from '../../src/baseline/approval.js'
import { progressOf } from '../../src/baseline/progress.js'
import { syscallNr } from '../../src/kernel/syscalls.js'
import type { Lineage } from '../../src/observation.js'
import { IMAGE, runFacts } from '../support/baseline-steps.js'

const MINUTE = 60_000

function learn(
  baseline: Baseline,
  run: { readonly runId: string; readonly startedMs: number },
  calls: readonly (readonly [name: string, atMs: number])[],
  lineage: Lineage = 'main',
): void {
  for (const [name, atMs] of calls) {
    baseline.learnSyscall(run, lineage, 'x86_64', syscallNr('x86_64', name) ?? 0, 1, atMs)
  }
}

/** A baseline of runs one after the other; each is what it calls. */
function ofRuns(runs: readonly (readonly string[])[]): Baseline {
  const baseline = Baseline.empty(IMAGE)
  for (const [index, calls] of runs.entries()) {
    const startedMs = (index + 1) * 1000
    const run = baseline.startRun(runFacts(`run-${index}`, { startedMs, endedMs: startedMs + 500 }))
    learn(
      baseline,
      run,
      calls.map((name) => [name, startedMs + 100]),
    )
  }
  return baseline
}

t.test('runs are units, in the order of their starts', async (t) => {
  const { unit, coverage, state } = progressOf(
    ofRuns([['read', 'write'], ['read', 'chmod'], ['read']]),
  )
  t.equal(unit, 'run')
  t.equal(state, 'learning')
  t.match(coverage, { units: 3, items: 3, singletons: 2, doubletons: 0, curve: [2, 1, 0] })
  t.equal(progressOf(ofRuns(Array.from({ length: 20 }, () => ['read']))).state, 'stable')
})

t.test('a run under way is no unit yet', async (t) => {
  const baseline = ofRuns([['read'], ['read', 'chmod']])
  const { coverage } = progressOf(baseline, DEFAULT_GATE, new Set(['run-1']))
  t.match(coverage, { units: 1, items: 1 })
})

t.test('what a filter refused is nothing new, a capability and an operation are', async (t) => {
  const baseline = ofRuns(Array.from({ length: 20 }, () => ['read']))
  const hash = contentHashOf(baseline)
  const startedMs = 90_000
  const run = baseline.startRun(runFacts('more', { startedMs, endedMs: 90_500 }))
  learn(baseline, run, [['read', startedMs]])
  baseline.learnDenial(run, 'main', 'x86_64', syscallNr('x86_64', 'mkdir') ?? 0, 5, startedMs)
  const quiet = progressOf(baseline)
  t.equal(quiet.state, 'stable')
  t.match(quiet.coverage, { units: 21, items: 1, quietUnits: 20 })
  t.match(evidenceOf(baseline, { kind: 'syscall', abi: 'x86_64', nr: 83 }), { count: 5, runs: 1 })
  t.not(contentHashOf(baseline), hash, 'but there is something to decide on')
  baseline.learnCapability(run, { lineage: 'main', capability: 13, count: 1, atMs: startedMs })
  baseline.learnUringOp(run, { lineage: 'probe', opcode: 16, count: 1, atMs: startedMs })
  const { state, coverage, latest } = progressOf(baseline)
  t.equal(state, 'learning')
  t.match(coverage, { items: 3, singletons: 2, quietUnits: 0 })
  t.same(latest.map(itemText).toSorted(), ['capability:CAP_NET_RAW', 'io_uring:CONNECT'])
})

t.test('injected processes and the runtime do not count, the health check does', async (t) => {
  const baseline = ofRuns([['read']])
  const run = baseline.startRun(runFacts('more', { startedMs: 9_000, endedMs: 9_500 }))
  learn(baseline, run, [['chmod', 9_100]], 'exec')
  learn(baseline, run, [['mkdir', 9_100]], 'runtime')
  t.equal(progressOf(baseline).coverage.items, 1)
  learn(baseline, run, [['uname', 9_100]], 'probe')
  t.equal(progressOf(baseline).coverage.items, 2)
})

t.test('of one long run, windows are units, without its start-up', async (t) => {
  const baseline = Baseline.empty(IMAGE)
  const facts = runFacts('long', { startedMs: MINUTE, endedMs: 0, attachedMs: 0 })
  const run = baseline.startRun(facts)
  learn(baseline, run, [
    ['execve', MINUTE],
    ['bind', MINUTE + 1000],
  ])
  for (let window = 1; window <= 25; window++) {
    const atMs = MINUTE + window * MINUTE + 10
    learn(baseline, run, [
      ['read', atMs],
      ...(window === 3 ? ([['chmod', atMs]] as const) : []),
      ...(window === 12 ? ([['bind', atMs]] as const) : []),
    ])
  }
  const { unit, coverage, state, latest } = progressOf(baseline)
  t.equal(unit, 'window')
  // the 25th window is not over yet
  t.match(coverage, { units: 24, items: 2, singletons: 1, doubletons: 0 })
  t.same(coverage.curve.slice(0, 4), [1, 0, 1, 0])
  t.equal(state, 'stable', 'one in 24 is below one in 20')
  t.same(latest, [])
})

t.test(
  'a service that uses a new name in every window is unstable, and says by what',
  async (t) => {
    const baseline = Baseline.empty(IMAGE)
    const run = baseline.startRun(runFacts('odd', { startedMs: MINUTE, endedMs: 0, attachedMs: 0 }))
    for (let window = 0; window <= 60; window++) {
      const atMs = MINUTE + window * MINUTE
      learn(baseline, run, [['read', atMs]])
      baseline.learnEndpoint(run, {
        kind: 'connect',
        cgroupId: 1,
        lineage: 'main',
        atMs,
        pid: 1,
        ppid: 0,
        uid: 0,
        atNs: 0,
        protocol: 'tcp',
        address: '10.0.0.1' as never,
        port: 10_000 + window,
        source: 'kernel',
        count: 1,
        truncated: false,
      })
    }
    const { state, latest } = progressOf(baseline)
    t.equal(state, 'unstable')
    t.match(
      itemText(latest[0] ?? { kind: 'syscall', abi: 'x86_64', nr: 0 }),
      /^connect:tcp:10\.0\.0\.1:100\d\d$/,
    )
  },
)

t.test('a seal ends the question', async (t) => {
  const baseline = ofRuns([['read']])
  seal(baseline, { by: 'x', atMs: 1, reason: '', contentHash: contentHashOf(baseline) })
  t.match(progressOf(baseline), { state: 'sealed', settling: 'learning' })
})
