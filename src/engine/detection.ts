/**
 * Brings what the sensor says to the detector: finds the container that a fact is about, and holds facts back, bounded, until
 * its runtime has said what it is. Counts of what is known pass straight through. Pure.
 */
import type { ResourceSample } from '../baseline/resources.js'
import type { WorkloadFacts } from '../detect/anomaly.js'
import type { Detector } from '../detect/detector.js'
import type { ContainerHandle } from '../detect/handles.js'
import type { Abi, DenialHint, Lineage, Observation, ObservationSink } from '../observation.js'
import { Held } from './held.js'
import type { ContainerAnswer } from './input.js'
import type { Run } from './run.js'
import type { Runs } from './runs.js'

/** A container makes some hundred distinct facts until it is known; more is a flood. */
const HELD_LIMIT = 8192
/** Maps are printed every two seconds: so long after a container's end everything about it is in. */
const SETTLED_MS = 30_000

/** What a run is to the detector. */
type Watched =
  | {
      readonly kind: 'waiting'
      /** Of which the first fact was: the run may have none left when it is known what it is. */
      readonly cgroupId: number
      readonly held: Held<(container: ContainerHandle) => void>
    }
  | { readonly kind: 'watched'; readonly container: ContainerHandle }
  | { readonly kind: 'ignored' }

/** A container that is watched. */
export interface WatchedContainer {
  readonly container: ContainerHandle
  readonly run: Run
  readonly workload: WorkloadFacts
}

interface Ended {
  readonly container: ContainerHandle
  readonly atMs: number
}

export class Detection implements ObservationSink {
  readonly #runs: Runs
  readonly #detector: Detector
  readonly #watched = new WeakMap<Run, Watched>()
  readonly #containers = new Map<ContainerHandle, WatchedContainer>()
  /** In an array of numbers, which a large count does not turn into an object each time. */
  readonly #judged = new Float64Array(1)
  #ended: readonly Ended[] = []

  constructor(runs: Runs, detector: Detector) {
    this.#runs = runs
    this.#detector = detector
  }

  /** The containers that are watched and have not ended. */
  containers(): readonly WatchedContainer[] {
    return [...this.#containers.values()]
  }

  /** How many there are. O(1). */
  get containerCount(): number {
    return this.#containers.size
  }

  /** Facts that were judged, those of what was known among them. */
  get judged(): number {
    return this.#judged[0] ?? 0
  }

  /** The run of a container that is watched. */
  runOf(container: ContainerHandle): Run | undefined {
    return this.#containers.get(container)?.run
  }

  /** A runtime said what a run is. */
  resolved(run: Run, answer: ContainerAnswer, isWanted: boolean, atMs: number): void {
    const before = this.#watched.get(run)
    if (before?.kind === 'watched') return
    const [first] = run.cgroups
    const cgroupId = first ?? (before?.kind === 'waiting' ? before.cgroupId : undefined)
    // One that is over and of which nothing was told has nothing to be watched for.
    const workload =
      isWanted && cgroupId !== undefined ? workloadOf(run, cgroupId, answer) : undefined
    const container = workload && this.#open(workload, answer, atMs)
    if (workload === undefined || container === undefined) {
      this.#watched.set(run, { kind: 'ignored' })
      return
    }
    this.#watched.set(run, { kind: 'watched', container })
    this.#containers.set(container, { container, run, workload })
    for (const id of run.cgroups) this.#detector.track(id, container, atMs)
    if (before?.kind === 'waiting') this.#release(before.held, container, atMs)
    if (run.endedMs > 0) this.gone(run, atMs)
  }

  /** What the workload of that cgroup takes of the host. */
  sampled(cgroupId: number, { memoryBytes, cpuMilli, pids }: ResourceSample, atMs: number): void {
    for (const { container, run } of this.#containers.values()) {
      if (!run.cgroups.has(cgroupId)) continue
      this.#detector.sample(container, { memory: memoryBytes, cpu: cpuMilli, pids }, atMs)
      return
    }
  }

  /** The last cgroup of a run is gone. */
  gone(run: Run, atMs: number): void {
    const watched = this.#watched.get(run)
    if (watched?.kind !== 'watched' || !this.#containers.delete(watched.container)) return
    this.#ended = [...this.#ended, { container: watched.container, atMs }]
  }

  /** Lets go of what ended long enough ago. */
  settle(atMs: number): void {
    const isDue = ({ atMs: endedMs }: Ended): boolean => atMs - endedMs >= SETTLED_MS
    for (const ended of this.#ended) if (isDue(ended)) this.#detector.close(ended.container)
    this.#ended = this.#ended.filter((ended) => !isDue(ended))
  }

  syscall(
    cgroupId: number,
    lineage: Lineage,
    _tag: number,
    abi: Abi,
    nr: number,
    count: number,
    atMs: number,
  ): void {
    if (this.#detector.syscall(cgroupId, lineage, abi, nr, count, atMs)) {
      this.#count()
      return
    }
    this.#tell(cgroupId, atMs, () =>
      this.#detector.syscall(cgroupId, lineage, abi, nr, count, atMs),
    )
  }

  argument(
    cgroupId: number,
    lineage: Lineage,
    _tag: number,
    abi: Abi,
    nr: number,
    value: number,
    count: number,
    atMs: number,
  ): void {
    if (this.#detector.argument(cgroupId, lineage, abi, nr, value, count, atMs)) {
      this.#count()
      return
    }
    this.#tell(cgroupId, atMs, () =>
      this.#detector.argument(cgroupId, lineage, abi, nr, value, count, atMs),
    )
  }

  denied(
    cgroupId: number,
    lineage: Lineage,
    abi: Abi,
    nr: number,
    answer: number,
    count: number,
    atMs: number,
  ): void {
    if (this.#detector.denied(cgroupId, lineage, abi, nr, answer, count, atMs)) {
      this.#count()
      return
    }
    this.#tell(cgroupId, atMs, () =>
      this.#detector.denied(cgroupId, lineage, abi, nr, answer, count, atMs),
    )
  }

