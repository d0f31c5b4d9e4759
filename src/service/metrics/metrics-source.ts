/**
 * What the metrics and the health pages ask of the service, each time that somebody looks. Everything here must answer at
 * once, from memory.
 */
import type { JournalState } from '../journal/journal.js'
import type { Tallies } from './tallies.js'

/** How a sink is. */
export interface SinkState {
  /** As its operator calls it. */
  readonly name: string
  /** Events that it took since the start. */
  readonly delivered: number
  /** Events that it has not taken yet. */
  readonly behind: number
  /** Events that it did not want. */
  readonly refused: number
  /** Events that it will never get, because they could not be kept for it. */
  readonly lost: number
  /** Why the last attempt failed, in a line; undefined while all is well. */
  readonly problem: string | undefined
}

/** How the sensor is. */
export interface SensorState {
  /** Every mandatory probe is attached. */
  readonly isAttached: boolean
  /** Since when that is so; wall clock. */
  readonly sinceMs: number
  /** Why it is not, in a line. */
  readonly problem: string
}

export interface MetricsSource {
  readonly tallies: Tallies
  sensor(): SensorState
  /** Undefined where there is none. */
  journal(): JournalState | undefined
  sinks(): readonly SinkState[]
  /** Clients that watch. */
  subscribers(): number
  containersWatched(): number
  imagesHeld(): number
  /** The service is about to stop. */
  isStopping(): boolean
}
