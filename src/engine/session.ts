/**
 * One learning session: inputs in, baselines out. Pure: it has no clock, file or socket, so that a trace of its inputs
 * replays to the same bytes. What it needs from outside it asks for through `takeRequests`; the answers are inputs.
 */
import { Baseline } from '../baseline/baseline.js'
import { imageKeyOf, type ImageIdentity } from '../baseline/image-identity.js'
import type { ResourceSample } from '../baseline/resources.js'
import type { Incompleteness, ObservationSink } from '../observation.js'
import { Decoder } from '../sensor/decoder.js'
import { Attachment } from './attachment.js'
import { imageOf, noAnswer } from './container-image.js'
import type { ContainerAnswer, Input, SelectionChange, SessionFacts } from './input.js'
import { Lessons } from './lessons.js'
import { LossWatch } from './loss-watch.js'
import { type Beginning, Run } from './run.js'
import { Runs } from './runs.js'
import { isSelected } from './selection.js'
import type { Request, SessionEvents, SessionOptions } from './session-events.js'
import { Tee } from './tee.js'

/** Maps are printed every two seconds, and losses known one print later; so long after its end a run is complete. */
const SETTLED_MS = 30_000

const NO_FACTS: SessionFacts = {
  sessionId: '',
  plimsoll: '',
  kernel: '',
  bpftrace: '',
  selection: { all: false, image: '', container: '' },
  kinds: [],
}

export class LearningSession {
  readonly #events: Partial<SessionEvents>
  readonly #baselines = new Map<string, Baseline>()
  readonly #attachment = new Attachment()
  readonly #runs: Runs
  readonly #sink: ObservationSink
  readonly #learns: (answer: ContainerAnswer) => boolean
  #facts = NO_FACTS
  /** One per image, the latest last. */
  #changes: readonly SelectionChange[] = []
  #requests: Request[] = []
  #decoder: Decoder | undefined
  #losses: LossWatch | undefined
  #nowMs = 0
  #runCount = 0

  constructor(events: Partial<SessionEvents> = {}, options: SessionOptions = {}) {
    this.#events = events
    this.#learns = options.learns ?? ((): boolean => true)
    this.#runs = new Runs({
      wantsImage: ({ runtime, containerId }) =>
        void this.#requests.push({ kind: 'resolve', runtime, containerId }),
      wantsScan: () => void this.#requests.push({ kind: 'scan' }),
      ended: (run) => {
        events.gone?.(run, this.#nowMs)
        if (run.baseline !== undefined) events.runEnded?.(run)
      },
    })
    const lessons = new Lessons({
      runs: this.#runs,
      isAttached: () => this.#attachment.isMade,
      learned: (baseline, lineage, item) => events.learned?.(baseline, lineage, item),
    })
    const also = options.also?.(this.#runs)
    this.#sink = also === undefined ? lessons : new Tee(also, lessons)
  }

  /** Takes the next input. Inputs must come in the order of their times. */
  apply(input: Input): void {
    this.#nowMs = input.atMs
    switch (input.kind) {
      case 'session':
        this.#facts = input.facts
        break
      case 'sensor-started':
        this.#sensorStarted()
        break
      case 'sensor-bytes':
        this.#decoder?.push(input.bytes, input.atMs)
        break
      case 'sensor-ended':
        this.#sensorEnded(input.expected, input.reason)
        break
      case 'cgroups':
        this.#runs.scanned(input.cgroups, input.atMs)
        break
      case 'container':
        this.#resolved(input.answer)
        break
      case 'command':
        this.#commandPrepared(input.cgroupId, input.image)
        break
      case 'resources':
        this.#events.sampled?.(input.cgroupId, input, input.atMs)
        this.#sampled(input)
        break
      case 'selection': {
        const { image, isLearned } = input
        const others = this.#changes.filter((change) => change.image !== image)
        this.#changes = [...others, { image, isLearned }]
        break
      }
      case 'end':
        this.#end()
        break
    }
  }

  /** What is wanted since the last call. */
  takeRequests(): readonly Request[] {
    const requests = this.#requests
    this.#requests = []
    return requests
  }