  denialHint(hint: DenialHint): void {
    this.#tell(hint.cgroupId, hint.atMs, (container) => this.#detector.denialHint(container, hint))
  }

  observe(observation: Observation): void {
    // Cgroups come and go by way of the runs; who joined is told by what it does.
    if (observation.kind === 'cgroup' || observation.kind === 'entry') return
    this.#tell(observation.cgroupId, observation.atMs, (container) =>
      this.#detector.observe(container, observation),
    )
  }

  /** Tells the detector about the container that the cgroup belongs to, at once or when it is known what it is. */
  #tell(cgroupId: number, atMs: number, fact: (container: ContainerHandle) => void): void {
    this.#runs.tell(cgroupId, atMs, (run) => {
      const watched = this.#watched.get(run)
      if (watched?.kind === 'ignored') return
      if (watched?.kind === 'watched') {
        // A container may make cgroups of its own.
        this.#detector.track(cgroupId, watched.container, atMs)
        this.#count()
        fact(watched.container)
        return
      }
      const held = watched?.held ?? new Held<(container: ContainerHandle) => void>(HELD_LIMIT)
      if (watched === undefined) this.#watched.set(run, { kind: 'waiting', cgroupId, held })
      held.add((container) => {
        this.#detector.track(cgroupId, container, atMs)
        this.#count()
        fact(container)
      })
    })
  }

  #release(
    held: Held<(container: ContainerHandle) => void>,
    container: ContainerHandle,
    atMs: number,
  ): void {
    for (const fact of held.take()) fact(container)
    const { dropped } = held
    if (dropped === 0) return
    this.#detector.lost(container, dropped, 'held while the image was looked up', atMs)
  }

  #open(
    workload: WorkloadFacts,
    { labels }: ContainerAnswer,
    atMs: number,
  ): ContainerHandle | undefined {
    const byKey = labels && new Map(labels.map(({ key, value }) => [key, value]))
    return this.#detector.open(workload, byKey, atMs)
  }

  #count(): void {
    this.#judged[0] = (this.#judged[0] ?? 0) + 1
  }
}

function workloadOf(run: Run, cgroupId: number, answer: ContainerAnswer): WorkloadFacts {
  return {
    runtime: answer.runtime,
    containerId: run.containerId,
    containerName: answer.name,
    imageDigest: answer.found ? answer.imageDigest : '',
    imageName: answer.found ? answer.imageName : '',
    cgroupId,
  }
}
