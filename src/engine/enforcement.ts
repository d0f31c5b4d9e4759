/**
 * Enforcement while it runs: the detector and what it is held to, what is done about anomalies, and everything that happens from
 * time to time. Wires the parts; what each of them does is theirs.
 */
import { randomUUID } from 'node:crypto'
import type { Anomaly } from '../detect/anomaly.js'
import { Detector } from '../detect/detector.js'
import type { Policy } from '../detect/policy.js'
import type { CompiledSeverity } from '../detect/severity.js'
import { asPlimsollError } from '../errors.js'
import { ENFORCE_PROBES, PROBES, type ProbeName } from '../sensor/program.js'
import { Detection } from './detection.js'
import type { EnforceEvents, EnforceOptions } from './enforce.js'
import { Control, type EnforcementControl } from './enforcement-control.js'
import { findContainer } from './find-container.js'
import { CLOCK } from './host.js'
import type { ImageModes } from './image-modes.js'
import { keep } from './keep.js'
import type { LoadedPolicy } from './policy-file.js'
import { PolicyInForce } from './policy-in-force.js'
import { Requests } from './requests.js'
import { responderOf, Responses } from './responses.js'
import { SealedImages } from './sealed-images.js'
import type { LearningSession } from './session.js'
import type { SessionEvents, SessionOptions } from './session-events.js'
import { UnappliedTail } from './unapplied-spool.js'

const TICK_MS = 1000
/** Ticks between two looks at the store, and between two times that what was learned is kept. */
const REFRESH_TICKS = 3
const KEEP_TICKS = 15

/** Facts of a container that go with what is done about it. */
const TIMELINE = 64

/** What enforcement goes by, read before it begins. */
export interface Given {
  readonly policy: LoadedPolicy
  readonly severity: CompiledSeverity
  readonly modes: ImageModes
  /** Of cgroup2. */
  readonly mount: string
}

export class Enforcement {
  /** What a service may ask and order. */
  readonly control: EnforcementControl
  readonly #options: EnforceOptions
  readonly #detector: Detector
  readonly #sealed: SealedImages
  readonly #modes: ImageModes
  readonly #responses: Responses
  readonly #unapplied: UnappliedTail
  readonly #unknown: Policy['unknownImages']
  readonly #beganMs = CLOCK.nowMs()
  readonly #policy: PolicyInForce
  /** By reason: what the sensor lost. */
  readonly #losses = new Map<string, number>()
  #detection: Detection | undefined
  #timer: NodeJS.Timeout | undefined
  #endReload: (() => void) | undefined
  #ticks = 0
  #working: Promise<void> = Promise.resolve()
  #isWorking = false
  /** Something was learned that is not in the store. */
  #isDirty = false

