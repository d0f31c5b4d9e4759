/**
 * What the service has to be told: the narrow side by which the running session and the store look in from the engine. The
 * service knows neither sensor nor session.
 */
import type { Baseline } from '../baseline/baseline.js'
import type { StoreEntry } from '../baseline/store.js'

/** A run that is being learned. Times are milliseconds since the epoch. */
export interface LearningRun {
  readonly runId: string
  /** Of the baseline, as `imageKeyOf` makes it. */
  readonly baselineKey: string
  readonly imageName: string
  /** Empty for a command. */
  readonly containerId: string
  readonly containerName: string
  readonly startedMs: number
  /** 0 while it lasts. */
  readonly endedMs: number
}

/** What happened in the session; `atMs` is when it was told. */
export type LearningEvent = { readonly atMs: number } & (
  | { readonly kind: 'sensor-ready' }
  | { readonly kind: 'sensor-ended'; readonly reason: string }
  | { readonly kind: 'run-started' | 'run-ended'; readonly run: LearningRun }
  | {
      readonly kind: 'facts-learned'
      readonly baselineKey: string
      /** Of that image, in this session so far. */
      readonly facts: number
    }
)

/** How things stand; what the next event continues. */
export interface LearningState {
  readonly sensorReady: boolean
  /** Runs that go on, oldest first. */
  readonly runs: readonly LearningRun[]
  readonly runsEnded: number
  readonly facts: number
}

export interface LearningSource {
  /** The baselines that the session learns, as they grow; not to be changed. */
  session(): readonly Baseline[]
  /** What is in the store. Throws `STORE_UNREADABLE`. */
  stored(): Promise<readonly StoreEntry[]>
  state(): LearningState
  /** Calls `listener` for every event from now on, in order, until the function that is returned is called. */
  subscribe(listener: (event: LearningEvent) => void): () => void
}

/** Time, as the service needs it. */
export interface ServiceClock {
  /** Milliseconds since the epoch. */
  nowMs(): number
  /** Calls `tick` every `intervalMs` until the function that is returned is called. */
  every(intervalMs: number, tick: () => void): () => void
}
