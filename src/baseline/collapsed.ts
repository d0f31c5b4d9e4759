/** The marker of a set that was full: how much came that is not listed. Nothing is dropped without leaving this trace. */
export interface Collapsed {
  /** Observations that were not kept. */
  readonly count: number
  readonly firstMs: number
  readonly lastMs: number
}

/** `count` further observations at `atMs` that were not kept. */
export function collapsedInto(
  before: Collapsed | undefined,
  count: number,
  atMs: number,
): Collapsed {
  const further = { count, firstMs: atMs, lastMs: atMs }
  return before === undefined ? further : summedCollapsed(before, further)
}

/** Of different observations: added up. Counts stop at 2^53 - 1. */
export function summedCollapsed(a: Collapsed, b: Collapsed): Collapsed {
  return {
    count: Math.min(a.count + b.count, Number.MAX_SAFE_INTEGER),
    firstMs: Math.min(a.firstMs, b.firstMs),
    lastMs: Math.max(a.lastMs, b.lastMs),
  }
}

/** Of what may be the same observations: at least so many. */
export function joinedCollapsed(a: Collapsed, b: Collapsed): Collapsed {
  return {
    count: Math.max(a.count, b.count),
    firstMs: Math.min(a.firstMs, b.firstMs),
    lastMs: Math.max(a.lastMs, b.lastMs),
  }
}
