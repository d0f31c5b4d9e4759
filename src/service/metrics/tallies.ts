/**
 * What has happened since the start, counted for the metrics where it happens. Label values are fixed: nothing that a container
 * chooses becomes one.
 */
import { ANOMALY_KINDS, type AnomalyKind, SEVERITIES, type Severity } from '../../detect/anomaly.js'
import type { Incompleteness, Reason } from '../../observation.js'
import type { Outcome } from '../../respond/request.js'
import { Counts } from './counts.js'
import { MatchTimes } from './match-times.js'

const RESPONSE_ACTIONS = ['freeze', 'isolate', 'kill', 'release', 'alert'] as const

const RESPONSE_OUTCOMES = [
  'done',
  'partly',
  'already',
  'refused',
  'limited',
  'dry-run',
  'failed',
] as const satisfies readonly Outcome[]

/** What was lost, in the words of the sensor (see `sensor/accounting` and the maps); `all` where there is one class only. */
const LOSS_CLASSES = {
  'lost-events': [
    'exec',
    'entry',
    'lineage',
    'cgroup',
    'datagram',
    'unix',
    'denial',
    'unknown class',
    'other',
  ],
  'map-full': [
    'syscall',
    'argument',
    'endpoint',
    'denial',
    'capability',
    'io_uring',
    'lineage',
    'entry',
    'other',
  ],
  'sensor-restarted': ['all'],
  'malformed-records': ['all'],
  truncated: ['all'],
  'unresolved-image': ['all'],
  'attached-late': ['all'],
} as const satisfies Record<Reason, readonly string[]>

export interface LossCount {
  readonly reason: string
  readonly what: string
  readonly count: number
}

export class Tallies {
  readonly matching = new MatchTimes()
  readonly anomalies = new Counts<AnomalyKind, Severity>(ANOMALY_KINDS, SEVERITIES)
  readonly responses = new Counts(RESPONSE_ACTIONS, RESPONSE_OUTCOMES)
  readonly #losses = Object.entries(LOSS_CLASSES).map(([reason, classes]) => ({
    reason,
    counts: new Counts([reason], classes),
  }))
  #policiesLoaded = 0
  #policiesRefused = 0

  /** A chunk of the sensor's bytes was decoded and judged. */
  observeMatching(seconds: number, observations: number): void {
    this.matching.add(seconds, observations)
  }

  /** A first occurrence. */
  raised(kind: AnomalyKind, severity: Severity): void {
    this.anomalies.add(kind, severity)
  }

  /** Something was done about a container, or was not: an action and an outcome as results have them. */
  responded(action: string, outcome: string): void {
    this.responses.add(action, outcome)
  }

  /** The sensor told of a loss. */
  missed({ reason, detail = 'all', count }: Incompleteness): void {
    this.#losses.find((each) => each.reason === reason)?.counts.add(reason, detail, count)
  }

  /** A policy was put in force, or refused. */
  policyRead(isInForce: boolean): void {
    if (isInForce) this.#policiesLoaded++
    else this.#policiesRefused++
  }

  losses(): readonly LossCount[] {
    return this.#losses.flatMap(({ counts }) =>
      counts.entries().map(({ first, second, count }) => ({ reason: first, what: second, count })),
    )
  }

  policies(): { readonly loaded: number; readonly refused: number } {
    return { loaded: this.#policiesLoaded, refused: this.#policiesRefused }
  }
}
