/** Rules of a policy beside a sealed baseline, also when either changes under a running container. */
import t from 'tap'
import type { Baseline } from '../../src/baseline/baseline.js'
import { MATCHER_LIMITS } from '../../src/detect/roster.js'
import { policyOf } from '../support/policies.js'
import {
  connectSeen,
  decided,
  execSeen,
  heldOf,
  learned,
  sealed,
  Watched,
  WORKLOAD,
} from '../support/sealed-baselines.js'

const HELD = heldOf(sealed(learned()))

t.test('rules speak before the baseline, by name', async (t) => {
  const policy = policyOf(
    [
      'hardDeny: [{name: h, syscalls: read}]',
      'deny: [{name: d, addresses: 10.0.0.0/8}]',
      'allow: [{name: a, paths: "/opt/**"}, {name: x, syscalls: chmod, containers: other}]',
    ].join('\n'),
  )
  const watched = new Watched(HELD, policy)
  watched.counted('read', 1, 2_000)
  watched.did(connectSeen('10.0.0.1', 443, 2_000))
  watched.did(execSeen('/opt/a/b', 2_000))
  watched.did(execSeen('/opt/a/b', 2_000, { upper: true }))
  watched.counted('chmod', 1, 2_000)
  t.same(watched.take(), [
    'syscall hard-deny h',
    'connect deny d',
    'exec default',
    'syscall default',
  ])
})

t.test('what a pattern allows takes no room', async (t) => {
  const rules = [
    'deny: [{name: d, addresses: 10.1.0.13}, {name: p, addresses: 10.1.0.14, programs: nc}]',
    'allow: [{name: a, kind: connect, addresses: 10.1.0.0/16}]',
  ]
  const limits = { ...MATCHER_LIMITS, itemsOfKind: 4 }
  const watched = new Watched(HELD, policyOf(rules.join('\n')), { limits })
  for (let n = 0; n < 250; n++) {
    watched.did(connectSeen(`10.1.0.${n}`, 80, 2_000))
    watched.did(connectSeen(`10.1.0.${n}`, 80, 2_000))
  }
  t.same(watched.take(), ['connect deny d'])
})

t.test('who does it may matter: each program is judged, a count is not', async (t) => {
  const rules =
    'deny: [{name: d, syscalls: write, programs: sh}]\nallow: [{name: a, syscalls: chmod, programs: app}]'
  const watched = new Watched(HELD, policyOf(rules))
  watched.counted('write', 1, 2_000)
  watched.hinted('write', 'app', 2_000)
  watched.hinted('chmod', 'app', 2_000)
  watched.counted('chmod', 9, 2_000)
  t.same(watched.take(), [])
  watched.did(execSeen('/bin/sh', 2_000))
  watched.take()
  watched.hinted('write', 'sh', 2_000)
  watched.hinted('chmod', 'sh', 2_000)
  t.same(watched.take(), ['syscall deny d', 'syscall default'])
  watched.counted('write', 9, 2_000)
  t.same(watched.repeats(), ['syscall 9'])
})

t.test('a foreign ABI is one anomaly, but never hides what a rule denies', async (t) => {
  const allow = 'allow: [{name: a, kind: abi, abis: i386}]'
  const watched = new Watched(HELD, policyOf(`hardDeny: [{name: h, syscalls: mount}]\n${allow}`))
  watched.counted('open', 1, 2_000, 'i386')
  t.same(watched.take(), [], 'it is allowed')
  watched.hinted('mount', 'app', 2_000, 'i386')
  watched.counted('mount', 5, 2_000, 'i386')
  watched.hinted('chmod', 'app', 2_000, 'i386')
  const told = watched.take()
  t.ok(told.includes('syscall hard-deny h'))
  t.equal(told.filter((one) => one.startsWith('syscall')).length, 1)
})

