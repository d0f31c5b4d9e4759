/** What one measured floor adds to another. Pure. */
import { type FloorDocument, type Measure, measureKey } from './floor-document.js'

/** One measure in both floors. */
export interface FloorDifference extends Measure {
  /** Names of the later floor alone, and of the earlier one alone; sorted. */
  readonly added: readonly string[]
  readonly gone: readonly string[]
}

/** Measure by measure, in the order of the documents; one that the earlier floor does not have adds all its names. */
export function comparedFloors(
  earlier: FloorDocument,
  later: FloorDocument,
): readonly FloorDifference[] {
  return later.floors.map(({ operation, noNewPrivileges, names }) => {
    const measure = { operation, noNewPrivileges }
    const before = earlier.floors.find((floor) => measureKey(floor) === measureKey(measure))
    const old = Object.keys(before?.names ?? {})
    const now = Object.keys(names)
    return {
      ...measure,
      added: now.filter((name) => !old.includes(name)).toSorted(),
      gone: old.filter((name) => !now.includes(name)).toSorted(),
    }
  })
}
