/**
 * What a claim of completeness rests on: whether the probes were there before the workload, what was lost, whether what was
 * announced was also counted, and which versions took part. Pure; goes with every baseline and every profile.
 */
import type { Incompleteness } from '../observation.js'
import type { Baseline } from './baseline.js'
import { BASELINE_LINEAGES, type RunRecord } from './run-record.js'

export interface Certificate {
  /** `full` only if there is no reason against it and everything announced was counted. */
  readonly state: 'full' | 'partial'
  /** Losses by class, full maps and gaps, with figures and times. */
  readonly reasons: readonly Incompleteness[]
  /** Listed runs, and how many of them began after the probes were attached. */
  readonly runs: number
  readonly runsSeenFromStart: number
  /** Calls that the kernel's maps counted, and those that a first-seen record announced and no map ever counted. */
  readonly reconciliation: { readonly counted: number; readonly neverCounted: number }
  /** Versions that took part, each once, in order. */
  readonly kernels: readonly string[]
  readonly bpftrace: readonly string[]
  readonly runtimes: readonly string[]
  readonly plimsoll: readonly string[]
}

/** The certificate of the baseline. O(items of all runs). */
export function certificateOf(baseline: Baseline): Certificate {
  const { runs } = baseline.snapshot()
  const { state, reasons } = baseline.completeness()
  const reconciliation = reconciliationOf(baseline)
  return {
    state: reconciliation.neverCounted > 0 ? 'partial' : state,
    reasons,
    runs: runs.length,
    runsSeenFromStart: runs.filter((run) => run.attachedMs <= run.startedMs).length,
    reconciliation,
    kernels: versions(runs, ({ kernel }) => kernel),
    bpftrace: versions(runs, (run) => run.bpftrace),
    runtimes: versions(runs, (run) => `${run.runtime} ${run.runtimeVersion}`.trim()),
    plimsoll: versions(runs, (run) => run.plimsoll),
  }
}

function reconciliationOf(baseline: Baseline): Certificate['reconciliation'] {
  const calls = BASELINE_LINEAGES.flatMap((lineage) => baseline.syscalls(lineage))
  const counted = calls.filter(({ count }) => count > 0).length
  return { counted, neverCounted: calls.length - counted }
}

function versions(
  runs: readonly RunRecord[],
  versionOf: (run: RunRecord) => string,
): readonly string[] {
  return [...new Set(runs.map(versionOf))].filter((version) => version !== '').sort()
}