t.test('an image without a baseline is judged by what rules deny, each thing once', async (t) => {
  const policy = policyOf(
    'hardDeny: [{name: h, addresses: 10.0.0.0/8}, {name: m, syscalls: mount}]',
  )
  const watched = new Watched(undefined, policy, { alertsUnlearned: true })
  t.same(watched.take(), ['sensor unlearned default'])
  watched.did(connectSeen('8.8.8.8', 1, 2_000))
  watched.did(connectSeen('10.0.0.1', 1, 2_000))
  watched.did(connectSeen('10.0.0.1', 1, 2_000))
  watched.hinted('mount', 'app', 2_000)
  watched.counted('mount', 3, 2_000)
  watched.counted('chmod', 3, 2_000)
  t.same(watched.take(), ['connect hard-deny h', 'syscall hard-deny m'])
  t.same(watched.repeats(), ['connect 2', 'syscall 3'])
  for (let n = 0; n < 3_000; n++) watched.did(connectSeen(`10.0.${n >> 8}.${n & 255}`, 2, 2_000))
  const told = watched.take()
  t.equal(told.filter((one) => one === 'connect hard-deny h').length, 1024 - 2)
  t.equal(told.filter((one) => one === 'sensor capped default').length, 1, 'and says so, once')
})

t.test(
  'another policy judges again what the one before allowed, and forgives what it raised',
  async (t) => {
    const allowing = policyOf('allow: [{name: a, syscalls: chmod}, {name: b, syscalls: fchmod}]')
    const watched = new Watched(HELD, allowing)
    watched.counted('chmod', 1, 2_000)
    watched.counted('link', 1, 2_000)
    t.same(watched.take(), ['syscall default'])
    watched.detector.setPolicy(
      policyOf('hardDeny: [{name: h, syscalls: chmod}]\nallow: [{name: l, syscalls: link}]'),
    )
    watched.counted('chmod', 1, 3_000)
    watched.counted('link', 1, 3_000)
    watched.counted('fchmod', 1, 3_000)
    t.same(watched.take(), ['syscall hard-deny h', 'syscall default'])
    t.same(watched.repeats(), [], 'link is allowed now')
    watched.detector.setPolicy(policyOf(''))
    watched.counted('chmod', 1, 4_000)
    watched.counted('link', 1, 4_000)
    t.same(watched.take(), ['syscall default'], 'link is none again, so it is told again')
    t.same(watched.repeats(), ['syscall 2'], 'chmod is the same anomaly')
  },
)

t.test(
  'what a person approves while a container runs holds at once, and what is taken back',
  async (t) => {
    const baseline = learned()
    const watched = new Watched(heldOf(sealed(baseline)))
    const { detector } = watched
    watched.counted('chmod', 1, 2_000)
    t.same(watched.take(), ['syscall default'])
    detector.hold(WORKLOAD.imageDigest, heldOf(decided(sealed(learned()), 'approved', 'chmod')))
    watched.counted('chmod', 1, 3_000)
    t.same([...watched.take(), ...watched.repeats()], [])
    detector.hold(WORKLOAD.imageDigest, HELD)
    watched.counted('chmod', 1, 4_000)
    t.same(watched.take(), ['syscall default'], 'it is new again')
    detector.hold(WORKLOAD.imageDigest, undefined)
    watched.counted('mount', 1, 5_000)
    t.same(watched.take(), [], 'nothing to be held to')
    t.notOk(detector.isHeld(WORKLOAD.imageDigest))
  },
)

t.test('what the policy never lets be learned needs a person', async (t) => {
  const policy = policyOf('neverLearn: [write, restart_syscall]')
  const approved = sealed(decided(learned(), 'approved', 'write'))
  for (const [baseline, expected] of [
    [sealed(learned()), ['syscall default']],
    [approved, []],
  ] as const satisfies readonly (readonly [Baseline, readonly string[]])[]) {
    const watched = new Watched(heldOf(baseline), policy)
    watched.counted('write', 1, 2_000)
    watched.counted('restart_syscall', 1, 2_000)
    watched.counted('read', 1, 2_000)
    t.same(watched.take(), expected)
  }
})
