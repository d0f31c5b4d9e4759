/** What a learning session tells, asks and may be told to do. */
import type { Baseline } from '../baseline/baseline.js'
import type { NamedItem } from '../baseline/item-key.js'
import type { ResourceSample } from '../baseline/resources.js'
import type { Incompleteness, Lineage, ObservationSink } from '../observation.js'
import type { ContainerRuntime } from '../workload/container-path.js'
import type { ContainerAnswer } from './input.js'
import type { Run } from './run.js'
import type { Runs } from './runs.js'

/** What the session wants to know. */
export type Request =
  | { readonly kind: 'scan' }
  | {
      readonly kind: 'resolve'
      readonly runtime: ContainerRuntime
      readonly containerId: string
    }

/** What a person who waits may be told. All times are wall-clock milliseconds. */
export interface SessionEvents {
  /** Every probe is attached. */
  ready(atMs: number): void
  sensorEnded(atMs: number, reason: string): void
  runStarted(run: Run): void
  runEnded(run: Run): void
  /** A container was not learned, because nobody could say whether it was asked for. */
  leftOut(answer: ContainerAnswer): void
  /** Something was seen for the first time in this session. */
  learned(baseline: Baseline, lineage: Lineage, item: NamedItem): void
  /** A runtime said what a container is, or could not; `isWanted` if it is among those that were asked for. */
  resolved(run: Run, answer: ContainerAnswer, isWanted: boolean, atMs: number): void
  /** The last cgroup of a run is gone; facts may still come. */
  gone(run: Run, atMs: number): void
  /** Something was missed by every run that was alive after `sinceMs`. */
  missed(missed: Incompleteness, sinceMs: number, atMs: number): void
  /** What the workload of that cgroup takes of the host. */
  sampled(cgroupId: number, sample: ResourceSample, atMs: number): void
}

/** What a session may do beside learning everything that was asked for. */
export interface SessionOptions {
  /** Whether a container that was asked for is learned. Default: each is. */
  readonly learns?: (answer: ContainerAnswer) => boolean
  /** Hears everything that the sensor says, before it is learned. */
  readonly also?: (runs: Runs) => ObservationSink
}
