/** Facts on their way to the detector: held until it is known what a container is, bounded, and none after its time. */
import t from 'tap'
import type { Anomaly, WorkloadFacts } from '../../src/detect/anomaly.js'
import { Detector } from '../../src/detect/detector.js'
import { Detection } from '../../src/engine/detection.js'
import type { ContainerAnswer } from '../../src/engine/input.js'
import type { Run } from '../../src/engine/run.js'
import { Runs } from '../../src/engine/runs.js'
import { loadSeverityTable } from '../../src/engine/policy-file.js'
import {
  connectSeen,
  heldOf,
  learned,
  NO_POLICY,
  nr,
  sealed,
  seen,
  WORKLOAD,
} from '../support/sealed-baselines.js'
import { bytes } from '../support/policies.js'

const ID = 'c'.repeat(64)
const SCOPE = `/docker/${ID}`
const HELD = heldOf(sealed(learned()))
const SEVERITY = await loadSeverityTable()

const ANSWER: ContainerAnswer = {
  runtime: 'docker',
  containerId: ID,
  found: true,
  problem: '',
  runtimeVersion: '1',
  name: 'web-1',
  imageDigest: WORKLOAD.imageDigest,
  imageName: WORKLOAD.imageName,
  entrypoint: [],
  healthChecks: [],
  labels: undefined,
}

class Host {
  readonly raised: Anomaly[] = []
  readonly opened: WorkloadFacts[] = []
  readonly closed: number[] = []
  readonly detector: Detector
  readonly detection: Detection
  readonly runs: Runs

  constructor() {
    this.runs = new Runs({
      wantsImage: () => undefined,
      wantsScan: () => undefined,
      ended: () => undefined,
    })
    this.detector = new Detector({
      policy: NO_POLICY,
      severity: SEVERITY,
      prefix: 's',
      raised: (anomaly) => this.raised.push(anomaly),
      alertsUnlearned: false,
    })
    this.detector.hold(WORKLOAD.imageDigest, HELD)
    const { detector } = this
    const open = detector.open.bind(detector)
    const close = detector.close.bind(detector)
    detector.open = (workload, ...rest) => {
      this.opened.push(workload)
      return open(workload, ...rest)
    }
    detector.close = (handle) => {
      this.closed.push(handle)
      close(handle)
    }
    this.detection = new Detection(this.runs, detector)
  }

  created(cgroupId: number, path = SCOPE): void {
    this.runs.created(cgroupId, path, 1_000, true)
  }

  counted(cgroupId: number, name: string, atMs = 2_000): void {
    this.detection.syscall(cgroupId, 'main', 0, 'x86_64', nr(name), 1, atMs)
  }

  run(): Run {
    const [run] = this.runs.waiting(ID)
    if (run === undefined) throw new Error('no run')
    return run
  }

  take(): readonly string[] {
    return this.raised
      .splice(0)
      .map(({ subject, count }) =>
        subject.kind === 'sensor' ? `${subject.what} ${count}` : `${subject.kind} ${count}`,
      )
  }
}

t.test('facts wait until a runtime has said what the container is, in order', async (t) => {
  const host = new Host()
  host.created(7)
  host.counted(7, 'chmod')
  host.detection.argument(7, 'main', 0, 'x86_64', nr('socket'), 33, 1, 2_000)
  host.detection.denied(7, 'main', 'x86_64', nr('mkdir'), 1, 1, 2_000)
  const hint = { abi: 'x86_64', nr: nr('link'), answer: 1, program: bytes('app') } as const
  host.detection.denialHint({ ...hint, ...seen(2_000), cgroupId: 7 })
  host.detection.observe(connectSeen('10.9.9.9', 1, 2_000, { cgroupId: 7 }))
  t.same(host.take(), [])
  host.detection.resolved(host.run(), ANSWER, true, 3_000)
  t.same(host.take(), ['syscall 1', 'argument 1', 'denied 1', 'denied 1', 'connect 1'])
  t.match(host.opened, [{ containerId: ID, cgroupId: 7, containerName: 'web-1' }])
  host.detection.resolved(host.run(), ANSWER, true, 3_000)
  host.counted(7, 'fchmod')
  host.counted(7, 'read')
  t.same(host.take(), ['syscall 1'])
  t.equal(host.opened.length, 1, 'once')
})

t.test('what is held is bounded, and what is left out is told', async (t) => {
  const host = new Host()
  host.created(7)
  for (let n = 0; n < 8_192 + 5; n++) host.counted(7, 'chmod')
  host.detection.resolved(host.run(), ANSWER, true, 3_000)
  t.same(host.take(), ['syscall 1', 'lost 5'])
})

t.test('a cgroup that a container makes is the container’s', async (t) => {
  const host = new Host()
  host.created(7)
  host.detection.resolved(host.run(), ANSWER, true, 1_000)
  host.created(8, `${SCOPE}/inner`)
  host.counted(8, 'chmod')
  host.counted(7, 'chmod')
  host.counted(9, 'chmod')
  t.same(host.take(), ['syscall 1'])
})

t.test('a container that is not wanted is not watched', async (t) => {
  const host = new Host()
  host.created(7)
  host.counted(7, 'chmod')
  host.detection.resolved(host.run(), ANSWER, false, 3_000)
  host.counted(7, 'chmod')
  t.same([...host.take(), ...host.opened, ...host.detection.containers()], [])
})

t.test('late facts about a container that ended are told until it is settled', async (t) => {
  const host = new Host()
  host.created(7)
  const run = host.run()
  host.detection.resolved(run, ANSWER, true, 1_000)
  const [watched] = host.detection.containers()
  host.runs.removed(7, 2_000)
  host.detection.gone(run, 2_000)
  host.detection.gone(run, 2_000)
  t.same(host.detection.containers(), [])
  host.detection.settle(2_001)
  host.counted(7, 'chmod', 3_000)
  t.same(host.take(), ['syscall 1'])
  host.detection.settle(40_000)
  t.same(host.closed, [watched?.container], 'once')
  host.counted(7, 'fchmod', 41_000)
  host.detection.observe(connectSeen('10.9.9.9', 1, 41_000, { cgroupId: 7 }))
  t.same(host.take(), [])
})

t.test(
  'one that was over before it was known is judged by what was held, and let go',
  async (t) => {
    const host = new Host()
    host.created(7)
    const run = host.run()
    host.counted(7, 'chmod')
    host.runs.removed(7, 2_000)
    host.detection.gone(run, 2_000)
    host.detection.resolved(run, ANSWER, true, 3_000)
    t.match(host.opened, [{ cgroupId: 7 }], 'its cgroup is known though it is gone')
    t.same(host.take(), ['syscall 1'])
    host.detection.settle(40_000)
    t.equal(host.closed.length, 1)
  },
)

t.test('one of which nothing was told before it was over is not watched at all', async (t) => {
  const host = new Host()
  host.created(7)
  const run = host.run()
  host.runs.removed(7, 2_000)
  host.detection.resolved(run, ANSWER, true, 3_000)
  t.same([...host.opened, ...host.detection.containers()], [])
})
