/**
 * One life of a workload while it is learned: from the first fact about it until its cgroups are gone. Until the runtime has
 * said which image it is, facts are held back, bounded; then they are learned in order. Facts about what joined from outside
 * wait a little longer, until it is decided whether that is the health check. Pure.
 */
import type { Baseline } from '../baseline/baseline.js'
import type { ResourceSample } from '../baseline/resources.js'
import type { RunFacts, RunHandle } from '../baseline/run.js'
import type { EntryObservation, Incompleteness, Lineage } from '../observation.js'
import { Entries } from './entries.js'
import { Held } from './held.js'
import { Undecided } from './undecided.js'

/** A fact waiting to be learned; the lineage is what the run takes it for. */
export type Lesson = (baseline: Baseline, handle: RunHandle, lineage: Lineage) => void

/** A container makes some hundred distinct facts; more than this while waiting is a flood, and is counted. */
const HELD_LIMIT = 8192

/** Facts about a run in its baseline, but for those that the run itself knows. */
export type RunIdentity = Omit<RunFacts, 'startedMs' | 'endedMs' | 'incompleteness'>

/** Where a run is learned into, decided when it begins. */
export interface Beginning {
  readonly baseline: Baseline
  readonly identity: RunIdentity
}

/**
 * States: `waiting` for its image -> `learning`, or -> `ignored` because it was not asked for. In the baseline it begins with
 * its first fact: a cgroup in which nothing ever ran is no run.
 */
export class Run {
  readonly containerId: string
  /** Path of the container's own cgroup below the cgroup2 mount; empty for a command. */
  readonly path: string
  /** When it began; the earliest that is known. */
  readonly startedMs: number
  /** Cgroups of it that exist. */
  readonly cgroups = new Set<number>()
  name = ''
  #isLate: boolean
  #endedMs = 0
  #baseline: Baseline | undefined
  #handle: RunHandle | undefined
  #begin: (() => Beginning) | undefined
  #onBegun: (() => void) | undefined
  #isIgnored = false
  #hasFacts = false
  readonly #held = new Held<(baseline: Baseline, handle: RunHandle) => void>(HELD_LIMIT)
  readonly #entries = new Entries()
  readonly #undecided = new Undecided<Lesson>(HELD_LIMIT)

  /** `isLate`: it may have run before the probes were attached. */
  constructor(containerId: string, startedMs: number, isLate: boolean, path = '') {
    this.containerId = containerId
    this.path = path
    this.startedMs = startedMs
    this.#isLate = isLate
  }

  /** It ran before the probes were attached. */
  get isLate(): boolean {
    return this.#isLate
  }

  /** The kernel told of its beginning after all. Comes too late for one that is being learned already. */
  wasSeenBeginning(): void {
    this.#isLate = false
  }

  get state(): 'waiting' | 'learning' | 'ignored' {
    return this.#isIgnored ? 'ignored' : this.#begin === undefined ? 'waiting' : 'learning'
  }

  /** 0 while it lasts. */
  get endedMs(): number {
    return this.#endedMs
  }

  /** Undefined until it has begun there. */
  get baseline(): Baseline | undefined {
    return this.#baseline
  }

  /** As the baseline has it; empty until it has begun there. */
  get runId(): string {
    return this.#handle?.runId ?? ''
  }

  /** True if anything was learned or waits to be. */
  get hasFacts(): boolean {
    return this.#hasFacts
  }

