/**
 * Holding the containers of this host to their sealed baselines: a session whose sensor also sees what is refused, the
 * detector that it feeds, and everything that happens from time to time - looking at the store, keeping what was learned,
 * counting repeats. What is new in a sealed image is kept as a candidate; nothing is widened by it.
 */
import { randomUUID } from 'node:crypto'
import type { BaselineStore } from '../baseline/store.js'
import type { Anomaly, Severity } from '../detect/anomaly.js'
import { Detector } from '../detect/detector.js'
import type { Action, Policy } from '../detect/policy.js'
import { asPlimsollError, type PlimsollError } from '../errors.js'
import type { ResponseRequest, ResponseResult } from '../respond/request.js'
import { ENFORCE_PROBES, PROBES, type ProbeName } from '../sensor/program.js'
import { Detection } from './detection.js'
import { CLOCK, raisePriority } from './host.js'
import type { Selection } from './input.js'
import { keep } from './keep.js'
import { observe, prepareHost } from './learn.js'
import { loadPolicy, type LoadedPolicy, loadSeverityTable } from './policy-file.js'
import { rehearse } from './rehearsal.js'
import { Responses } from './responses.js'
import { SealedImages } from './sealed-images.js'
import type { LearningSession, SessionEvents, SessionOptions } from './session.js'
import { UnappliedTail } from './unapplied-spool.js'

/** What a person or a program that listens may be told. */
export interface EnforceEvents extends Pick<SessionEvents, 'ready' | 'sensorEnded' | 'leftOut'> {
  /** Before anything is watched: the policy in force, and how many images are held to a baseline. */
  begun(policy: LoadedPolicy, images: number): void
  /** So many containers are watched from now on. */
  watching(containers: number): void
  /** A first occurrence; told at once. */
  raised(anomaly: Anomaly): void
  /** It was seen again, some time ago. */
  repeated(anomaly: Anomaly): void
  responded(result: ResponseResult, anomaly: Anomaly): void
  /** The policy was read again: the new one is in force, or the old one stays. */
  reloaded(policy: LoadedPolicy): void
  refused(error: PlimsollError): void
  /** Something went wrong that does not end enforcement: a baseline that cannot be read or kept. */
  troubled(error: PlimsollError): void
}

export interface EnforceOptions {
  readonly env: NodeJS.ProcessEnv
  readonly stateDirectory: string
  readonly store: BaselineStore
  readonly selection: Selection
  /** Undefined: the one that ships. */
  readonly policyPath: string | undefined
  /** What becomes of images without a sealed baseline; undefined: what the policy says. */
  readonly unknown: Policy['unknownImages'] | undefined
  readonly on: ReadonlyMap<Severity, Action>
  readonly dryRun: boolean
  readonly afterwards: ResponseRequest['afterwards']
  /** Where hooks leave a note of containers that started without their profile. */
  readonly spool: string
  readonly events: EnforceEvents
  readonly stop: AbortSignal
  /** Calls back each time that the policy is to be read again; returns what ends that. */
  readonly onReload: (reload: () => void) => () => void
}

const TICK_MS = 1000
/** Ticks between two looks at the store, and between two times that what was learned is kept. */
const REFRESH_TICKS = 3
const KEEP_TICKS = 15

/**
 * Watches until `stop`. Throws what starting a session throws, and `POLICY_INVALID` or `FILE_UNREADABLE` for a policy that
 * cannot be used.
 */
export async function enforceContainers(options: EnforceOptions): Promise<void> {
  const { env, events, stop, selection } = options
  const policy = await loadPolicy(options.policyPath)
  const severity = await loadSeverityTable()
  const mount = await prepareHost(env)
  raisePriority()
  const enforcement = new Enforcement(options, policy, severity, mount)
  await enforcement.begin()
  const rehearsal = rehearse(policy.compiled, severity)
  const { finish, observer } = await observe(
    { env, events: enforcement.sessionEvents(events), tracePath: undefined, stop },
    {
      mount,
      selection,
      cgroupId: undefined,
      probes: enforcement.probes,
      session: enforcement.sessionOptions(),
    },
  )
  await rehearsal
  enforcement.start(observer.session)
  await new Promise<void>((resolve) => {
    if (stop.aborted) resolve()
    stop.addEventListener('abort', () => resolve(), { once: true })
  })
  const { session } = await finish()
  await enforcement.end(session)
}

class Enforcement {
  readonly #options: EnforceOptions
  readonly #detector: Detector
  readonly #sealed: SealedImages
  readonly #responses: Responses
  readonly #unapplied: UnappliedTail
  readonly #unknown: Policy['unknownImages']
  readonly #beganMs = CLOCK.nowMs()
  #policy: LoadedPolicy
  #detection: Detection | undefined
  #timer: NodeJS.Timeout | undefined
  #endReload: (() => void) | undefined
  #ticks = 0
  #working: Promise<void> = Promise.resolve()
  #isWorking = false
  /** Something was learned that is not in the store. */
  #isDirty = false

