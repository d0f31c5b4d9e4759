/**
 * One life of a workload while it is learned: from the first fact about it until its cgroups are gone. Until the runtime has
 * said which image it is, facts are held back, bounded; then they are learned in order. Pure.
 */
import type { Baseline } from '../baseline/baseline.js'
import type { RunFacts, RunHandle } from '../baseline/run.js'
import type { Incompleteness } from '../observation.js'
import { Held, type Lesson } from './held.js'

/** A container makes some hundred distinct facts; more than this while waiting is a flood, and is counted. */
const HELD_LIMIT = 8192

/** States: `waiting` for its image -> `learning`, or -> `ignored` because it was not asked for. */
export class Run {
  readonly containerId: string
  /** When it began; the earliest that is known. */
  readonly startedMs: number
  /** Cgroups of it that exist. */
  readonly cgroups = new Set<number>()
  name = ''
  #isLate: boolean
  #endedMs = 0
  #baseline: Baseline | undefined
  #handle: RunHandle | undefined
  #isIgnored = false
  readonly #held = new Held(HELD_LIMIT)

  /** `isLate`: it may have run before the probes were attached. */
  constructor(containerId: string, startedMs: number, isLate: boolean) {
    this.containerId = containerId
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
    return this.#isIgnored ? 'ignored' : this.#baseline === undefined ? 'waiting' : 'learning'
  }

  /** 0 while it lasts. */
  get endedMs(): number {
    return this.#endedMs
  }

  get baseline(): Baseline | undefined {
    return this.#baseline
  }

  /** As the baseline has it; empty until the image is known. */
  get runId(): string {
    return this.#handle?.runId ?? ''
  }

  /** True if anything was learned or waits to be: a cgroup in which nothing ever ran is no run. */
  get hasFacts(): boolean {
    return this.#handle !== undefined || !this.#held.isEmpty
  }

  learn(lesson: Lesson): void {
    if (this.#isIgnored) return
    if (this.#baseline !== undefined && this.#handle !== undefined)
      lesson(this.#baseline, this.#handle)
    else this.#held.add(lesson)
  }

  /** Something was missed in this run. */
  miss(incompleteness: Incompleteness): void {
    this.learn((baseline, handle) => baseline.addIncompleteness(handle, incompleteness))
  }

  /** The image is known: the run begins in its baseline and what was held is learned. */
  settle(
    baseline: Baseline,
    facts: Omit<RunFacts, 'startedMs' | 'endedMs' | 'incompleteness'>,
  ): void {
    // It is met when a scan finds it, but what is late was there before the probes.
    const startedMs = this.#isLate ? Math.min(this.startedMs, facts.attachedMs) : this.startedMs
    const handle = baseline.startRun({
      ...facts,
      startedMs,
      endedMs: 0,
      incompleteness: [],
    })
    this.#baseline = baseline
    this.#handle = handle
    if (this.#isLate) {
      this.miss({ reason: 'attached-late', count: 1, fromMs: startedMs, toMs: facts.attachedMs })
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
    if (this.#endedMs > 0) baseline.endRun(handle, this.#endedMs)
  }

  /** It is not among what is to be learned. */
  ignore(): void {
    this.#isIgnored = true
    this.#held.take()
  }

  /** Its last cgroup is gone. Facts may still come: the maps are printed after the fact. */
  end(atMs: number): void {
    this.#endedMs = atMs
    if (this.#baseline !== undefined && this.#handle !== undefined) {
      this.#baseline.endRun(this.#handle, atMs)
    }
  }
}
