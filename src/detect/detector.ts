/**
 * Holds containers to their sealed baselines and the policy: takes in what was observed, asks the matcher whether it is known,
 * and has judged what is not. Pure: times come with the facts, and the same calls give the same anomalies.
 *
 *   observation -> matcher -> known: nothing
 *                          -> new: judge -> anomaly, or allowed by a rule
 *                          -> seen before: its anomaly counts up
 */
import type { SyscallFacts } from '../baseline/syscall-item.js'
import { itemKeyOf } from '../baseline/item-key.js'
import type { ByteString } from '../bytes.js'
import type { Abi, DenialHint, Incompleteness, Lineage, Observation } from '../observation.js'
import { allowedOf } from './allowed-of.js'
import {
  type Anomaly,
  kindOf,
  type Subject,
  type TimelineEntry,
  type WorkloadFacts,
} from './anomaly.js'
import type { ContainerState, ImageState } from './detector-state.js'
import { ABI_CODE, KIND_CODE, LINEAGE_CODE, type NamedKind } from './fact-code.js'
import type { ContainerHandle } from './handles.js'
import type { HeldTo } from './held-to.js'
import { Incidents } from './incidents.js'
import { type Fact, Judge, type Moment } from './judge.js'
import { type AnomalyKey, Ledger } from './ledger.js'
import { Matcher } from './matcher.js'
import { OUTCOME, type Outcome } from './outcome.js'
import type { CompiledPolicy } from './policy-compile.js'
import { workloadScopeOf } from './policy-scope.js'
import { Processes } from './processes.js'
import { ResourceWatch, type ResourceSample } from './resource-watch.js'
import { MATCHER_LIMITS, Roster } from './roster.js'
import type { CompiledSeverity } from './severity.js'
import { subjectText } from './subject-text.js'
import type { TallySerial } from './tally.js'
import { Timeline } from './timeline.js'
import { troubleOf } from './trouble.js'

export interface DetectorOptions {
  readonly policy: CompiledPolicy
  readonly severity: CompiledSeverity
  /** Of this session and no other: ids of anomalies and incidents begin with it. */
  readonly prefix: string
  /** Told of every first occurrence, before the call that brought it returns. */
  readonly raised: (anomaly: Anomaly) => void
  /** Whether an image without a sealed baseline is worth an anomaly. */
  readonly alertsUnlearned: boolean
}

/** What of an observation the detector looks at. */
export type Observed = Exclude<Observation, { readonly kind: 'cgroup' | 'entry' }>

/** Facts that a rule allowed to one program and may not allow to the next; more than these are judged once only. */
const CONDITIONAL_LIMIT = 65_536

export class Detector {
  readonly #options: DetectorOptions
  readonly #roster = new Roster()
  readonly #matcher = new Matcher(this.#roster)
  readonly #processes = new Processes()
  readonly #timeline = new Timeline(MATCHER_LIMITS.containers)
  readonly #ledger: Ledger
  readonly #incidents: Incidents
  readonly #judge: Judge
  readonly #held = new Map<string, HeldTo>()
  readonly #images = new Map<string, ImageState>()
  readonly #containers = new Map<ContainerHandle, ContainerState>()
  readonly #conditional = new Set<TallySerial>()

