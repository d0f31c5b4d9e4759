/**
 * Which items of one lineage are known, for the question whether something is new. Bounded like the sets themselves: in a
 * full one nothing more is new.
 */
import type { Abi } from '../observation.js'
import type { Behaviour } from './behaviour.js'
import { ITEM_KINDS, type ItemKey, itemKeyOf, type NamedItem } from './item-key.js'
import { CONNECTION_LIMIT, EXEC_LIMIT, LISTENER_LIMIT } from './limits.js'
import { namedItems } from './named-items.js'
import { syscallCode } from './syscall-item.js'

/** What has a number is bounded by that, arguments by the sets of the runs. */
const LIMITS: Readonly<Partial<Record<NamedItem['kind'], number>>> = {
  exec: EXEC_LIMIT,
  connect: CONNECTION_LIMIT,
  listen: LISTENER_LIMIT,
}

export class KnownItems {
  /** By `syscallCode`: there are many questions about calls, and a key would have to be made for each. */
  readonly #syscalls = new Set<number>()
  /** Likewise, of calls that a filter refused. */
  readonly #denied = new Set<number>()
  readonly #others = new Map(ITEM_KINDS.map((kind) => [kind, new Set<ItemKey>()]))

  /** Knows what the behaviour has. */
  constructor(behaviour: Behaviour) {
    for (const item of namedItems(behaviour)) {
      if (item.kind === 'syscall') this.addSyscall(item.abi, item.nr)
      else this.add(item)
    }
    for (const { abi, nr } of behaviour.denied) this.addDenied(abi, nr)
  }

  /** Whether the call is known. O(1), allocates nothing. */
  hasSyscall(abi: Abi, nr: number): boolean {
    return this.#syscalls.has(syscallCode(abi, nr))
  }

  /** Takes note of the call; whether it was not known. */
  addSyscall(abi: Abi, nr: number): boolean {
    return isAdded(this.#syscalls, syscallCode(abi, nr))
  }

  /** Takes note that the call was refused; whether that was not known. */
  addDenied(abi: Abi, nr: number): boolean {
    return isAdded(this.#denied, syscallCode(abi, nr))
  }

  /** Takes note of the item; whether it was not known, and there was room for it. */
  add(item: Exclude<NamedItem, { kind: 'syscall' }>): boolean {
    const known = this.#others.get(item.kind)!
    const before = known.size
    if (before === LIMITS[item.kind]) return false
    return known.add(itemKeyOf(item)).size > before
  }
}

function isAdded(codes: Set<number>, code: number): boolean {
  const before = codes.size
  return codes.add(code).size > before
}
