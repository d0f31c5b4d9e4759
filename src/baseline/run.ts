/** One run of an image: the facts about it, and the handle that the learner needs while it lasts. */
import type { Incompleteness } from '../observation.js'
import { boundedMs, boundedText } from './limits.js'
import type { RunMarks } from './run-marks.js'

/** Times are milliseconds since the epoch. Texts are plimsoll's or the runtime's own and are cut to 256 bytes. */
export interface RunFacts {
  /** Unique for this life of this workload, and the same whenever that life is looked at again. */
  readonly runId: string
  readonly startedMs: number
  /** 0 as long as its end was not seen. */
  readonly endedMs: number
  /** `podman`, `docker`, `command`, ... */
  readonly runtime: string
  readonly containerId: string
  readonly containerName: string
  /** When the probes were attached. */
  readonly attachedMs: number
  /** By (reason, detail), each once. */
  readonly incompleteness: readonly Incompleteness[]
  readonly kernel: string
  readonly bpftrace: string
  readonly plimsoll: string
  readonly runtimeVersion: string
}

/**
 * A run that is being learned. It stays good after the run has ended, because map prints come late; it belongs to the
 * baseline that gave it and costs about 6 KB until it is let go.
 */
export interface RunHandle {
  readonly runId: string
  /** For the sets of the baseline only. */
  readonly marks: RunMarks
}

/** The facts within the model's bounds, without incompleteness, which is tallied apart. */
export function boundedRun(facts: RunFacts): Omit<RunFacts, 'incompleteness'> {
  return {
    runId: boundedText(facts.runId),
    startedMs: boundedMs(facts.startedMs),
    endedMs: boundedMs(facts.endedMs),
    runtime: boundedText(facts.runtime),
    containerId: boundedText(facts.containerId),
    containerName: boundedText(facts.containerName),
    attachedMs: boundedMs(facts.attachedMs),
    kernel: boundedText(facts.kernel),
    bpftrace: boundedText(facts.bpftrace),
    plimsoll: boundedText(facts.plimsoll),
    runtimeVersion: boundedText(facts.runtimeVersion),
  }
}
