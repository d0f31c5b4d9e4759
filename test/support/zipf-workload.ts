/**
 * A workload whose whole behaviour is known: features, some used in nearly every run and most of them rarely, each of
 * which makes a few calls. What a further run brings can be computed, not only measured.
 */

export interface Shape {
  readonly features: number
  /** Different calls that features draw from. */
  readonly calls: number
  readonly featuresPerRun: number
}

export interface Workload {
  /** Calls that can be made at all. */
  readonly size: number
  /** What one run does. */
  run(random: () => number): readonly string[]
  /** How many calls outside `known` one run makes on average. */
  expectedNew(known: ReadonlySet<string>): number
}

/** Features are drawn with weight 1/rank, with replacement. */
export function zipfWorkload(random: () => number, shape: Shape): Workload {
  const features = Array.from({ length: shape.features }, () =>
    Array.from(
      { length: 1 + Math.floor(random() * 8) },
      () => `call-${Math.floor(random() * shape.calls)}`,
    ),
  )
  const total = features.reduce((sum, _, index) => sum + 1 / (index + 1), 0)
  const shares = features.map((_, index) => 1 / (index + 1) / total)
  const all = new Set(features.flat())
  return {
    size: all.size,
    run: () =>
      Array.from(
        { length: shape.featuresPerRun },
        () => features[drawn(shares, random())] ?? [],
      ).flat(),
    expectedNew: (known) => {
      let sum = 0
      for (const call of all) {
        if (known.has(call)) continue
        const share = shares.reduce(
          (p, one, index) => (features[index]?.includes(call) === true ? p + one : p),
          0,
        )
        sum += 1 - (1 - share) ** shape.featuresPerRun
      }
      return sum
    },
  }
}

function drawn(shares: readonly number[], at: number): number {
  let left = at
  for (const [index, share] of shares.entries()) {
    left -= share
    if (left < 0) return index
  }
  return shares.length - 1
}
