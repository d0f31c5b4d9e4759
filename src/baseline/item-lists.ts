/**
 * The lists of items that a stored baseline refers to by index: per lineage and kind everything that any run did, once, in
 * order.
 */
import type { ArgumentFacts } from './argument-item.js'
import type { CapabilityFacts } from './capability-item.js'
import type { Behaviour } from './behaviour.js'
import type { EndpointFacts } from './endpoint-item.js'
import type { ExecFacts } from './exec-item.js'
import { itemKeyOf } from './item-key.js'
import { syscallCode, type SyscallFacts } from './syscall-item.js'
import type { UringFacts } from './uring-item.js'

/** What is listed of a program; the other facts differ from run to run. */
export type ListedExec = Pick<ExecFacts, 'path' | 'exe' | 'fsMagic'>
export type ListedEndpoint = Omit<EndpointFacts, 'truncated'>

/** One list of each kind, each in the order of the message. */
export interface ItemLists {
  readonly syscalls: readonly SyscallFacts[]
  readonly arguments: readonly ArgumentFacts[]
  readonly execs: readonly ListedExec[]
  readonly connections: readonly ListedEndpoint[]
  readonly listeners: readonly ListedEndpoint[]
  readonly capabilities: readonly CapabilityFacts[]
  readonly uringOps: readonly UringFacts[]
  readonly denied: readonly SyscallFacts[]
}

/** A list that is complete, and where everything is in it. */
export class ItemList<Facts> {
  readonly items: readonly Facts[]
  readonly #keyOf: (facts: Facts) => string | number
  readonly #indexes: ReadonlyMap<string | number, number>

  /** `keyOf` tells items apart and gives their order; all keys are of one type. */
  constructor(lists: Iterable<readonly Facts[]>, keyOf: (facts: Facts) => string | number) {
    const byKey = new Map<string | number, Facts>()
    for (const items of lists) for (const item of items) byKey.set(keyOf(item), item)
    const keys = [...byKey.keys()].sort((a, b) => (a < b ? -1 : 1))
    this.items = keys.map((key) => byKey.get(key)!)
    this.#keyOf = keyOf
    this.#indexes = new Map(keys.map((key, index) => [key, index]))
  }

  /** Index of an item that was in one of the lists. */
  indexOf(item: Facts): number {
    const index = this.#indexes.get(this.#keyOf(item))
    if (index === undefined) throw new RangeError('the item is not listed')
    return index
  }
}

/** The lists of one lineage, with their indexes. */
export interface IndexedLists {
  readonly syscalls: ItemList<SyscallFacts>
  readonly arguments: ItemList<ArgumentFacts>
  readonly execs: ItemList<ListedExec>
  readonly connections: ItemList<ListedEndpoint>
  readonly listeners: ItemList<ListedEndpoint>
  readonly capabilities: ItemList<CapabilityFacts>
  readonly uringOps: ItemList<UringFacts>
  readonly denied: ItemList<SyscallFacts>
}

/** Lists of all that is in any of the behaviours. O(items log items). */
export function indexedLists(behaviours: readonly Behaviour[]): IndexedLists {
  return {
    syscalls: new ItemList<SyscallFacts>(
      behaviours.map((each) => each.syscalls),
      callCode,
    ),
    arguments: new ItemList<ArgumentFacts>(
      behaviours.map((each) => each.arguments),
      argumentCode,
    ),
    execs: new ItemList<ListedExec>(
      behaviours.map((each) => each.execs),
      execKey,
    ),
    connections: new ItemList<ListedEndpoint>(
      behaviours.map((each) => each.connections),
      endpointKey,
    ),
    listeners: new ItemList<ListedEndpoint>(
      behaviours.map((each) => each.listeners),
      endpointKey,
    ),
    capabilities: new ItemList<CapabilityFacts>(
      behaviours.map((each) => each.capabilities),
      ({ capability }) => capability,
    ),
    uringOps: new ItemList<UringFacts>(
      behaviours.map((each) => each.uringOps),
      ({ opcode }) => opcode,
    ),
    denied: new ItemList<SyscallFacts>(
      behaviours.map((each) => each.denied),
      callCode,
    ),
  }
}

function callCode({ abi, nr }: SyscallFacts): number {
  return syscallCode(abi, nr)
}

/** Below 2^45, so that it is exact. */
function argumentCode({ abi, nr, value }: ArgumentFacts): number {
  return syscallCode(abi, nr) * 2 ** 32 + value
}

function execKey({ path, exe, fsMagic }: ListedExec): string {
  return itemKeyOf({ kind: 'exec', path, exe }) + fsMagic.toString(16).padStart(8, '0')
}

function endpointKey(endpoint: ListedEndpoint): string {
  return itemKeyOf({ ...endpoint, kind: 'connect' })
}
