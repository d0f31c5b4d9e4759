/** The columns of a decoded `Evidence` as rows, checked: one item each, with what a run tells of it. */
import type { plimsoll } from '../gen/plimsoll.js'
import { fromDeltas, Malformed, numberUpTo, safe } from './checked.js'
import type { Evidence } from './evidence.js'
import { TIME_LIMIT_MS } from './limits.js'
import type { ProgramSet } from './program-sets.js'

/** What a column of windows says that is absent; an absent one of flags says 0. */
export const USUAL_WINDOWS = 1

/** Columns and what they refer to. */
export interface Columns<Facts> {
  readonly columns: plimsoll.v1.Evidence.$Properties
  readonly list: readonly Facts[]
  /** How many flags the kind has. */
  readonly flags: number
  readonly baseMs: number
  readonly programSets: readonly ProgramSet[]
}

/** The rows, each made by `itemOf`. Throws `Malformed`. */
export function rowsOf<Facts, Item>(
  { columns, list, flags, baseMs, programSets }: Columns<Facts>,
  itemOf: (facts: Facts, evidence: Evidence, flagBits: number) => Item,
): Item[] {
  const indices = fromDeltas('items', columns.items ?? [], list.length)
  const { firstMs, lastMs, counts, programSets: sets } = columns
  const windows = columns.windows ?? []
  const bits = columns.flags ?? []
  const isEven = [firstMs, lastMs, counts, sets].every((one) => one?.length === indices.length)
  // These are absent where all rows say what most do.
  const isWhole = [windows, bits].every((column) => [0, indices.length].includes(column.length))
  if (!isEven || !isWhole) throw new Malformed('columns of evidence differ in length')
  return indices.map((index, row) => {
    const first = baseMs + safe('first_ms', firstMs![row])
    const last = first + safe('last_ms', lastMs![row])
    if (last > TIME_LIMIT_MS) throw new Malformed(`last_ms is no time: ${last}`)
    const set = programSets[sets![row]!]
    if (set === undefined) throw new Malformed(`there is no set of programs ${sets![row]}`)
    const count = safe('count', counts![row])
    const evidence = {
      firstMs: first,
      lastMs: last,
      count,
      runs: 1,
      windows: numberUpTo('windows', Math.min(count, 0xffff_ffff), windows[row] ?? USUAL_WINDOWS),
      programs: set.programs,
      morePrograms: set.morePrograms,
    }
    return itemOf(list[index]!, evidence, numberUpTo('flags', 2 ** flags - 1, bits[row]))
  })
}