  /** The baselines of this session alone, in order of their image keys. */
  baselines(): readonly Baseline[] {
    return [...this.#baselines].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, baseline]) => baseline)
  }

  /** Runs in which something was learned or may yet be. */
  runs(): readonly Run[] {
    return this.#runs.all()
  }

  /** The cgroups of containers that run and are watched, each by the container's own, whether they are learned or not. */
  cgroups(): readonly { readonly cgroupId: number; readonly path: string }[] {
    return this.#runs.alive().flatMap((run) => {
      const [cgroupId] = run.cgroups
      return cgroupId === undefined || run.path === '' ? [] : [{ cgroupId, path: run.path }]
    })
  }

  get isReady(): boolean {
    return this.#attachment.isMade
  }

  #sensorStarted(): void {
    const decoder = new Decoder(this.#sink, {
      ready: (atMs) => this.#ready(atMs),
      printed: () => {
        this.#losses?.report(this.#nowMs, false)
        this.#attachment.printed(this.#nowMs)
        this.#runs.printed()
        this.#runs.forget(this.#nowMs - SETTLED_MS)
      },
      mapFull: (what) => this.#losses?.mapFull(what),
    })
    this.#decoder = decoder
    this.#losses = new LossWatch(decoder, this.#nowMs, (missed, sinceMs) => {
      this.#miss(missed, sinceMs)
      // A container may have come or gone in what was lost.
      if (missed.detail === 'cgroup') this.#requests.push({ kind: 'scan' })
      if (missed.detail === 'entry') this.#runs.missEntries(sinceMs)
    })
  }

  #ready(atMs: number): void {
    this.#attachment.made(atMs)
    this.#endGap(atMs)
    // Whatever began or ended while nothing was attached.
    this.#requests.push({ kind: 'scan' })
    this.#events.ready?.(atMs)
  }

  #sensorEnded(expected: boolean, reason: string): void {
    this.#decoder?.end()
    this.#losses?.report(this.#nowMs, true)
    this.#runs.decide()
    if (!expected) this.#attachment.lost()
    this.#decoder = undefined
    this.#losses = undefined
    if (!expected) this.#events.sensorEnded?.(this.#nowMs, reason)
  }

  #endGap(atMs: number): void {
    const gap = this.#attachment.takeGap(atMs)
    if (gap !== undefined) this.#miss(gap.missed, gap.sinceMs)
  }

  #miss(missed: Incompleteness, sinceMs: number): void {
    this.#runs.miss(missed, sinceMs)
    this.#events.missed?.(missed, sinceMs, this.#nowMs)
  }

  #resolved(answer: ContainerAnswer): void {
    for (const run of this.#runs.waiting(answer.containerId)) {
      const isWanted = isSelected(this.#facts.selection, answer, this.#changes)
      this.#events.resolved?.(run, answer, isWanted, this.#nowMs)
      if (isWanted && !this.#learns(answer)) {
        run.ignore()
        continue
      }
      if (!isWanted) {
        // Its image may have been the one that was asked for.
        if (!answer.found && run.hasFacts) this.#events.leftOut?.(answer)
        run.ignore()
        continue
      }
      run.name = answer.name
      run.expectHealthChecks(answer.healthChecks)
      this.#settle(run, imageOf(answer), answer.runtime, answer)
      if (!answer.found) {
        run.miss({ reason: 'unresolved-image', count: 1, detail: answer.problem })
      }
    }
  }

  #commandPrepared(cgroupId: number, image: ImageIdentity): void {
    const run = new Run('', this.#nowMs, false)
    run.name = image.name
    this.#runs.add(run, cgroupId)
    this.#settle(run, image, 'command')
  }

  #sampled({ cgroupId, memoryBytes, cpuMilli, pids, atMs }: Extract<Input, ResourceSample>): void {
    const sample = { memoryBytes, cpuMilli, pids }
    this.#runs.tell(cgroupId, atMs, (run) => run.sample(sample))
  }

  #settle(run: Run, image: ImageIdentity, runtime: string, answer?: ContainerAnswer): void {
    const begin = (): Beginning => {
      const key = imageKeyOf(image)
      const baseline = this.#baselines.get(key) ?? Baseline.empty(image)
      this.#baselines.set(key, baseline)
      this.#runCount++
      const identity = {
        runId: `${this.#facts.sessionId}/${this.#runCount}`,
        runtime,
        containerId: run.containerId,
        containerName: run.name,
        attachedMs: this.#attachment.of(run),
        kernel: this.#facts.kernel,
        bpftrace: this.#facts.bpftrace,
        plimsoll: this.#facts.plimsoll,
        runtimeVersion: answer?.runtimeVersion ?? '',
        kinds: this.#facts.kinds,
      }
      return { baseline, identity }
    }
    run.settle(begin, () => {
      this.#events.runStarted?.(run)
      // One whose image, or whose first fact, comes last may have ended by then.
      if (run.endedMs > 0) this.#events.runEnded?.(run)
    })
  }

  #end(): void {
    this.#endGap(this.#nowMs)
    for (const run of this.#runs.all()) {
      if (run.state === 'waiting' && run.hasFacts) {
        this.#resolved(noAnswer(run.containerId))
      }
      // A command's cgroup is its own to remove; its run ends with the session.
      if (run.containerId === '' && run.endedMs === 0) {
        run.end(this.#nowMs)
        if (run.baseline !== undefined) this.#events.runEnded?.(run)
      }
    }
    this.#runs.decide()
  }
}
