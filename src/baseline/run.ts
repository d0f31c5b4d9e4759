/** One run of an image: the facts about it, its place in the order of runs, and the handle that the learner gives out. */
import type { Incompleteness } from '../observation.js'
import { joinedIncompleteness } from './incompleteness-tally.js'
import type { ItemKind } from './item-key.js'
import { orderedKinds } from './kinds.js'
import { boundedMs, boundedText, compareText } from './limits.js'

/**
 * What tells runs apart, and their order: neither ever changes. Ids alone would do, but two files may give one id different
 * beginnings, and what is folded by age must not hang on which of them came first.
 */
export interface RunKey {
  /** Unique for this life of this workload, and the same whenever that life is looked at again. */
  readonly runId: string
  readonly startedMs: number
}

/** Times are milliseconds since the epoch. Texts are plimsoll's or the runtime's own and are cut to 256 bytes. */
export interface RunFacts extends RunKey {
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
  /** Kinds of items that were looked for in it, in the order of `ITEM_KINDS`; none where that is not on record. */
  readonly kinds: readonly ItemKind[]
}

/**
 * A run that is being learned. It stays good after the run has ended, because map prints come late; it belongs to the
 * baseline that gave it.
 */
export type RunHandle = RunKey

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
    kinds: orderedKinds(facts.kinds),
  }
}

/** The order of runs in every list: by start, then id. */
export function compareRuns(a: RunKey, b: RunKey): number {
  return a.startedMs - b.startedMs || compareText(a.runId, b.runId)
}

/** What two tellings of one run say together: the later end, the most of what was missed, and names that are not empty. */
export function joinedRunFacts(a: RunFacts, b: RunFacts): RunFacts {
  return {
    runId: a.runId,
    startedMs: a.startedMs,
    endedMs: Math.max(a.endedMs, b.endedMs),
    runtime: greater(a.runtime, b.runtime),
    containerId: greater(a.containerId, b.containerId),
    containerName: greater(a.containerName, b.containerName),
    attachedMs: Math.max(a.attachedMs, b.attachedMs),
    incompleteness: joinedIncompleteness([a.incompleteness, b.incompleteness]),
    kernel: greater(a.kernel, b.kernel),
    bpftrace: greater(a.bpftrace, b.bpftrace),
    plimsoll: greater(a.plimsoll, b.plimsoll),
    runtimeVersion: greater(a.runtimeVersion, b.runtimeVersion),
    kinds: orderedKinds([...a.kinds, ...b.kinds]),
  }
}

/** Any choice will do that both orders make; nothing is less than something. */
function greater(a: string, b: string): string {
  return compareText(a, b) < 0 ? b : a
}
