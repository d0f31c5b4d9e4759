/** What becomes of facts about capabilities, io_uring, refused calls and resources on their way into a baseline. */
import t from 'tap'
import { Baseline } from '../../src/baseline/baseline.js'
import { ITEM_KINDS, type NamedItem } from '../../src/baseline/item-key.js'
import { itemText } from '../../src/baseline/item-text.js'
import { byteStringOfText } from '../../src/bytes.js'
import { Lessons } from '../../src/engine/lessons.js'
import { Runs } from '../../src/engine/runs.js'
import { syscallNr } from '../../src/kernel/syscalls.js'
import type {
  CapabilityObservation,
  Lineage,
  Observation,
  UringObservation,
} from '../../src/observation.js'
import { IMAGE, runFacts } from '../support/baseline-steps.js'
import { digestOf, LearningScript, pathOf } from '../support/learning-script.js'
import { entryOf } from '../support/entry-of.js'
import { entry, exec, keyOf, mapPrint, record } from '../support/sensor-lines.js'

const CONTAINER = 'c'.repeat(64)
const MKDIR = syscallNr('x86_64', 'mkdir') ?? -1

/** Lessons about one container, in cgroup 7, and what they say is new. */
function lessons(): { lessons: Lessons; baseline: Baseline; learned: string[] } {
  const baseline = Baseline.empty(IMAGE)
  const learned: string[] = []
  const nothing = (): void => undefined
  const runs = new Runs({ wantsImage: nothing, wantsScan: nothing, ended: nothing })
  runs.created(7, `/docker/${CONTAINER}`, 1_000, true)
  const { startedMs: _1, endedMs: _2, incompleteness: _3, ...identity } = runFacts('a')
  for (const run of runs.waiting(CONTAINER)) run.settle(() => ({ baseline, identity }), nothing)
  const told = (_: Baseline, lineage: Lineage, item: NamedItem): void =>
    void learned.push(`${lineage} ${itemText(item)}`)
  return {
    lessons: new Lessons({ runs, isAttached: () => true, learned: told }),
    baseline,
    learned,
  }
}

type Changes<Kind> = Partial<Omit<Kind, 'kind'>>

function capability(changes: Changes<CapabilityObservation> = {}): Observation {
  const seen = { cgroupId: 7, lineage: 'main', atMs: 2_000, pid: 100, count: 0 } as const
  const program = byteStringOfText('ping')
  return { kind: 'capability', ...seen, capability: 13, program, ...changes } as Observation
}

function operation(changes: Changes<UringObservation> = {}): Observation {
  const seen = { cgroupId: 7, lineage: 'main', atMs: 2_000, pid: 100, count: 0 } as const
  const program = byteStringOfText('app')
  return { kind: 'io_uring', ...seen, opcode: 16, program, ...changes } as Observation
}

t.test('an early notice makes a capability known, the map counts it', async (t) => {
  const { lessons: taught, baseline, learned } = lessons()
  const nobody = { pid: 0, program: byteStringOfText('') }
  taught.observe(capability(), 0)
  taught.observe(capability({ count: 5, atMs: 4_000, ...nobody }), 0)
  taught.observe(capability({ count: 2, lineage: 'runtime', capability: 21, ...nobody }), 0)
  t.match(baseline.capabilities('main'), [
    { capability: 13, count: 5, firstMs: 2_000, lastMs: 4_000, programs: ['ping'] },
  ])
  t.match(baseline.capabilities('runtime'), [{ capability: 21, count: 2, programs: [] }])
  t.equal(baseline.capabilities('runtime')[0]?.morePrograms, false, 'nobody is not somebody else')
  t.same(learned, ['main capability:CAP_NET_RAW', 'runtime capability:CAP_SYS_ADMIN'])
})

t.test('operations of io_uring are learned likewise, by opcode', async (t) => {
  const { lessons: taught, baseline, learned } = lessons()
  taught.observe(operation({ count: 3 }), 0)
  taught.observe(operation({ opcode: 255 }), 0)
  t.match(baseline.uringOps('main'), [
    { opcode: 16, count: 3, programs: ['app'] },
    { opcode: 255, count: 0 },
  ])
  t.same(learned, ['main io_uring:CONNECT', 'main io_uring:255?'])
})

