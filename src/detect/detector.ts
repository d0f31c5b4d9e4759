/**
 * Holds containers to their sealed baselines and the policy: takes in what was observed, asks the matcher whether it is known,
 * and has judged what is not. Pure: times come with the facts, and the same calls give the same anomalies.
 *
 *   observation -> matcher -> findings -> judge -> anomaly, or allowed by a rule
 *                                      -> ledger: it counts up
 */
import type { Abi, DenialHint, Incompleteness, Lineage, Observation } from '../observation.js'
import type { Anomaly, Subject, TimelineEntry, WorkloadFacts } from './anomaly.js'
import { ByRules } from './by-rules.js'
import { Containers } from './containers.js'
import type { ContainerState } from './detector-state.js'
import { ABI_CODE, LINEAGE_CODE } from './fact-code.js'
import { Findings } from './findings.js'
import type { ContainerHandle } from './handles.js'
import type { HeldTo } from './held-to.js'
import { Images } from './images.js'
import { Incidents } from './incidents.js'
import { Judge } from './judge.js'
import { Ledger } from './ledger.js'
import { Matcher } from './matcher.js'
import { type Deed, type Denial, factOf, outcomeOf, sightingOf } from './observed-fact.js'
import { OUTCOME, type Outcome } from './outcome.js'
import { PolicyPermits } from './policy-ahead.js'
import type { CompiledPolicy } from './policy-compile.js'
import { Processes } from './processes.js'
import type { ResourceSample } from './resource-watch.js'
import { MATCHER_LIMITS, type MatcherLimits, Roster } from './roster.js'
import type { CompiledSeverity } from './severity.js'
import { Timeline } from './timeline.js'
import { troubleOf } from './trouble.js'
import { Troubles } from './troubles.js'

export interface DetectorOptions {
  readonly policy: CompiledPolicy
  readonly severity: CompiledSeverity
  /** Of this session and no other: ids of anomalies and incidents begin with it. */
  readonly prefix: string
  /** Told of every first occurrence, before the call that brought it returns. */
  readonly raised: (anomaly: Anomaly) => void
  /** Whether an image without a sealed baseline is worth an anomaly: any, or that of the digest. */
  readonly alertsUnlearned: boolean | ((digest: string) => boolean)
  readonly limits?: MatcherLimits
}

/** What of an observation the detector looks at. */
export type Observed = Exclude<Observation, { readonly kind: 'cgroup' | 'entry' }>

export class Detector {
  readonly #alertsUnlearned: (digest: string) => boolean
  readonly #permits: PolicyPermits
  readonly #roster: Roster
  readonly #matcher: Matcher
  readonly #images: Images
  readonly #containers: Containers
  readonly #processes = new Processes()
  readonly #timeline: Timeline
  readonly #ledger: Ledger
  readonly #incidents: Incidents
  readonly #judge: Judge
  readonly #troubles: Troubles
  readonly #byRules: ByRules
  readonly #findings: Findings
  /** The latest moment that anything told of. */
  #latestMs = 0

  constructor(options: DetectorOptions) {
    const { policy, severity, prefix, raised, limits = MATCHER_LIMITS } = options
    const { alertsUnlearned: alerts } = options
    this.#alertsUnlearned = typeof alerts === 'boolean' ? (): boolean => alerts : alerts
    this.#permits = new PolicyPermits(policy, (handle) => this.#containers.get(handle)?.scope)
    this.#roster = new Roster(limits, this.#permits)
    this.#matcher = new Matcher(this.#roster)
    this.#images = new Images(this.#roster, policy)
    this.#containers = new Containers(this.#roster, this.#images)
    this.#timeline = new Timeline(limits.containers)
    this.#ledger = new Ledger(prefix, raised)
    this.#incidents = new Incidents(prefix, this.#processes)
    const parts = { timeline: this.#timeline, ledger: this.#ledger }
    const [processes, incidents] = [this.#processes, this.#incidents]
    this.#judge = new Judge(policy, { ...parts, processes, incidents, severity })
    this.#troubles = new Troubles(this.#judge, this.#ledger)
    this.#byRules = new ByRules(this.#judge, this.#ledger, this.#troubles)
    this.#findings = new Findings({
      ...parts,
      matcher: this.#matcher,
      judge: this.#judge,
      troubles: this.#troubles,
      byRules: this.#byRules,
    })
  }

