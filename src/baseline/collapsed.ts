/** The marker of a set that was full: how much came that is not listed. Nothing is dropped without leaving this trace. */
export interface Collapsed {
  /** Observations that were not kept. */
  readonly count: number
  readonly firstMs: number
  readonly lastMs: number
}

/** `count` further observations at `atMs` that were not kept. Counts stop at 2^53 - 1. */
export function collapsedInto(
  before: Collapsed | undefined,
  count: number,
  atMs: number,
): Collapsed {
  if (before === undefined) return { count, firstMs: atMs, lastMs: atMs }
  return {
    count: Math.min(before.count + count, Number.MAX_SAFE_INTEGER),
    firstMs: Math.min(before.firstMs, atMs),
    lastMs: Math.max(before.lastMs, atMs),
  }
}
