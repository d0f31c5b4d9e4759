/** Runs, and what was missed in them, as the JSON view shows them. Pure. */
import type { Incompleteness, Reason } from '../observation.js'
import type { FoldedRuns } from './folded-runs.js'
import type { ResourcePeaks } from './resources.js'
import type { RunFacts } from './run.js'
import type { RunRecord } from './run-record.js'
import { isoOf, isoOrNull, shown } from './view-text.js'

export interface IncompletenessView {
  readonly reason: Reason
  readonly count: number
  readonly fromMs: number | null
  readonly from: string | null
  readonly toMs: number | null
  readonly to: string | null
  readonly detail: string | null
}

/** `ended` is null as long as the end was not seen. */
export interface RunView extends Omit<RunFacts, 'incompleteness'> {
  readonly started: string
  readonly ended: string | null
  readonly attached: string
  readonly incompleteness: readonly IncompletenessView[]
  /** Length of its time windows. */
  readonly windowMs: number
  /** Null if nothing was sampled. */
  readonly resources: ResourcePeaks | null
}

/** What is told of all of them together; what they did is in the lineages. */
export interface FoldedRunsView {
  readonly upToRunId: string
  readonly upToStartedMs: number
  readonly upToStarted: string
  readonly firstStartedMs: number
  readonly firstStarted: string
  readonly lastEndedMs: number
  readonly lastEnded: string | null
  readonly incompleteness: readonly IncompletenessView[]
  readonly resources: ResourcePeaks | null
}

export function runView(run: RunRecord): RunView {
  return {
    runId: shown(run.runId),
    startedMs: run.startedMs,
    started: isoOf(run.startedMs),
    endedMs: run.endedMs,
    ended: isoOrNull(run.endedMs),
    attachedMs: run.attachedMs,
    attached: isoOf(run.attachedMs),
    runtime: shown(run.runtime),
    runtimeVersion: shown(run.runtimeVersion),
    containerId: shown(run.containerId),
    containerName: shown(run.containerName),
    kernel: shown(run.kernel),
    bpftrace: shown(run.bpftrace),
    plimsoll: shown(run.plimsoll),
    kinds: run.kinds,
    windowMs: run.windowMs,
    incompleteness: run.incompleteness.map(incompletenessView),
    resources: peaksOrNull(run.resources),
  }
}

export function foldedRunsView(folded: FoldedRuns): FoldedRunsView {
  const { upTo, firstStartedMs, lastEndedMs, incompleteness, resources } = folded
  return {
    upToRunId: shown(upTo.runId),
    upToStartedMs: upTo.startedMs,
    upToStarted: isoOf(upTo.startedMs),
    firstStartedMs,
    firstStarted: isoOf(firstStartedMs),
    lastEndedMs,
    lastEnded: isoOrNull(lastEndedMs),
    incompleteness: incompleteness.map(incompletenessView),
    resources: peaksOrNull(resources),
  }
}

function peaksOrNull(peaks: ResourcePeaks): ResourcePeaks | null {
  return peaks.samples === 0 ? null : peaks
}

export function incompletenessView(missed: Incompleteness): IncompletenessView {
  const { fromMs = null, toMs = null } = missed
  return {
    reason: missed.reason,
    count: missed.count,
    fromMs,
    from: fromMs === null ? null : isoOf(fromMs),
    toMs,
    to: toMs === null ? null : isoOf(toMs),
    detail: missed.detail === undefined ? null : shown(missed.detail),
  }
}
