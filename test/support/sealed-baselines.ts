/** Sealed baselines, and detectors that hold a container to one, for tests of detection. */
import { decide, itemsNamed, seal } from '../../src/baseline/approval.js'
import { Baseline } from '../../src/baseline/baseline.js'
import { contentHashOf } from '../../src/baseline/content-hash.js'
import type { RunHandle } from '../../src/baseline/run.js'
import type { Anomaly, WorkloadFacts } from '../../src/detect/anomaly.js'
import { Detector, type DetectorOptions, type Observed } from '../../src/detect/detector.js'
import type { ContainerHandle } from '../../src/detect/handles.js'
import { type HeldTo, heldToOf } from '../../src/detect/held-to.js'
import type { CompiledPolicy } from '../../src/detect/policy-compile.js'
import { loadSeverityTable } from '../../src/engine/policy-file.js'
import { syscallNr } from '../../src/kernel/syscalls.js'
import type { Abi, Caller, EarlyObserved, Lineage } from '../../src/observation.js'
import { IMAGE, runFacts } from './baseline-steps.js'
import { bytes, policyOf } from './policies.js'

export const SEALED_MS = 6_000
export const NO_POLICY = policyOf('')

export function nr(name: string, abi: Abi = 'x86_64'): number {
  const found = syscallNr(abi, name)
  if (found === undefined) throw new Error(`${name} is no call`)
  return found
}

/** What everything that is observed has. */
export function seen(
  atMs: number,
  more: { readonly pid?: number; readonly lineage?: Lineage } = {},
): EarlyObserved & Caller {
  const { pid = 7, lineage = 'main' } = more
  return { cgroupId: 10, lineage, atMs, atNs: atMs * 1e6, pid, ppid: 1, uid: 0 }
}

export function execSeen(
  path: string,
  atMs: number,
  more: Partial<Extract<Observed, { kind: 'exec' }>> = {},
): Extract<Observed, { kind: 'exec' }> {
  const exe = bytes(path.slice(path.lastIndexOf('/') + 1))
  const file = { inode: 1, links: 1, fsMagic: 0x794c_7630, upper: false, truncated: false }
  return { kind: 'exec', path: bytes(path), exe, comm: exe, ...file, ...seen(atMs), ...more }
}

export function connectSeen(
  address: string,
  port: number,
  atMs: number,
  more: Partial<Extract<Observed, { kind: 'connect' | 'listen' }>> = {},
): Extract<Observed, { kind: 'connect' | 'listen' }> {
  const what = { protocol: 'tcp', address: bytes(address), port, source: 'kernel' } as const
  return { kind: 'connect', ...what, count: 1, truncated: false, ...seen(atMs), ...more }
}

/** A baseline of one run: read and write, /bin/app, 10.0.0.1:443, and whatever `more` teaches it. */
export function learned(
  more: (baseline: Baseline, run: RunHandle) => void = () => undefined,
): Baseline {
  const baseline = Baseline.empty(IMAGE)
  const run = baseline.startRun(runFacts('a', { endedMs: 0 }))
  for (const name of ['read', 'write']) {
    baseline.learnSyscall(run, 'main', 'x86_64', nr(name), 1, 1_500)
  }
  baseline.learnExec(run, execSeen('/bin/app', 1_500))
  const to = connectSeen('10.0.0.1', 443, 1_500)
  if (to.kind === 'connect') baseline.learnEndpoint(run, to)
  more(baseline, run)
  baseline.endRun(run, 2_000)
  return baseline
}

export function sealed(baseline: Baseline, atMs = SEALED_MS): Baseline {
  seal(baseline, { by: 'someone', atMs, reason: '', contentHash: contentHashOf(baseline) })
  return baseline
}

export function decided(
  baseline: Baseline,
  verdict: 'approved' | 'rejected',
  ...texts: string[]
): Baseline {
  const how = { by: 'someone', atMs: 5_000, reason: '', contentHash: contentHashOf(baseline) }
  decide(baseline, itemsNamed(baseline, texts), verdict, how)
  return baseline
}

export function heldOf(baseline: Baseline): HeldTo {
  const held = heldToOf(baseline)
  if (held === undefined) throw new Error('it is not sealed')
  return held
}

export const WORKLOAD: WorkloadFacts = {
  runtime: 'podman',
  containerId: 'c0ffee',
  containerName: 'web-1',
  imageDigest: IMAGE.digest,
  imageName: IMAGE.name,
  cgroupId: 10,
}

const SEVERITY = await loadSeverityTable()

/** A detector with one container, whose cgroup is 10. */
export class Watched {
  readonly raised: Anomaly[] = []
  readonly detector: Detector
  readonly container: ContainerHandle

  constructor(
    held: HeldTo | undefined,
    policy: CompiledPolicy = NO_POLICY,
    more: Partial<DetectorOptions> = {},
  ) {
    this.detector = new Detector({
      policy,
      severity: SEVERITY,
      prefix: 's',
      raised: (anomaly) => this.raised.push(anomaly),
      alertsUnlearned: false,
      ...more,
    })
    this.detector.hold(WORKLOAD.imageDigest, held)
    const container = this.detector.open(WORKLOAD, new Map(), 1_000)
    if (container === undefined) throw new Error('no room')
    this.container = container
    this.detector.track(10, container, 1_000)
  }

  /** A count of the kernel's maps. */
  counted(
    name: string,
    count: number,
    atMs: number,
    abi: Abi = 'x86_64',
    lineage: Lineage = 'main',
  ): boolean {
    return this.detector.syscall(10, lineage, abi, nr(name, abi), count, atMs)
  }

  /** The program makes the call for the first time. */
  hinted(name: string, program: string, atMs: number, abi: Abi = 'x86_64'): void {
    const call = { abi, nr: nr(name, abi), program: bytes(program) }
    this.detector.observe(this.container, { kind: 'syscall', ...call, ...seen(atMs) })
  }

  did(observation: Observed): void {
    this.detector.observe(this.container, observation)
  }

  /** What was raised since this was last asked: kind, layer, rule. */
  take(): readonly string[] {
    return this.raised.splice(0).map(({ subject, decision }) => {
      const kind = subject.kind === 'sensor' ? `${subject.kind} ${subject.what}` : subject.kind
      return [kind, decision.layer, decision.rule].join(' ').trim()
    })
  }

  /** Kind and count of what was seen again. */
  repeats(): readonly string[] {
    return this.detector.takeRepeats().map(({ subject, count }) => `${subject.kind} ${count}`)
  }
}