t.test('a refused call is taught as refused, and is no news', async (t) => {
  const { lessons: taught, baseline, learned } = lessons()
  const at = [7, 'main', 'x86_64'] as const
  const moment = { atMs: 2_000, atNs: 0, ppid: 1, uid: 0 } as const
  const hint = { cgroupId: 7, lineage: 'main', ...moment, abi: 'x86_64', answer: 1 } as const
  taught.denialHint({ ...hint, nr: MKDIR, pid: 100, program: byteStringOfText('mkdir') })
  taught.denied(...at, MKDIR, 1, 3, 3_000)
  taught.denied(...at, MKDIR, 38, 4, 3_000)
  t.match(baseline.denied('main'), [{ nr: MKDIR, count: 7, programs: ['mkdir'], firstMs: 2_000 }])
  t.same(baseline.syscalls('main'), [])
  t.same(learned, [])
})

t.test('what the runtime is refused, and a clone3 that is not there, say nothing', async (t) => {
  const { lessons: taught, baseline } = lessons()
  const clone3 = syscallNr('x86_64', 'clone3') ?? -1
  const moment = { atMs: 2_000, atNs: 0, ppid: 1, uid: 0 } as const
  const hint = { cgroupId: 7, lineage: 'main', ...moment, abi: 'x86_64', pid: 100 } as const
  const program = byteStringOfText('app')
  taught.denied(7, 'runtime', 'x86_64', MKDIR, 1, 3, 3_000)
  taught.denied(7, 'main', 'x86_64', clone3, 38, 3, 3_000)
  taught.denialHint({ ...hint, lineage: 'runtime', nr: MKDIR, answer: 1, program })
  taught.denialHint({ ...hint, nr: clone3, answer: 38, program })
  t.equal(baseline.runCount, 0)
  taught.denied(7, 'main', 'x86_64', clone3, 1, 3, 3_000)
  t.match(baseline.denied('main'), [{ nr: clone3, count: 3 }], 'EPERM is no way to say so')
})

t.test('what a health check is refused is its own', async (t) => {
  const check = ['/bin/check', '-q']
  const script = new LearningScript().attach().pass(10).created(7, pathOf('web'))
  script.answer('web', { healthChecks: [check] }).pass(5)
  script.bytes(entry(7, 200, script.nsecs, check))
  for (const argv of [check, ['sh']]) {
    const owner = keyOf(7, 'exec', MKDIR, { tag: entryOf(...argv).tag })
    script.bytes(mapPrint('denials_a', { [`${owner},1`]: argv.length }))
  }
  const [web] = script.end()
  t.match(web?.denied('probe'), [{ nr: MKDIR, count: 2 }])
  t.match(web?.denied('exec'), [{ nr: MKDIR, count: 1 }])
})

t.test('refusals reach the baseline from the sensor, with the path of the program', async (t) => {
  const script = new LearningScript().attach().pass(10).created(7, pathOf('web')).answer('web')
  script.bytes(exec(keyOf(7, 'main', 0), 100, 1, script.nsecs, '/usr/bin/app', 'app'))
  script.bytes(record('B', keyOf(7, 'main', MKDIR), 1, 100, 1, 0, script.nsecs, 'app'))
  script.denied(7, MKDIR, 3).denied(7, MKDIR, 5)
  const [web] = script.end()
  t.match(web?.denied('main'), [{ nr: MKDIR, count: 5, programs: ['/usr/bin/app'] }])
  t.same(web?.observableKinds(), ITEM_KINDS, 'a run has the kinds of its session')
})

t.test('samples are kept as peaks of the run of their cgroup', async (t) => {
  const script = new LearningScript().attach().pass(10)
  script
    .created(7, pathOf('one'))
    .created(8, pathOf('two'))
    .sampled(7, 2 ** 40, 9_000, 99)
  script.answer('one').answer('two', { imageDigest: digestOf('other') })
  script.sampled(8, 1, 1, 1)
  script.calls(7, { 1: 1 }).sampled(7, 4096, 310, 2).sampled(7, 8192, 20, 3)
  script
    .removed(7)
    .pass(10)
    .sampled(7, 100, 400, 1)
    .sampled(9, 2 ** 30, 1, 1)
  const [one, ...others] = script.end()
  t.same(one?.resources(), { memoryBytes: 8192, cpuMilli: 400, pids: 3, samples: 3, runs: 1 })
  t.same(others, [], 'a container in which nothing is ever seen is no run for being sampled')
})

t.test('samples wait for the image with the facts of their run', async (t) => {
  const script = new LearningScript().attach().pass(10).created(7, pathOf('web'))
  script.calls(7, { 1: 1 }).sampled(7, 4096, 310, 2).answer('web')
  const [web] = script.end()
  t.equal(web?.resources()?.samples, 1)
})