  constructor(options: DetectorOptions) {
    this.#options = options
    this.#ledger = new Ledger(options.prefix, options.raised)
    this.#incidents = new Incidents(options.prefix, this.#processes)
    this.#judge = new Judge(options.policy, {
      processes: this.#processes,
      incidents: this.#incidents,
      timeline: this.#timeline,
      ledger: this.#ledger,
      severity: options.severity,
    })
  }

  /** Another policy holds from now on, for all that is not counted yet. */
  setPolicy(policy: CompiledPolicy): void {
    this.#judge.policy = policy
    this.#conditional.clear()
    for (const image of this.#images.values()) this.#compile(image)
  }

  /** What the image is held to from now on; undefined: it has no sealed baseline. */
  hold(digest: string, held: HeldTo | undefined): void {
    if (held === undefined) this.#held.delete(digest)
    else this.#held.set(digest, held)
    const image = this.#images.get(digest)
    if (image === undefined) return
    image.held = held
    this.#compile(image)
  }

  /** Whether the image has a sealed baseline. */
  isHeld(digest: string): boolean {
    return this.#held.has(digest)
  }

  /** A container is watched from now on; undefined if there are too many, which is told. */
  open(
    workload: WorkloadFacts,
    labels: ReadonlyMap<string, string> | undefined,
    atMs: number,
  ): ContainerHandle | undefined {
    const image = this.#imageOf(workload.imageDigest)
    const handle = this.#roster.addContainer(image?.handle)
    if (typeof handle === 'string') {
      this.#trouble(undefined, { kind: 'sensor', what: 'capped', detail: 'containers' }, atMs, 1)
      return undefined
    }
    if (image !== undefined) image.users++
    const container: ContainerState = {
      handle,
      slot: this.#roster.slotOf(handle),
      workload,
      scope: workloadScopeOf(workload, labels),
      image,
      resources: new ResourceWatch(),
    }
    this.#containers.set(handle, container)
    if (workload.imageDigest === '') {
      this.#trouble(container, { kind: 'sensor', what: 'unresolved', detail: '' }, atMs, 1)
    } else if (image?.held === undefined && this.#options.alertsUnlearned) {
      this.#trouble(container, { kind: 'sensor', what: 'unlearned', detail: '' }, atMs, 1)
    }
    return handle
  }

  /** The cgroup is one of the container's. */
  track(cgroupId: number, handle: ContainerHandle): void {
    if (this.#roster.track(cgroupId, handle) !== 'full') return
    const container = this.#containers.get(handle)
    const subject = { kind: 'sensor', what: 'capped', detail: 'cgroups of one container' } as const
    this.#trouble(container, subject, 0, 1)
  }

  /** The container is gone, and no more will be said of it. */
  close(handle: ContainerHandle): void {
    const container = this.#containers.get(handle)
    if (container === undefined) return
    this.#containers.delete(handle)
    this.#timeline.clear(container.slot)
    this.#processes.forget(container.workload.cgroupId)
    this.#incidents.forget(container.workload.cgroupId)
    this.#roster.releaseContainer(handle)
    const { image } = container
    if (image === undefined || --image.users > 0) return
    this.#roster.releaseImage(image.handle)
    this.#images.delete(image.digest)
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

  // -- counts, from the kernel's maps: false if the cgroup belongs to no container that is watched --

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
    if (outcome <= OUTCOME.KNOWN) return outcome === OUTCOME.KNOWN
    return this.#counted(
      cgroupId,
      outcome,
      () => callOf(outcome, { abi, nr }),
      lineage,
      count,
      atMs,
    )
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
    const outcome = this.#matcher.argument(
      cgroupId,
      LINEAGE_CODE[lineage],
      ABI_CODE[abi],
      nr,
      value,
      count,
    )
    if (outcome === OUTCOME.KNOWN) return true
    const subject = (): Subject =>
      outcome === OUTCOME.NEW_ABI ? { kind: 'abi', abi, nr } : { kind: 'argument', abi, nr, value }
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
    const outcome = this.#matcher.denial(
      cgroupId,
      LINEAGE_CODE[lineage],
      ABI_CODE[abi],
      nr,
      answer,
      count,
    )
    const subject = (): Subject => ({ kind: 'denied', abi, nr, answer })
    return this.#counted(cgroupId, outcome, subject, lineage, count, atMs)
  }

  // -- what is told as it happens, and what has a text --

  observe(handle: ContainerHandle, o: Observed): void {
    const container = this.#containers.get(handle)
    if (container === undefined || o.lineage === 'runtime') return
    const { cgroupId, lineage } = o
    const code = LINEAGE_CODE[lineage]
    switch (o.kind) {
      case 'exec': {
        this.#saw(container, o)
        const { path, exe, upper } = o
        const subject = { kind: 'exec', path, exe, upper, fileless: o.links === 0 } as const
        this.#key(container, o, subject, itemKeyOf({ kind: 'exec', path, exe }), 'kernel', 1)
        break
      }
      case 'connect':
      case 'listen': {
        const { kind, protocol, address, port, source } = o
        if (o.pid > 0) this.#saw(container, o)
        const subject = { kind, protocol, address, port, source } as const
        this.#key(container, o, subject, itemKeyOf(subject), source, o.count)
        break
      }
      case 'syscall': {
        const { abi, nr } = o
        this.#saw(container, { ...o, exe: o.program })
        const outcome = this.#matcher.syscall(cgroupId, code, ABI_CODE[abi], nr, 0)
        this.#found(container, outcome, factOf(o, callOf(outcome, { abi, nr }), 'kernel', 0))
        break
      }
      case 'argument': {
        const { abi, nr, value } = o
        this.#saw(container, { ...o, exe: o.program })
        const outcome = this.#matcher.argument(cgroupId, code, ABI_CODE[abi], nr, value, 0)
        const subject: Subject =
          outcome === OUTCOME.NEW_ABI
            ? { kind: 'abi', abi, nr }
            : { kind: 'argument', abi, nr, value }
        this.#found(container, outcome, factOf(o, subject, 'kernel', 0))
        break
      }
      case 'capability': {
        if (o.pid > 0) this.#saw(container, { ...o, exe: o.program })
        const { capability, count } = o
        const outcome = this.#matcher.capability(cgroupId, code, capability, count)
        this.#found(
          container,
          outcome,
          factOf(o, { kind: 'capability', capability }, 'kernel', count),
        )
        break
      }
      case 'io_uring': {
        if (o.pid > 0) this.#saw(container, { ...o, exe: o.program })
        const { opcode, count } = o
        const outcome = this.#matcher.uring(cgroupId, code, opcode, count)
        this.#found(container, outcome, factOf(o, { kind: 'io_uring', opcode }, 'kernel', count))
        break
      }
      case 'capped': {
        const subject = { kind: 'sensor', what: 'capped', detail: o.what } as const
        this.#trouble(container, subject, o.atMs, o.count)
        break
      }
    }
  }

  denialHint(handle: ContainerHandle, hint: DenialHint): void {
    const container = this.#containers.get(handle)
    if (container === undefined || hint.lineage === 'runtime') return
    const { cgroupId, lineage, abi, nr, answer } = hint
    this.#saw(container, { ...hint, exe: hint.program })
    const outcome = this.#matcher.denial(
      cgroupId,
      LINEAGE_CODE[lineage],
      ABI_CODE[abi],
      nr,
      answer,
      0,
    )
    this.#found(container, outcome, factOf(hint, { kind: 'denied', abi, nr, answer }, 'kernel', 0))
  }

  /** What the container takes of the host now. */
  sample(handle: ContainerHandle, sample: ResourceSample, atMs: number): void {
    const container = this.#containers.get(handle)
    const learned = container?.image?.held?.resources
    if (container === undefined || learned === undefined) return
    for (const deviation of container.resources.take(sample, learned)) {
      this.#trouble(container, { kind: 'resource', ...deviation }, atMs, 1)
    }
  }

  // -- losses of sight --

  /** Something was missed on the whole host. */
  missed(missed: Incompleteness, atMs: number): void {
    const subject = troubleOf(missed)
    if (subject === undefined) return
    this.#judge.lost(atMs)
    this.#trouble(undefined, subject, atMs, missed.count)
  }

  /** So many facts about a container were lost before they were judged. */
  lost(handle: ContainerHandle, count: number, detail: string, atMs: number): void {
    this.#judge.lost(atMs)
    const subject = { kind: 'sensor', what: 'lost', detail } as const
    this.#trouble(this.#containers.get(handle), subject, atMs, count)
  }

  /** A container was started, or refused, without its profile; undefined where it is not watched. */
  unapplied(handle: ContainerHandle | undefined, detail: string, atMs: number): void {
    const container = handle === undefined ? undefined : this.#containers.get(handle)
    this.#trouble(container, { kind: 'sensor', what: 'unapplied', detail }, atMs, 1)
  }

  #imageOf(digest: string): ImageState | undefined {
    const known = this.#images.get(digest)
    if (known !== undefined || digest === '') return known
    const handle = this.#roster.addImage()
    if (typeof handle === 'string') return undefined
    const image: ImageState = { handle, digest, held: this.#held.get(digest), users: 0 }
    this.#images.set(digest, image)
    this.#compile(image)
    return image
  }

  #compile({ handle, held }: ImageState): void {
    const allowed = held === undefined ? undefined : allowedOf(held, this.#judge.policy)
    // An image that finds no room is not judged by less than its baseline, but by its policy alone.
    if (this.#roster.setImage(handle, allowed) === 'full') this.#roster.setImage(handle, undefined)
  }

  #saw({ workload }: ContainerState, { pid, lineage, ppid, uid, comm, exe, path }: Sighting): void {
    this.#processes.saw({
      cgroupId: workload.cgroupId,
      pid,
      lineage,
      ppid,
      ...(uid === undefined ? {} : { uid }),
      ...(comm === undefined ? {} : { comm }),
      ...(exe === undefined ? {} : { exe }),
      ...(path === undefined ? {} : { path }),
    })
  }

  #key(
    container: ContainerState,
    o: Early & { readonly truncated: boolean },
    subject: Extract<Subject, { readonly kind: 'exec' | 'connect' | 'listen' }>,
    key: string,
    source: 'kernel' | 'user',
    count: number,
  ): void {
    const kind = KIND_CODE[kindOf(subject) as NamedKind]
    const outcome = this.#matcher.key(o.cgroupId, LINEAGE_CODE[o.lineage], kind, key, count)
    this.#found(container, outcome, {
      ...factOf(o, subject, source, count),
      truncated: o.truncated,
    })
  }

  /** A count of the kernel's maps that is not known as allowed. */
  #counted(
    cgroupId: number,
    outcome: Outcome,
    subject: () => Subject,
    lineage: Lineage,
    count: number,
    atMs: number,
  ): boolean {
    if (outcome === OUTCOME.UNTRACKED) return false
    if (outcome === OUTCOME.KNOWN || outcome === OUTCOME.UNJUDGED) return true
    const serial = this.#matcher.counted
    if (outcome === OUTCOME.REPEAT && serial !== undefined) {
      this.#ledger.repeat(serial, count, atMs)
      return true
    }
    const handle = this.#roster.containerOf(cgroupId)
    const container = handle === undefined ? undefined : this.#containers.get(handle)
    if (container === undefined) return false
    const moment = { atMs, atNs: 0 }
    const rest = { pid: 0, moment, source: 'kernel', truncated: false, count } as const
    this.#found(container, outcome, { subject: subject(), lineage, ...rest })
    return true
  }

  #found(container: ContainerState, outcome: Outcome, fact: Fact): void {
    switch (outcome) {
      case OUTCOME.KNOWN:
        // Programs are few, and the thread that holds a timeline together.
        if (fact.subject.kind === 'exec') this.#note(container, fact)
        break
      case OUTCOME.UNTRACKED:
        break
      case OUTCOME.UNJUDGED:
        if (fact.pid > 0) {
          const key = this.#keyOf(container, fact)
          if (!this.#ledger.repeat(key, fact.count, fact.moment.atMs)) {
            this.#judge.judgeByPolicy(container, key, fact)
          }
        }
        this.#note(container, fact)
        break
      case OUTCOME.NEW:
      case OUTCOME.NEW_ABI:
        this.#judgeNew(container, fact)
        this.#note(container, fact)
        break
      case OUTCOME.REPEAT:
        this.#again(container, fact)
        break
      case OUTCOME.CAPPED:
      case OUTCOME.CAPPED_REPEAT: {
        const detail = `${kindOf(fact.subject)} of one container`
        const subject = { kind: 'sensor', what: 'capped', detail } as const
        this.#trouble(container, subject, fact.moment.atMs, Math.max(1, fact.count))
        break
      }
    }
  }

  #judgeNew(container: ContainerState, fact: Fact): void {
    const serial = this.#matcher.counted
    if (serial === undefined) return
    const verdict = this.#judge.judge(container, serial, fact)
    if (verdict === 'conditional' && this.#conditional.size < CONDITIONAL_LIMIT) {
      this.#conditional.add(serial)
    }
  }

  #again(container: ContainerState, fact: Fact): void {
    const serial = this.#matcher.counted
    if (serial === undefined) return
    if (this.#ledger.repeat(serial, fact.count, fact.moment.atMs)) return
    // Allowed to whoever did it before: that says nothing of who does it now.
    if (fact.pid === 0 || !this.#conditional.has(serial)) return
    if (this.#judge.judge(container, serial, fact) === 'raised') this.#conditional.delete(serial)
  }

  #note({ slot }: ContainerState, { subject, pid, lineage, moment }: Fact): void {
    this.#timeline.note(slot, { atMs: moment.atMs, pid, lineage, subject })
  }

  #keyOf({ handle }: ContainerState, { subject, lineage }: Fact): AnomalyKey {
    return `${handle} ${lineage} ${subjectText(subject)}`
  }

  #trouble(
    container: ContainerState | undefined,
    subject: Extract<Subject, { readonly kind: 'sensor' | 'resource' }>,
    atMs: number,
    count: number,
  ): void {
    const what = subject.kind === 'sensor' ? `${subject.what} ${subject.detail}` : subject.resource
    const key = `${container?.handle ?? 'host'} ${subject.kind} ${what}`
    if (this.#ledger.repeat(key, count, atMs)) return
    const moment = { atMs, atNs: 0 }
    const rest = { lineage: 'main', pid: 0, moment, source: 'kernel', truncated: false } as const
    this.#judge.trouble(container, key, { subject, count, ...rest })
  }
}

/** What every early observation has. */
interface Early {
  readonly cgroupId: number
  readonly lineage: Lineage
  readonly atMs: number
  readonly atNs: number
  readonly pid: number
}

interface Sighting {
  readonly pid: number
  readonly ppid: number
  readonly uid: number | undefined
  readonly lineage: Lineage
  readonly comm?: ByteString
  readonly exe?: ByteString
  readonly path?: ByteString
}

function factOf(
  { lineage, pid, atMs, atNs }: Early,
  subject: Subject,
  source: 'kernel' | 'user',
  count: number,
): Fact {
  const moment: Moment = { atMs, atNs }
  return { subject, lineage, pid, moment, source, truncated: false, count }
}

/** The call, or the ABI if that is what is new. */
function callOf(outcome: Outcome, { abi, nr }: SyscallFacts): Subject {
  return outcome === OUTCOME.NEW_ABI ? { kind: 'abi', abi, nr } : { kind: 'syscall', abi, nr }
}