  /** A fact about a process of that lineage, as the kernel sees it; `tag` says which entry an `exec` descends from. */
  learn(lineage: Lineage, tag: number, lesson: Lesson): void {
    if (this.#isIgnored) return
    this.#hasFacts = true
    if (lineage === 'exec') this.#undecided.add(tag, lesson)
    else this.#take((baseline, handle) => lesson(baseline, handle, lineage))
    this.#beginIfDue()
  }

  /** A process joined from outside. */
  enter(entry: EntryObservation): void {
    this.#entries.saw(entry)
  }

  /** Processes may have joined untold. */
  missEntries(): void {
    this.#entries.missed()
  }

  /** The command lines that start its health check. Known before `settle`, or never. */
  expectHealthChecks(healthChecks: readonly (readonly string[])[]): void {
    this.#entries.expect(healthChecks)
  }

  /** The sensor has printed its maps. */
  printed(): void {
    this.#undecided.printed()
    this.decide(false)
  }

  /** Learns the facts about entries that have waited long enough; with `all`, because nothing comes any more, all of them. */
  decide(all: boolean): void {
    if (this.#handle === undefined) return
    for (const { tag, item: lesson } of this.#undecided.take(all)) {
      const lineage = this.#entries.lineageOf(tag)
      this.#take((baseline, handle) => lesson(baseline, handle, lineage))
    }
    const dropped = this.#undecided.takeDropped()
    if (dropped > 0) {
      this.miss({
        reason: 'lost-events',
        count: dropped,
        detail: 'held while an entry was decided',
      })
    }
  }

  /**
   * Something was missed in this run. For one whose beginning was seen that is a fact like others; a cgroup that was there
   * before, and of which nothing else is ever heard, may well be empty.
   */
  miss(incompleteness: Incompleteness): void {
    if (this.#isIgnored) return
    if (!this.#isLate) this.#hasFacts = true
    this.#take((baseline, handle) => baseline.addIncompleteness(handle, incompleteness))
    this.#beginIfDue()
  }

  /**
   * What it took at one moment. No fact that a run begins with: before the first one it is dropped, so that nothing is held
   * for a container in which nothing is ever seen.
   */
  sample(sample: ResourceSample): void {
    if (this.#isIgnored || !this.#hasFacts) return
    this.#take((baseline, handle) => baseline.learnResources(handle, sample))
  }

  /**
   * The image is known: with its first fact the run begins where `begin` says, what was held is learned, and then
   * `onBegun` is told, once.
   */
  settle(begin: () => Beginning, onBegun: () => void): void {
    this.#begin = begin
    this.#onBegun = onBegun
    this.#beginIfDue()
  }

  /** It is not among what is to be learned. */
  ignore(): void {
    this.#isIgnored = true
    this.#held.take()
    this.#undecided.take(true)
  }

  /** Its last cgroup is gone. Facts may still come: the maps are printed after the fact. */
  end(atMs: number): void {
    this.#endedMs = atMs
    if (this.#baseline !== undefined && this.#handle !== undefined) {
      this.#baseline.endRun(this.#handle, atMs)
    }
  }

  #take(lesson: (baseline: Baseline, handle: RunHandle) => void): void {
    if (this.#baseline !== undefined && this.#handle !== undefined)
      lesson(this.#baseline, this.#handle)
    else this.#held.add(lesson)
  }

  #beginIfDue(): void {
    if (this.#handle !== undefined || this.#begin === undefined || !this.#hasFacts) return
    const { baseline, identity } = this.#begin()
    // It is met when a scan finds it, but what is late was there before the probes.
    const startedMs = this.#isLate ? Math.min(this.startedMs, identity.attachedMs) : this.startedMs
    const handle = baseline.startRun({ ...identity, startedMs, endedMs: 0, incompleteness: [] })
    this.#baseline = baseline
    this.#handle = handle
    if (this.#isLate) {
      this.miss({ reason: 'attached-late', count: 1, fromMs: startedMs, toMs: identity.attachedMs })
    }
    const { dropped } = this.#held
    if (dropped > 0) {
      this.miss({
        reason: 'lost-events',
        count: dropped,
        detail: 'held while the image was looked up',
      })
    }
    for (const lesson of this.#held.take()) lesson(baseline, handle)
    this.decide(false)
    if (this.#endedMs > 0) baseline.endRun(handle, this.#endedMs)
    this.#onBegun?.()
  }
}
