/** The plain way from units to incidences. */
import type { Incidence } from '../../src/baseline/coverage.js'

/** Each unit is the list of items seen in it, repeated ones allowed. */
export function incidencesOfUnits(
  units: readonly (readonly string[])[],
): readonly Incidence<string>[] {
  const found = new Map<string, { item: string; units: number; firstUnit: number }>()
  for (const [index, unit] of units.entries()) {
    for (const item of new Set(unit)) {
      const known = found.get(item)
      if (known) known.units++
      else found.set(item, { item, units: 1, firstUnit: index })
    }
  }
  return [...found.values()]
}