  constructor(
    options: EnforceOptions,
    policy: LoadedPolicy,
    severity: Awaited<ReturnType<typeof loadSeverityTable>>,
    mount: string,
  ) {
    this.#options = options
    this.#policy = policy
    this.#unknown = options.unknown ?? policy.policy.unknownImages
    this.#detector = new Detector({
      policy: policy.compiled,
      severity,
      prefix: randomUUID().slice(0, 8),
      raised: (anomaly) => this.#raised(anomaly),
      alertsUnlearned: this.#unknown === 'alert',
    })
    this.#sealed = new SealedImages(options.store, this.#detector)
    this.#unapplied = new UnappliedTail(options.spool, { rotates: true })
    this.#responses = new Responses({
      stateDirectory: options.stateDirectory,
      mount,
      clock: CLOCK,
      policy: () => this.#policy.compiled,
      on: options.on,
      dryRun: options.dryRun,
      afterwards: options.afterwards,
      responded: (result, anomaly) => options.events.responded(result, anomaly),
    })
  }

  async begin(): Promise<void> {
    const { events } = this.#options
    for (const error of await this.#sealed.refresh()) events.troubled(error)
    events.begun(this.#policy, this.#sealed.count)
  }

  /** Once it has begun: an image whose requests of ioctl are sealed later is held to them from the next start on. */
  get probes(): readonly ProbeName[] {
    return this.#sealed.needsIoctl ? PROBES : ENFORCE_PROBES
  }

  sessionOptions(): SessionOptions {
    return {
      also: (runs) => (this.#detection = new Detection(runs, this.#detector)),
      learns: ({ found, imageDigest }) =>
        found && (this.#detector.isHeld(imageDigest) || this.#unknown === 'learn'),
    }
  }

  sessionEvents(events: EnforceEvents): Partial<SessionEvents> {
    return {
      ready: (atMs) => events.ready(atMs),
      sensorEnded: (atMs, reason) => events.sensorEnded(atMs, reason),
      leftOut: (answer) => events.leftOut(answer),
      runEnded: () => {
        this.#isDirty = true
      },
      learned: () => {
        this.#isDirty = true
      },
      resolved: (run, answer, isWanted, atMs) => {
        const isHeld = this.#detector.isHeld(answer.imageDigest)
        const isWatched = isWanted && (isHeld || this.#unknown !== 'ignore')
        if (isWatched && answer.found) this.#responses.watching(answer.imageDigest)
        this.#detection?.resolved(run, answer, isWatched, atMs)
        events.watching(this.#detection?.containers().length ?? 0)
      },
      gone: (run, atMs) => {
        this.#detection?.gone(run, atMs)
        events.watching(this.#detection?.containers().length ?? 0)
      },
      missed: (missed, _sinceMs, atMs) => this.#detector.missed(missed, atMs),
      sampled: (cgroupId, sample, atMs) => this.#detection?.sampled(cgroupId, sample, atMs),
    }
  }

  /** The probes are attached. */
  start(session: LearningSession): void {
    this.#timer = setInterval(() => this.#tick(session), TICK_MS)
    this.#endReload = this.#options.onReload(() => this.#reload())
  }

  /** The session has ended: what is left is said and kept. */
  async end(session: LearningSession): Promise<void> {
    clearInterval(this.#timer)
    this.#endReload?.()
    await this.#working
    this.#tellRepeats()
    await this.#responses.settled()
    await this.#keep(session)
  }

  #raised(anomaly: Anomaly): void {
    // What was refused is learned as refused.
    if (anomaly.subject.kind === 'denied') this.#isDirty = true
    this.#options.events.raised(anomaly)
    this.#responses.raised(anomaly, () => {
      const { containerId } = anomaly.workload
      const found = this.#detection?.containers().find(({ run }) => run.containerId === containerId)
      if (found === undefined) return undefined
      const timeline = this.#detector.timelineOf(found.container, 64)
      return { cgroupPath: found.run.path, timeline }
    })
  }

  #tick(session: LearningSession): void {
    this.#ticks++
    this.#detection?.settle(CLOCK.nowMs())
    this.#tellRepeats()
    this.#tellUnapplied()
    if (this.#isWorking) return
    this.#isWorking = true
    this.#working = this.#work(session).finally(() => {
      this.#isWorking = false
    })
  }

  async #work(session: LearningSession): Promise<void> {
    const { events } = this.#options
    try {
      if (this.#ticks % KEEP_TICKS === 0 && this.#isDirty) await this.#keep(session)
      if (this.#ticks % REFRESH_TICKS !== 0) return
      for (const error of await this.#sealed.refresh()) events.troubled(error)
    } catch (thrown) {
      events.troubled(asPlimsollError(thrown))
    }
  }

  async #keep(session: LearningSession): Promise<void> {
    const { store, stateDirectory, events } = this.#options
    this.#isDirty = false
    try {
      await keep(store, session.baselines(), stateDirectory)
    } catch (thrown) {
      this.#isDirty = true
      events.troubled(asPlimsollError(thrown))
    }
  }

  #tellRepeats(): void {
    for (const anomaly of this.#detector.takeRepeats()) this.#options.events.repeated(anomaly)
  }

  #tellUnapplied(): void {
    for (const note of this.#unapplied.poll().notes) {
      if (note.atMs < this.#beganMs) continue
      const found = this.#detection
        ?.containers()
        .find(({ run }) => run.containerId === note.containerId)
      const detail = `${note.outcome}: ${note.imageName || note.containerId.slice(0, 12)}: ${note.reason}`
      this.#detector.unapplied(found?.container, detail, note.atMs)
    }
  }

  #reload(): void {
    const { policyPath, events } = this.#options
    const reading = loadPolicy(policyPath).then(
      (policy) => {
        this.#policy = policy
        this.#detector.setPolicy(policy.compiled)
        events.reloaded(policy)
      },
      (thrown: unknown) => events.refused(asPlimsollError(thrown)),
    )
    this.#working = Promise.all([this.#working, reading]).then(() => undefined)
  }
}
