/**
 * The running session as the service sees it: listens to the session's events, keeps count, and tells whoever subscribed.
 * Reads the session's baselines as they grow and changes nothing in them.
 */
import type { Baseline } from '../baseline/baseline.js'
import { imageKeyOf } from '../baseline/image-identity.js'
import type { BaselineStore, StoreEntry } from '../baseline/store.js'
import type {
  LearningEvent,
  LearningRun,
  LearningSource,
  LearningState,
} from '../service/learning-source.js'
import type { Run } from './run.js'
import type { SessionEvents } from './session-events.js'

/** What is heard of a session: these events, and whatever else the inner ones listen to. */
export type HeardEvents = Partial<SessionEvents> &
  Pick<SessionEvents, 'ready' | 'sensorEnded' | 'runStarted' | 'runEnded' | 'learned'>

export class LiveLearning implements LearningSource {
  readonly #store: Pick<BaselineStore, 'list'>
  readonly #nowMs: () => number
  readonly #listeners = new Set<(event: LearningEvent) => void>()
  /** By image key, with how many facts were new. */
  readonly #images = new Map<string, { readonly baseline: Baseline; facts: number }>()
  readonly #running = new Map<Run, LearningRun>()
  #sensorReady = false
  #runsEnded = 0
  #reading: Promise<readonly StoreEntry[]> | undefined

  constructor(store: Pick<BaselineStore, 'list'>, nowMs: () => number) {
    this.#store = store
    this.#nowMs = nowMs
  }

  /** The events to give to a session: heard here, then told on to `inner`. */
  heard(inner: Partial<SessionEvents>): HeardEvents {
    return {
      ...inner,
      ready: (atMs) => {
        this.#sensorReady = true
        this.#tell({ atMs: this.#nowMs(), kind: 'sensor-ready' })
        inner.ready?.(atMs)
      },
      sensorEnded: (atMs, reason) => {
        this.#sensorReady = false
        this.#tell({ atMs: this.#nowMs(), kind: 'sensor-ended', reason })
        inner.sensorEnded?.(atMs, reason)
      },
      runStarted: (run) => {
        this.#runStarted(run)
        inner.runStarted?.(run)
      },
      runEnded: (run) => {
        this.#runEnded(run)
        inner.runEnded?.(run)
      },
      learned: (baseline, lineage, item) => {
        this.#learned(baseline)
        inner.learned?.(baseline, lineage, item)
      },
    }
  }

  session(): readonly Baseline[] {
    return [...this.#images.values()].map(({ baseline }) => baseline)
  }

  /** Clients that ask at the same time share one reading of the store. */
  stored(): Promise<readonly StoreEntry[]> {
    this.#reading ??= this.#store.list().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  state(): LearningState {
    let facts = 0
    for (const image of this.#images.values()) facts += image.facts
    return {
      sensorReady: this.#sensorReady,
      runs: [...this.#running.values()],
      runsEnded: this.#runsEnded,
      facts,
    }
  }

  subscribe(listener: (event: LearningEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #runStarted(run: Run): void {
    if (run.baseline === undefined) return
    this.#imageOf(run.baseline)
    const started = runOf(run, run.baseline)
    this.#running.set(run, started)
    this.#tell({ atMs: this.#nowMs(), kind: 'run-started', run: started })
  }

  #runEnded(run: Run): void {
    if (run.baseline === undefined || !this.#running.delete(run)) return
    this.#runsEnded++
    this.#tell({ atMs: this.#nowMs(), kind: 'run-ended', run: runOf(run, run.baseline) })
  }

  #learned(baseline: Baseline): void {
    const image = this.#imageOf(baseline)
    const facts = ++image.facts
    // Most sessions are watched by nobody; the key is only made for those that are.
    if (this.#listeners.size === 0) return
    const baselineKey = imageKeyOf(baseline.image)
    this.#tell({ atMs: this.#nowMs(), kind: 'facts-learned', baselineKey, facts })
  }

  #imageOf(baseline: Baseline): { readonly baseline: Baseline; facts: number } {
    const key = imageKeyOf(baseline.image)
    const known = this.#images.get(key)
    if (known !== undefined) return known
    const image = { baseline, facts: 0 }
    this.#images.set(key, image)
    return image
  }

  #tell(event: LearningEvent): void {
    for (const listener of this.#listeners) listener(event)
  }
}

function runOf(run: Run, baseline: Baseline): LearningRun {
  const isCommand = run.containerId === ''
  return {
    runId: run.runId,
    baselineKey: imageKeyOf(baseline.image),
    imageName: baseline.image.name,
    containerId: run.containerId,
    containerName: isCommand ? '' : run.name,
    startedMs: run.startedMs,
    endedMs: run.endedMs,
  }
}
