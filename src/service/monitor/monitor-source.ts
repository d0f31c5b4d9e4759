/**
 * What the monitoring service has to be told beside the journal: the narrow side by which it looks into the engine. It knows
 * neither sensor nor detector. Nothing here blocks or throws.
 */
import type { plimsoll } from '../../gen/plimsoll.js'

/** How well plimsoll sees; what the journal adds to it is not said here. */
export interface CollectorFacts {
  /** Every mandatory probe is attached. */
  readonly sensorAttached: boolean
  /** Why not, one line; empty while all is well. */
  readonly sensorProblem: string
  readonly containersWatched: number
  readonly imagesHeld: number
  /** Since the sensor was first started, at most one for each reason. */
  readonly losses: readonly { readonly reason: string; readonly count: number }[]
}

/** How many anomalies of a kind and severity there were in this session. */
export interface AnomalyCount {
  readonly kind: plimsoll.v1.AnomalyKind
  readonly severity: plimsoll.v1.Severity
  readonly count: number
}

export interface MonitorSource {
  collectorState(): CollectorFacts
  /** Calls back whenever `collectorState` may have changed, until the returned function is called. May be called often. */
  onChange(listener: () => void): () => void
  /** Observations that were judged in this session. */
  observations(): number
  anomalyCounts(): readonly AnomalyCount[]
  /**
   * What the container did for the first time, the latest `limit` of it, oldest first. `ref` is an id, at least 12 digits of
   * one, or a name; undefined if no container that is watched, or more than one, matches.
   */
  timelineOf(
    ref: string,
    limit: number,
  ): readonly plimsoll.v1.AnomalyTimelineEntry.$Properties[] | undefined
}