  /** Another policy holds from now on; what was done before is judged by it when it is done again. */
  setPolicy(policy: CompiledPolicy): void {
    this.#judge.policy = policy
    this.#permits.policy = policy
    if (!this.#images.setPolicy(policy)) this.#tellKeys()
  }

  /** What the image is held to from now on; undefined: it has no sealed baseline. */
  hold(digest: string, held: HeldTo | undefined): void {
    if (!this.#images.hold(digest, held)) this.#tellKeys()
  }

  /** Whether the image has a sealed baseline. */
  isHeld(digest: string): boolean {
    return this.#images.isHeld(digest)
  }

  /** A container is watched from now on; undefined if there are too many, which is told. */
  open(
    workload: WorkloadFacts,
    labels: ReadonlyMap<string, string> | undefined,
    atMs: number,
  ): ContainerHandle | undefined {
    this.#latestMs = Math.max(this.#latestMs, atMs)
    const opened = this.#containers.open(workload, labels)
    if (opened === 'full') {
      this.#troubles.capped(undefined, 'containers', atMs, 1)
      return undefined
    }
    const { container, refused } = opened
    if (refused === 'keys') this.#tellKeys()
    if (refused === 'images') this.#troubles.capped(container, 'images', atMs, 1)
    else if (container.image === undefined) this.#tell(container, 'unresolved', '', atMs)
    else if (container.image.held === undefined && this.#alertsUnlearned(container.image.digest)) {
      this.#tell(container, 'unlearned', '', atMs)
    }
    return container.handle
  }

  /** The cgroup is one of the container's. */
  track(cgroupId: number, handle: ContainerHandle, atMs: number): void {
    if (this.#roster.track(cgroupId, handle) !== 'full') return
    this.#troubles.capped(this.#containers.get(handle), 'cgroups of one container', atMs, 1)
  }

  /** The container is gone, and no more will be said of it. */
  close(handle: ContainerHandle): void {
    const container = this.#containers.close(handle)
    if (container === undefined) return
    const { slot, workload } = container
    this.#timeline.clear(slot)
    this.#processes.forget(workload.cgroupId)
    this.#incidents.forget(workload.cgroupId)
    this.#ledger.forget(workload.cgroupId)
    this.#byRules.forget(container)
  }

  /** The last first-seen facts of the container, oldest first. */
  timelineOf(handle: ContainerHandle, count: number): readonly TimelineEntry[] {
    const container = this.#containers.get(handle)
    return container === undefined ? [] : this.#timeline.last(container.slot, count)
  }

  /** Anomalies that were seen again since this was last asked, as they are now. */
  takeRepeats(): readonly Anomaly[] {
    return this.#ledger.takeRepeats()
  }

  // Counts, from the kernel's maps: false if the cgroup belongs to no container that is watched.

  syscall(
    cgroupId: number,
    lineage: Lineage,
    abi: Abi,
    nr: number,
    count: number,
    atMs: number,
  ): boolean {
    if (lineage === 'runtime') return true
    const outcome = this.#matcher.syscall(cgroupId, LINEAGE_CODE[lineage], ABI_CODE[abi], nr, count)
    if (outcome === OUTCOME.KNOWN) return true
    return this.#counted(cgroupId, outcome, { kind: 'syscall', abi, nr }, lineage, count, atMs)
  }

  argument(
    cgroupId: number,
    lineage: Lineage,
    abi: Abi,
    nr: number,
    value: number,
    count: number,
    atMs: number,
  ): boolean {
    if (lineage === 'runtime') return true
    const [from, under] = [LINEAGE_CODE[lineage], ABI_CODE[abi]]
    const outcome = this.#matcher.argument(cgroupId, from, under, nr, value, count)
    if (outcome === OUTCOME.KNOWN) return true
    const subject = { kind: 'argument', abi, nr, value } as const
    return this.#counted(cgroupId, outcome, subject, lineage, count, atMs)
  }

  denied(
    cgroupId: number,
    lineage: Lineage,
    abi: Abi,
    nr: number,
    answer: number,
    count: number,
    atMs: number,
  ): boolean {
    if (lineage === 'runtime') return true
    const [from, under] = [LINEAGE_CODE[lineage], ABI_CODE[abi]]
    const outcome = this.#matcher.denial(cgroupId, from, under, nr, answer, count)
    if (outcome === OUTCOME.KNOWN) return true
    const subject = { kind: 'denied', abi, nr, answer } as const
    return this.#counted(cgroupId, outcome, subject, lineage, count, atMs)
  }

  // What is told as it happens, and what has a text.

  observe(handle: ContainerHandle, observation: Observed): void {
    if (observation.kind !== 'capped') this.#did(handle, observation)
    else {
      const { what, atMs, count } = observation
      const container = this.#containers.get(handle)
      if (container !== undefined) this.#troubles.capped(container, what, atMs, count)
    }
  }

  denialHint(handle: ContainerHandle, hint: DenialHint): void {
    this.#did(handle, { kind: 'denied', ...hint })
  }

  /** What the container takes of the host now. */
  sample(handle: ContainerHandle, sample: ResourceSample, atMs: number): void {
    const container = this.#containers.get(handle)
    const learned = container?.image?.held?.resources
    if (container === undefined || learned === undefined) return
    for (const deviation of container.resources.take(sample, learned)) {
      this.#troubles.tell(container, { kind: 'resource', ...deviation }, atMs, 1)
    }
  }

  // Losses of sight.

  /** Something was missed on the whole host. */
  missed(missed: Incompleteness, atMs: number): void {
    const subject = troubleOf(missed)
    if (subject === undefined) return
    this.#judge.lost(atMs)
    this.#troubles.tell(undefined, subject, atMs, missed.count)
  }

  /** So many facts about a container were lost before they were judged. */
  lost(handle: ContainerHandle, count: number, detail: string, atMs: number): void {
    this.#judge.lost(atMs)
    const subject = { kind: 'sensor', what: 'lost', detail } as const
    this.#troubles.tell(this.#containers.get(handle), subject, atMs, count)
  }

  /** A container was started, or refused, without its profile; undefined where it is not watched. */
  unapplied(handle: ContainerHandle | undefined, detail: string, atMs: number): void {
    const container = handle === undefined ? undefined : this.#containers.get(handle)
    this.#tell(container, 'unapplied', detail, atMs)
  }

  #did(handle: ContainerHandle, deed: Deed | Denial): void {
    const container = this.#containers.get(handle)
    if (container === undefined || deed.lineage === 'runtime') return
    this.#latestMs = Math.max(this.#latestMs, deed.atMs)
    this.#processes.saw(sightingOf(container.workload.cgroupId, deed))
    this.#findings.take(container, outcomeOf(this.#matcher, deed), factOf(deed))
  }

  /** A count of the kernel's maps that is not known as allowed: nobody knows whose. */
  #counted(
    cgroupId: number,
    outcome: Outcome,
    subject: Subject,
    lineage: Lineage,
    count: number,
    atMs: number,
  ): boolean {
    const container = this.#containers.of(cgroupId)
    if (container === undefined) return false
    const moment = { atMs, atNs: 0 }
    const rest = { pid: 0, moment, source: 'kernel', truncated: false, count } as const
    this.#findings.take(container, outcome, { subject, lineage, ...rest })
    return true
  }

  #tell(
    container: ContainerState | undefined,
    what: 'unlearned' | 'unresolved' | 'unapplied',
    detail: string,
    atMs: number,
  ): void {
    this.#troubles.tell(container, { kind: 'sensor', what, detail }, atMs, 1)
  }

  #tellKeys(): void {
    this.#troubles.capped(undefined, 'programs and endpoints of images', this.#latestMs, 1)
  }
}
