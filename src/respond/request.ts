/**
 * What is asked of a response and what came of it. Plain data: requests come from rules and from people, results go to the
 * journal as they are.
 */
import type { Anomaly, TimelineEntry, WorkloadFacts } from '../detect/anomaly.js'
import type { Action } from '../detect/policy.js'

export interface ResponseRequest {
  /** `alert` asks for nothing here: it is the anomaly itself. */
  readonly action: Action
  /** Of the anomalies; names the incident's directory. */
  readonly incident: string
  /** What makes two anomalies the same one (kind, subject, lineage); undefined for what a person asked for. */
  readonly key: string | undefined
  readonly workload: WorkloadFacts
  /** Below the cgroup2 mount: the container's cgroup or one below it. */
  readonly cgroupPath: string
  readonly anomalies: readonly Anomaly[]
  /** The last first-seen facts of the container. */
  readonly timeline: readonly TimelineEntry[]
  /** Name or hash of the profile that the container runs under; empty where there is none. */
  readonly profile: string
  /** 0 where there is none. */
  readonly baselineRevision: number
  /** Who decided: `rule:NAME`, or a person. */
  readonly actor: string
  readonly reason: string
  readonly dryRun: boolean
  /** Of `isolate`, once the bundle is written. */
  readonly afterwards: 'keep-frozen' | 'thaw'
}

/**
 * `partly`: some step failed, the others were taken. `already`: nothing was left to do for this incident. `refused` and
 * `limited`: nothing was done, `detail` says why. `dry-run`: nothing was done, `steps` says what would have been.
 */
export type Outcome = 'done' | 'partly' | 'failed' | 'already' | 'refused' | 'limited' | 'dry-run'

/** `nothing`: there was nothing to do, `detail` says why. */
export type StepOutcome = 'done' | 'nothing' | 'failed' | 'planned'

export interface Step {
  readonly step: 'freeze' | 'network' | 'bundle' | 'thaw' | 'kill' | 'record'
  readonly outcome: StepOutcome
  /** Printable. */
  readonly detail: string
  readonly tookMs: number
}

export interface ResponseResult {
  readonly incident: string
  readonly action: Action
  readonly outcome: Outcome
  readonly containerId: string
  /** The cgroup that was acted upon: the container's own, below the mount. */
  readonly cgroupPath: string
  readonly actor: string
  readonly reason: string
  /** Printable. */
  readonly detail: string
  readonly atMs: number
  readonly steps: readonly Step[]
  /** From the call of `act` until the kernel said frozen. */
  readonly frozenAfterMs: number | undefined
  /** Of the incident, where there is one. */
  readonly directory: string | undefined
  readonly manifestSha256: string | undefined
}

/** What the steps come to. */
export function outcomeOf(steps: readonly Step[]): 'done' | 'partly' | 'failed' {
  const failed = steps.filter(({ outcome }) => outcome === 'failed').length
  if (failed === 0) return 'done'
  return steps.some(({ outcome }) => outcome === 'done') ? 'partly' : 'failed'
}

/** Whether the text may name an incident, and so a directory. */
export function isIncidentId(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/.test(text)
}
