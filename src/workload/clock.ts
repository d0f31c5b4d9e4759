/**
 * What the workload parts may know of time. The engine owns the real clock and passes it in, so that rate limits, retries
 * and deadlines can be tested without waiting.
 */

/** Wall-clock time and a wait that can be called off. */
export interface Clock {
  /** Milliseconds since the epoch. */
  nowMs(): number
  /** Resolves after `ms`, or at once when `signal` is aborted; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}
