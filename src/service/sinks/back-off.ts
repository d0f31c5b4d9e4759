/** How long a sink waits before it tries again. Pure. */

const SHORTEST_MS = 500
const LONGEST_MS = 30_000
/** A target may ask for more patience than ours, but not for so much that events would be lost over it. */
const RETRY_AFTER_LIMIT_MS = 300_000

/**
 * The wait after that many failures in a row (at least 1), from 500 ms to 30 s: doubled each time, and of that between a half
 * and all, by `random` in [0, 1), so that many hosts do not come back at once. At least what the target asked for, up to 5
 * minutes.
 */
export function backOffMs(failures: number, random: number, retryAfterMs = 0): number {
  const fullMs = Math.min(LONGEST_MS, SHORTEST_MS * 2 ** Math.min(failures, 16))
  const waitMs = Math.max(SHORTEST_MS, Math.round(fullMs * (0.5 + random / 2)))
  return Math.max(waitMs, Math.min(retryAfterMs, RETRY_AFTER_LIMIT_MS))
}
