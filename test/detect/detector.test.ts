/** A container held to its sealed baseline and the policy: what is told, once, and what is counted. */
import t from 'tap'
import { MATCHER_LIMITS } from '../../src/detect/roster.js'
import { argumentCallOf } from '../../src/kernel/arguments.js'
import { bytes, policyOf } from '../support/policies.js'
import {
  connectSeen,
  execSeen,
  heldOf,
  learned,
  nr,
  sealed,
  seen,
  Watched,
  WORKLOAD,
} from '../support/sealed-baselines.js'

const HELD = heldOf(sealed(learned()))

t.test('what the baseline has is nothing to tell', async (t) => {
  const watched = new Watched(HELD)
  t.ok(watched.counted('read', 5, 2_000))
  watched.hinted('write', 'app', 2_000)
  watched.hinted('exit_group', 'app', 2_000)
  watched.did(execSeen('/bin/app', 2_000))
  watched.did(connectSeen('10.0.0.1', 443, 2_000))
  t.same(watched.take(), [])
  t.notOk(watched.detector.syscall(99, 'main', 'x86_64', 0, 1, 2_000), 'nobody’s cgroup')
  t.ok(watched.counted('chmod', 5, 2_000, 'x86_64', 'runtime'), 'the runtime is not judged')
  t.same(watched.take(), [])
})

t.test('of each kind the first is told at once, and further ones are counted', async (t) => {
  const watched = new Watched(HELD)
  const { detector, container } = watched
  const program = bytes('app')
  const value = 33
  t.ok(argumentCallOf('x86_64', nr('socket')))
  const all = (atMs: number): void => {
    watched.counted('chmod', 3, atMs)
    detector.argument(10, 'main', 'x86_64', nr('socket'), value, 3, atMs)
    detector.denied(10, 'main', 'x86_64', nr('mkdir'), 1, 3, atMs)
    watched.did(execSeen('/bin/sh', atMs))
    watched.did(execSeen('/bin/app', atMs, { upper: true }))
    watched.did(execSeen('/bin/app', atMs, { links: 0 }))
    watched.did(connectSeen('10.9.9.9', 1, atMs))
    watched.did(connectSeen('0.0.0.0', 1, atMs, { kind: 'listen' }))
    watched.did({ kind: 'capability', capability: 13, program, count: 1, ...seen(atMs) })
    watched.did({ kind: 'io_uring', opcode: 16, program, count: 1, ...seen(atMs) })
    watched.counted('chmod', 3, atMs, 'i386')
  }
  all(2_000)
  const kinds =
    'syscall argument denied exec exec exec connect listen capability io_uring abi'.split(' ')
  t.same(
    watched.raised.map(({ id }) => id),
    kinds.map((_, at) => `s-${at + 1}`),
    'ids are unique',
  )
  t.same(
    watched.take(),
    kinds.map((kind) => `${kind} default`),
  )
  all(3_000)
  t.same(watched.take(), [])
  t.same(
    watched.repeats(),
    kinds.map((kind) => `${kind} ${/^(syscall|argument|denied|abi)$/.test(kind) ? 6 : 2}`),
  )
  t.same(watched.repeats(), [], 'told once')
  t.equal(detector.timelineOf(container, 64).length, 11)
  detector.close(container)
  t.same(detector.timelineOf(container, 64), [])
  t.notOk(watched.counted('chmod', 3, 4_000), 'it is gone')
  watched.did(execSeen('/bin/sh', 4_000))
  t.same(watched.take(), [])
})

t.test('a hint is one of those that a report counts, whichever comes first', async (t) => {
  const watched = new Watched(HELD)
  watched.hinted('chmod', 'app', 2_000)
  t.match(watched.raised, [{ count: 1, process: { pid: 7, exe: 'app' }, atNs: 2e9 }])
  watched.counted('chmod', 1, 3_000)
  t.same(watched.repeats(), [])
  watched.counted('chmod', 4, 4_000)
  t.same(watched.repeats(), ['syscall 5'])
  watched.counted('fchmod', 2, 4_000)
  watched.hinted('fchmod', 'app', 4_001)
  t.equal(watched.raised.length, 2)
  t.match(watched.raised[1], { count: 2, process: { pid: 0 }, atNs: 0 })
})

t.test('a child cgroup is the container’s, and another container is another one', async (t) => {
  const watched = new Watched(HELD)
  const { detector } = watched
  detector.track(11, watched.container, 2_000)
  const other = detector.open({ ...WORKLOAD, containerId: 'beef', cgroupId: 20 }, undefined, 2_000)
  t.ok(other)
  if (other !== undefined) detector.track(20, other, 2_000)
  detector.syscall(11, 'main', 'x86_64', nr('chmod'), 1, 2_000)
  detector.syscall(10, 'main', 'x86_64', nr('chmod'), 1, 2_000)
  detector.syscall(20, 'main', 'x86_64', nr('chmod'), 1, 2_000)
  t.same(
    watched.raised.map(({ workload }) => workload.containerId),
    ['c0ffee', 'beef'],
  )
})