  constructor(options: EnforceOptions, { policy, severity, modes, mount }: Given) {
    const { stateDirectory, store, policyPath, events } = options
    this.#options = options
    this.#modes = modes
    this.#unknown = options.unknown ?? policy.policy.unknownImages
    this.#detector = new Detector({
      policy: policy.compiled,
      severity,
      prefix: randomUUID().slice(0, 8),
      raised: (anomaly) => this.#raised(anomaly),
      alertsUnlearned: (digest) => this.#unknown === 'alert' && modes.of(digest) !== 'learn',
    })
    const sealed = new SealedImages(store, this.#detector, (digest) => modes.of(digest) === 'learn')
    this.#sealed = sealed
    this.#policy = new PolicyInForce(policy, {
      stateDirectory,
      policyPath,
      sealedOf: (digest) => sealed.sealedOf(digest),
      startedWith: options.unknown === undefined ? policy.policy.unknownImages : undefined,
      changed: (changed) => {
        this.#detector.setPolicy(changed.compiled)
        events.reloaded(changed)
      },
    })
    this.#unapplied = new UnappliedTail(options.spool, { rotates: true })
    const compiled = (): LoadedPolicy['compiled'] => this.#policy.current.compiled
    const acting = { stateDirectory, mount, clock: CLOCK, policy: compiled }
    const responder = responderOf(acting)
    this.#responses = new Responses({
      ...acting,
      on: options.on,
      dryRun: options.dryRun,
      isObserved: (digest) => modes.of(digest) === 'observe',
      afterwards: options.afterwards,
      responded: (result, anomaly) => events.responded(result, anomaly),
      responder,
      recorder: options.recorder,
      troubled: (error) => events.troubled(error),
    })
    this.control = this.#controlOf(responder)
  }

  async begin(): Promise<void> {
    const { events } = this.#options
    for (const error of await this.#sealed.refresh()) events.troubled(error)
    events.begun(this.#policy.current, this.#sealed.count)
  }

  /** Once it has begun: an image whose requests of ioctl are sealed later is held to them from the next start on. */
  get probes(): readonly ProbeName[] {
    return this.#sealed.needsIoctl ? PROBES : ENFORCE_PROBES
  }

  sessionOptions(): SessionOptions {
    return {
      also: (runs) => (this.#detection = new Detection(runs, this.#detector)),
      learns: ({ found, imageDigest }) =>
        found &&
        (this.#isSealed(imageDigest) ||
          this.#modes.of(imageDigest) === 'learn' ||
          this.#unknown === 'learn'),
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
        const isWatched = isWanted && this.#isJudged(answer.imageDigest)
        if (isWatched && answer.found) this.#responses.watching(answer.imageDigest)
        this.#detection?.resolved(run, answer, isWatched, atMs)
        events.watching(this.#detection?.containerCount ?? 0)
      },
      gone: (run, atMs) => {
        this.#detection?.gone(run, atMs)
        events.watching(this.#detection?.containerCount ?? 0)
      },
      missed: (missed, _sinceMs, atMs) => {
        const { reason, count } = missed
        this.#losses.set(reason, (this.#losses.get(reason) ?? 0) + count)
        this.#detector.missed(missed, atMs)
      },
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

  /** Whether its baseline is sealed, also while the image is not held to it. */
  #isSealed(digest: string): boolean {
    return this.#sealed.sealedOf(digest) !== undefined
  }

  /** An image whose mode was set is watched, so that another mode takes effect at once. */
  #isJudged(digest: string): boolean {
    const hasMode = this.#modes.of(digest) !== 'enforce'
    return this.#isSealed(digest) || hasMode || this.#unknown !== 'ignore'
  }

  #raised(anomaly: Anomaly): void {
    // What was refused is learned as refused.
    if (anomaly.subject.kind === 'denied') this.#isDirty = true
    this.#options.events.raised(anomaly)
    this.#responses.raised(anomaly, () => {
      const { containerId } = anomaly.workload
      const found = this.#detection?.containers().find(({ run }) => run.containerId === containerId)
      if (found === undefined) return undefined
      const timeline = this.#detector.timelineOf(found.container, TIMELINE)
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
    const { events } = this.#options
    const reading = this.#policy.reload().then(
      () => undefined,
      (thrown: unknown) => events.refused(asPlimsollError(thrown)),
    )
    this.#working = Promise.all([this.#working, reading]).then(() => undefined)
  }

  #controlOf(responder: ReturnType<typeof responderOf>): EnforcementControl {
    const { store, dryRun, events } = this.#options
    const requests = new Requests({
      responder,
      responses: this.#responses,
      find: (ref) => findContainer(ref, this.#detection?.containers() ?? []),
      timelineOf: ({ container }) => this.#detector.timelineOf(container, TIMELINE),
      revisionOf: (digest) => this.#sealed.sealedOf(digest)?.revision ?? 0,
      dryRun,
    })
    return new Control({
      store,
      clock: CLOCK,
      policy: this.#policy,
      modes: this.#modes,
      sealed: this.#sealed,
      requests,
      detection: () => this.#detection,
      timeline: ({ container }, limit) => this.#detector.timelineOf(container, limit),
      losses: this.#losses,
      events,
    })
  }
}
