/**
 * What a sink delivers to, as its runner sees it: a file, an HTTP endpoint, a syslog receiver. A target keeps no queue of
 * its own; what it does not take is given to it again.
 */
import type { plimsoll } from '../../gen/plimsoll.js'

/** An event of the journal, or a gap that the sink itself tells of (without cursor). */
export type SinkMessage = plimsoll.v1.WatchResponse.$Properties

/** The JSON view of an anomaly. */
export type AnomalyEncoder = (anomaly: plimsoll.v1.Anomaly.$Properties) => object

/** Time, as sinks need it. */
export interface SinkClock {
  /** Milliseconds since the epoch. */
  nowMs(): number
  /** Calls back once, unless the returned function is called before. */
  after(delayMs: number, act: () => void): () => void
}

/** Why a delivery failed; it is tried again. */
export interface Trouble {
  /** One line. */
  readonly problem: string
  /** The target asked not to be tried sooner. */
  readonly retryAfterMs?: number
}

/** What became of a batch. */
export interface Delivery {
  /** So many of it, from its start, are done with: taken, or refused for good. */
  readonly done: number
  /** So many of those were refused for good. */
  readonly refused: number
  /** Why, of the last one; empty if none was. */
  readonly refusal: string
  /** Why the rest is not done; undefined if all is, or if the target just wants less at a time. */
  readonly trouble: Trouble | undefined
}

export interface Target<Payload = unknown> {
  /** What is sent for the message. Pure. */
  encode(message: SinkMessage): Payload
  /**
   * Delivers in order, each at least once, and resolves when the target has what is `done`. Gives up when `signal` aborts.
   * Is not called again before it has resolved. May reject, which is as good as trouble.
   */
  deliver(batch: readonly Payload[], signal: AbortSignal): Promise<Delivery>
  /** Lets go of files and connections. Never rejects. */
  close(): Promise<void>
}

/** All of the batch was taken. */
export function delivered(count: number): Delivery {
  return { done: count, refused: 0, refusal: '', trouble: undefined }
}

/** `done` were taken, the rest was not. */
export function troubled(trouble: Trouble, done = 0): Delivery {
  return { done, refused: 0, refusal: '', trouble }
}
