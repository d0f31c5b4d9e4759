/** What the rest of the house is told of a sink: as it happens, and when it asks. */
import { quoted } from '../../errors.js'
import type { LossCause } from './lost-events.js'

/** What a person or a metric may be told. */
export interface SinkEvents {
  /** So many more events are lost to the sink. */
  overflowed(name: string, count: number, cause: LossCause): void
  /** The target refused so many events for good; they are not tried again. */
  refused(name: string, count: number, problem: string): void
  /** The target cannot be delivered to from now on, or can again (undefined). Told when it changes. */
  changed(name: string, problem: string | undefined): void
}

export interface SinkStatus {
  readonly name: string
  /** Events that the target took, since the start of this process. */
  readonly delivered: number
  /** Events that it refused for good. */
  readonly refused: number
  /** Attempts that failed. */
  readonly failed: number
  /** Events in the journal that it is not done with. */
  readonly behind: number
  /** Events that it could not keep for the target. */
  readonly lost: number
  /** Why nothing is delivered, one line; undefined while all is well. */
  readonly problem: string | undefined
}

/** A problem that a target or the system told of, bounded and without control characters. */
export function oneLine(text: string): string {
  return quoted(text).slice(0, 300)
}
