/** A session and a store for tests of the service: events are told by hand, time is moved by hand. */
import type { Baseline } from '../../src/baseline/baseline.js'
import { imageKeyOf } from '../../src/baseline/image-identity.js'
import type { StoreEntry } from '../../src/baseline/store.js'
import type {
  LearningEvent,
  LearningRun,
  LearningSource,
  LearningState,
  ServiceClock,
} from '../../src/service/learning-source.js'

export class FakeSource implements LearningSource {
  readonly learned: Baseline[] = []
  readonly kept: StoreEntry[] = []
  current: LearningState = { sensorReady: false, runs: [], runsEnded: 0, facts: 0 }
  readonly #listeners = new Set<(event: LearningEvent) => void>()

  session(): readonly Baseline[] {
    return this.learned
  }

  async stored(): Promise<readonly StoreEntry[]> {
    return this.kept
  }

  state(): LearningState {
    return this.current
  }

  subscribe(listener: (event: LearningEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  get subscribers(): number {
    return this.#listeners.size
  }

  tell(event: LearningEvent): void {
    for (const listener of this.#listeners) listener(event)
  }

  /** Puts a baseline into the store. */
  keep(baseline: Baseline): void {
    const { image } = baseline
    const key = imageKeyOf(image)
    this.kept.push({ kind: 'baseline', key, path: `/state/${key}/1.plb`, image, baseline })
  }
}

export class FakeClock implements ServiceClock {
  readonly #timers = new Map<() => void, number>()
  #nowMs = 1000

  nowMs(): number {
    return this.#nowMs
  }

  every(intervalMs: number, tick: () => void): () => void {
    this.#timers.set(tick, intervalMs)
    return () => void this.#timers.delete(tick)
  }

  /** Intervals of the timers that run. */
  get intervalsMs(): readonly number[] {
    return [...this.#timers.values()]
  }

  /** Every timer goes off once. */
  tick(): void {
    this.#nowMs += 1
    for (const tick of this.#timers.keys()) tick()
  }
}

export const RUN: LearningRun = {
  runId: 's/1',
  baselineKey: `container-${'0123456789abcdef'.repeat(4)}`,
  imageName: 'localhost/web:1.0',
  containerId: 'c0ffee',
  containerName: 'web',
  startedMs: 1000,
  endedMs: 0,
}

/** So many events that tell their own number. */
export function factsUpTo(count: number): LearningEvent[] {
  return Array.from({ length: count }, (_, index) => ({
    atMs: 1000,
    kind: 'facts-learned',
    baselineKey: RUN.baselineKey,
    facts: index + 1,
  }))
}
