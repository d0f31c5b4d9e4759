/**
 * What monitoring, metrics and health are told of a running enforcement: heard from its events, asked of its control. Keeps
 * counts, and nothing else.
 */
import { type Anomaly, ANOMALY_KINDS, kindOf, SEVERITIES } from '../detect/anomaly.js'
import type { ResponseResult } from '../respond/request.js'
import type { SensorState } from '../service/metrics/metrics-source.js'
import { Tallies } from '../service/metrics/tallies.js'
import { timelineMessage } from '../service/anomaly-message.js'
import type {
  AnomalyCount,
  CollectorFacts,
  MonitorSource,
} from '../service/monitor/monitor-source.js'
import type { Incompleteness } from '../observation.js'
import type { EnforcementControl } from './enforcement-control.js'

type Asked = Pick<
  EnforcementControl,
  'containersWatched' | 'imagesHeld' | 'observations' | 'timelineOf'
>

/** Before enforcement begins. */
const NOTHING: Asked = {
  containersWatched: () => 0,
  imagesHeld: () => 0,
  observations: () => 0,
  timelineOf: () => undefined,
}

export class EnforceMonitor implements MonitorSource {
  readonly tallies = new Tallies()
  readonly #nowMs: () => number
  readonly #listeners = new Set<() => void>()
  #asked: Asked = NOTHING
  #sensor: SensorState
  #judged = 0

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
    this.#sensor = { isAttached: false, sinceMs: nowMs(), problem: 'its probes are being attached' }
  }

  /** Enforcement is there to be asked. */
  begin(asked: Asked): void {
    this.#asked = asked
    this.changed()
  }

  attached(): void {
    this.#sensor = { isAttached: true, sinceMs: this.#nowMs(), problem: '' }
    this.changed()
  }

  detached(reason: string): void {
    this.#sensor = { isAttached: false, sinceMs: this.#nowMs(), problem: reason }
    this.changed()
  }

  raised({ subject, severity }: Anomaly): void {
    this.tallies.raised(kindOf(subject), severity)
  }

  responded({ action, outcome }: ResponseResult): void {
    this.tallies.responded(action, outcome)
  }

  missed(missed: Incompleteness): void {
    this.tallies.missed(missed)
    this.changed()
  }

  /** A chunk of the sensor's bytes took so many seconds. */
  judgedIn(seconds: number): void {
    const judged = this.#asked.observations()
    this.tallies.observeMatching(seconds, judged - this.#judged)
    this.#judged = judged
  }

  /** What is told of the collector may be different now. */
  changed(): void {
    for (const listener of this.#listeners) listener()
  }

  sensor(): SensorState {
    return this.#sensor
  }

  containersWatched(): number {
    return this.#asked.containersWatched()
  }

  imagesHeld(): number {
    return this.#asked.imagesHeld()
  }

  collectorState(): CollectorFacts {
    const losses = new Map<string, number>()
    for (const { reason, count } of this.tallies.losses()) {
      if (count > 0) losses.set(reason, (losses.get(reason) ?? 0) + count)
    }
    return {
      sensorAttached: this.#sensor.isAttached,
      sensorProblem: this.#sensor.problem,
      containersWatched: this.containersWatched(),
      imagesHeld: this.imagesHeld(),
      losses: [...losses].map(([reason, count]) => ({ reason, count })),
    }
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  observations(): number {
    return this.#asked.observations()
  }

  anomalyCounts(): readonly AnomalyCount[] {
    return this.tallies.anomalies
      .entries()
      .filter(({ count }) => count > 0)
      .map(({ first, second, count }) => ({
        kind: ANOMALY_KINDS.indexOf(first) + 1,
        severity: SEVERITIES.indexOf(second) + 1,
        count,
      }))
  }

  timelineOf(ref: string, limit: number): ReturnType<MonitorSource['timelineOf']> {
    return this.#asked.timelineOf(ref, limit)?.map(timelineMessage)
  }
}
