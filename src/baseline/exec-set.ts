/** Which programs one lineage executed in one run, while the run is learned. */
import type { ExecObservation } from '../observation.js'
import type { Collapsed } from './collapsed.js'
import { compareExecs, type ExecFacts, execOf, type ExecItem } from './exec-item.js'
import { itemKeyOf } from './item-key.js'
import { KeyedSet } from './keyed-set.js'
import { EXEC_LIMIT, ownBytes } from './limits.js'
import type { ProgramTable } from './program-table.js'

export class ExecSet {
  readonly #set = new KeyedSet<{ -readonly [Fact in keyof ExecFacts]: ExecFacts[Fact] }>(EXEC_LIMIT)

  get collapsed(): Collapsed | undefined {
    return this.#set.collapsed
  }

  /**
   * One execution, as `boundedExec` gives it, in time window `window`; whether the program is new to the set. `program` is
   * the id of the one that executed it.
   */
  learn(seen: ExecObservation, window: number, program: number | undefined): boolean {
    const { path, exe, upper, truncated } = seen
    const key = itemKeyOf({ kind: 'exec', path, exe })
    const fileless = seen.links === 0
    const fsMagic = seen.fsMagic >>> 0
    const known = this.#set.find(key)
    if (known !== undefined) {
      known.upper ||= upper
      known.fileless ||= fileless
      known.truncated ||= truncated
      known.otherFs ||= known.fsMagic !== fsMagic
    }
    const facts = known ?? {
      path: ownBytes(path),
      exe: ownBytes(exe),
      fsMagic,
      otherFs: false,
      upper,
      fileless,
      truncated,
    }
    return this.#set.learn(key, facts, 1, window, seen.atMs, program)
  }

  /** Takes in an item of a record of the same run; `window` is the one that its last time is in. */
  restore(item: ExecItem, window: number, programs: ProgramTable): void {
    const { path, exe, fsMagic, otherFs, upper, fileless, truncated } = item
    const facts = { path, exe, fsMagic, otherFs, upper, fileless, truncated }
    this.#set.restore(itemKeyOf({ kind: 'exec', path, exe }), facts, item, window, programs)
  }

  restoreCollapsed(collapsed: Collapsed | undefined): void {
    this.#set.restoreCollapsed(collapsed)
  }

  /** All items by (path, exe) in byte order, as copies. */
  items(programs: ProgramTable): ExecItem[] {
    return this.#set.items(programs, execOf).sort(compareExecs)
  }
}
