/** What a seal holds an image to: nothing that it did afterwards widens it. */
import t from 'tap'
import { itemText } from '../../src/baseline/item-text.js'
import { merged } from '../../src/baseline/merge.js'
import type { Baseline } from '../../src/baseline/baseline.js'
import { allows, type HeldTo, heldToOf, holds } from '../../src/detect/held-to.js'
import { runFacts } from '../support/baseline-steps.js'
import { argument, call, capability, connect, denied, exec, policyOf } from '../support/policies.js'
import {
  decided,
  execSeen,
  heldOf,
  learned,
  nr,
  SEALED_MS,
  sealed,
} from '../support/sealed-baselines.js'

const NOTHING_MORE = (): void => undefined
/** AF_INET, SOCK_STREAM and AF_INET6, SOCK_STREAM, packed. */
const INET = 2 * 16 + 2
const INET6 = 10 * 16 + 2
const INET_TEXT = itemText({ kind: 'argument', abi: 'x86_64', nr: nr('socket'), value: INET })

const withSocket = (...values: readonly number[]): Baseline =>
  learned((baseline, run) => {
    baseline.learnSyscall(run, 'main', 'x86_64', nr('socket'), 9, 1_500)
    for (const value of values) {
      baseline.learnArgument(run, 'main', 'x86_64', nr('socket'), value, 3, 1_500)
    }
  })

/** The baseline after one more run, which did all sorts of things after the seal. */
function later(baseline: Baseline, teach: (run: ReturnType<Baseline['startRun']>) => void): HeldTo {
  const run = baseline.startRun(runFacts('z', { startedMs: SEALED_MS + 1, endedMs: 0 }))
  teach(run)
  baseline.endRun(run, SEALED_MS + 900)
  return heldOf(baseline)
}

t.test('a baseline that is not sealed holds to nothing', async (t) => {
  t.equal(heldToOf(learned()), undefined)
})

t.test('what was learned is held, and what the kernel needs', async (t) => {
  const held = heldOf(sealed(learned()))
  for (const subject of [
    call('read'),
    call('exit_group'),
    call('i386:sigreturn'),
    exec('/bin/app'),
    connect('tcp:10.0.0.1:443'),
  ]) {
    t.ok(holds(held, subject), JSON.stringify(subject))
  }
  for (const subject of [
    call('chmod'),
    call('i386:read'),
    exec('/bin/app', { upper: true }),
    exec('/bin/app', { fileless: true }),
    exec('/bin/sh'),
    connect('tcp:10.0.0.1:444'),
    capability('CAP_NET_RAW'),
    denied('read'),
    argument('socket', INET),
  ]) {
    t.notOk(holds(held, subject), JSON.stringify(subject))
  }
})

t.test('a later run widens nothing, whatever it does', async (t) => {
  const baseline = sealed(withSocket(INET))
  const held = later(baseline, (run) => {
    baseline.learnSyscall(run, 'main', 'x86_64', nr('chmod'), 1, SEALED_MS + 10)
    baseline.learnExec(run, execSeen('/bin/app', SEALED_MS + 10, { upper: true }))
    baseline.learnExec(run, execSeen('/bin/app', SEALED_MS + 10, { links: 0 }))
    for (let value = 0; value < 2_000; value++) {
      baseline.learnArgument(run, 'main', 'x86_64', nr('socket'), value, 1, SEALED_MS + 10)
    }
    for (let n = 0; n < 40; n++) {
      baseline.learnResources(run, { memoryBytes: 2 ** 33, cpuMilli: 8_000, pids: 900 })
    }
  })
  t.equal(baseline.argumentValues('main', 'x86_64', nr('socket')), undefined, 'they collapsed')
  t.notOk(holds(held, call('chmod')))
  t.notOk(holds(held, exec('/bin/app', { upper: true })))
  t.notOk(holds(held, exec('/bin/app', { fileless: true })))
  t.ok(holds(held, argument('socket', INET)))
  t.notOk(holds(held, argument('socket', INET6)))
  t.equal(held.resources, undefined, 'nothing was sampled before')
})

t.test('drift that was there before the seal is held', async (t) => {
  const baseline = sealed(
    learned((one, run) => void one.learnExec(run, execSeen('/bin/gen', 1_500, { upper: true }))),
  )
  t.ok(holds(heldOf(baseline), exec('/bin/gen', { upper: true })))
  t.ok(holds(later(baseline, NOTHING_MORE), exec('/bin/gen', { upper: true })))
})

t.test(
  'a call of which no argument is known may have any, one that was rejected has none',
  async (t) => {
    t.ok(holds(heldOf(sealed(withSocket())), argument('socket', INET)))
    const refused = decided(withSocket(INET), 'rejected', INET_TEXT)
    t.notOk(holds(heldOf(sealed(refused)), argument('socket', INET)))
    t.notOk(holds(heldOf(sealed(refused)), argument('socket', INET6)))
  },
)

t.test('what a policy never lets be learned is allowed by a person only', async (t) => {
  const policy = policyOf('neverLearn: [write, "socket:AF_INET", exit_group]')
  const held = heldOf(sealed(withSocket(INET)))
  t.notOk(allows(held, policy, call('write')))
  t.notOk(allows(held, policy, argument('socket', INET)))
  t.ok(allows(held, policy, call('read')))
  t.ok(allows(held, policy, call('exit_group')), 'the kernel needs it')
  const approved = decided(withSocket(INET), 'approved', 'write', INET_TEXT)
  t.ok(allows(heldOf(sealed(approved)), policy, call('write')))
  t.ok(allows(heldOf(sealed(approved)), policy, argument('socket', INET)))
})

t.test('resources are those of runs that were over, or silent, by the seal', async (t) => {
  const sample = { memoryBytes: 100, cpuMilli: 10, pids: 2 }
  const before = learned((one, run) => one.learnResources(run, sample))
  const after = learned()
  const run = after.startRun(runFacts('z', { startedMs: SEALED_MS + 1, endedMs: 0 }))
  after.learnResources(run, { memoryBytes: 900, cpuMilli: 90, pids: 9 })
  const held = heldOf(merged(sealed(before), after))
  t.same(held.resources, { memory: 100, cpu: 10, pids: 2, samples: 1 })
})