t.test(
  'what finds no room is told once and counted, and rules are heard all the same',
  async (t) => {
    const limits = { ...MATCHER_LIMITS, itemsOfKind: 4, cgroupsOfContainer: 3 }
    const policy = policyOf('hardDeny: [{name: h, ports: 4444}]')
    const watched = new Watched(HELD, policy, { limits })
    for (let n = 0; n < 50; n++) watched.did(connectSeen(`10.2.0.${n}`, 80, 2_000))
    watched.did(connectSeen('10.2.0.1', 4444, 2_000))
    const connects = Array<string>(4).fill('connect default')
    t.same(watched.take(), [...connects, 'sensor capped default', 'connect hard-deny h'])
    t.same(watched.repeats(), ['sensor 47'])
    for (let id = 100; id < 110; id++) watched.detector.track(id, watched.container, 3_000)
    t.match(watched.raised, [{ subject: { detail: 'cgroups of one container' }, atMs: 3_000 }])
  },
)

t.test('too many containers and images are told as that', async (t) => {
  const limits = { ...MATCHER_LIMITS, containers: 3, images: 1 }
  const watched = new Watched(HELD, policyOf(''), { limits, alertsUnlearned: true })
  const { detector } = watched
  const other = detector.open(
    { ...WORKLOAD, imageDigest: 'sha256:2', cgroupId: 20 },
    undefined,
    2_000,
  )
  t.match(watched.raised.pop(), { subject: { what: 'capped', detail: 'images' } })
  const lost = detector.open({ ...WORKLOAD, imageDigest: '', cgroupId: 30 }, undefined, 2_000)
  t.match(watched.raised.pop(), { subject: { what: 'unresolved' } })
  t.equal(detector.open({ ...WORKLOAD, cgroupId: 40 }, undefined, 2_000), undefined)
  t.match(watched.raised.pop(), { subject: { what: 'capped', detail: 'containers' } })
  for (const handle of [other, lost, watched.container])
    if (handle !== undefined) detector.close(handle)
  detector.close(watched.container)
  const again = detector.open(
    { ...WORKLOAD, imageDigest: 'sha256:2', cgroupId: 50 },
    undefined,
    3_000,
  )
  t.ok(again, 'all room is free again')
  t.match(watched.raised, [{ subject: { what: 'unlearned' } }])
})

t.test('a loss of sight is told, and goes with what is found near it', async (t) => {
  const watched = new Watched(HELD)
  const { detector, container } = watched
  const gap = { reason: 'sensor-restarted', count: 1, fromMs: 1_000, toMs: 2_000 } as const
  detector.missed(gap, 2_000)
  detector.missed({ reason: 'attached-late', count: 1 }, 2_000)
  detector.lost(container, 7, 'held', 3_000)
  watched.counted('chmod', 1, 12_000)
  watched.counted('fchmod', 1, 14_000)
  t.match(watched.raised, [
    { subject: { what: 'gap' }, workload: { containerId: '' } },
    { subject: { what: 'lost' }, count: 7 },
    { evidence: { lossNearby: true, baseline: 'full', source: 'kernel' } },
    { evidence: { lossNearby: false } },
  ])
  watched.did({
    kind: 'capped',
    what: 'endpoint',
    count: 5,
    cgroupId: 10,
    lineage: 'main',
    atMs: 3_000,
  })
  detector.unapplied(container, 'started', 3_000)
  detector.unapplied(undefined, 'refused', 3_000)
  t.same(
    watched.raised.slice(4).map(({ subject }) => subject.kind === 'sensor' && subject.what),
    ['capped', 'unapplied', 'unapplied'],
  )
})

t.test('resources beyond what was learned deviate once, then count', async (t) => {
  const usual = { memoryBytes: 2 ** 20, cpuMilli: 10, pids: 2 }
  const held = heldOf(
    sealed(
      learned((baseline, run) => {
        for (let n = 0; n < 12; n++) baseline.learnResources(run, usual)
      }),
    ),
  )
  const watched = new Watched(held)
  for (const pids of [500, 2, 500]) {
    for (let n = 0; n < 12; n++) {
      watched.detector.sample(watched.container, { memory: 2 ** 20, cpu: 10, pids }, n)
    }
  }
  t.same(watched.take(), ['resource default'])
  t.same(watched.repeats(), ['resource 2'])
})

t.test('one act is one incident, with what went before it', async (t) => {
  const watched = new Watched(HELD)
  const injected = { lineage: 'exec', pid: 70, ppid: 0 } as const
  watched.did(execSeen('/bin/sh', 2_000, injected))
  watched.did(execSeen('/usr/bin/nc', 2_100, { lineage: 'exec', pid: 71, ppid: 70 }))
  watched.did(connectSeen('10.6.6.6', 4444, 2_200, { lineage: 'exec', pid: 71, ppid: 70 }))
  watched.did(connectSeen('10.6.6.7', 80, 2_300, { pid: 7 }))
  const [shell, nc, out, other] = watched.raised
  t.equal(nc?.incident, shell?.incident)
  t.equal(out?.incident, shell?.incident)
  t.not(other?.incident, shell?.incident)
  t.match(out?.process, { path: '/usr/bin/nc', ppid: 70, lineage: 'exec' })
  t.same(
    out?.timeline.map(({ subject }) => subject.kind),
    ['exec', 'exec'],
  )
})
