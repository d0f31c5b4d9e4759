/** Addresses that one lineage connected to, or listened on, in one run, while the run is learned. */
import type { EndpointObservation } from '../observation.js'
import type { Collapsed } from './collapsed.js'
import {
  compareEndpoints,
  type EndpointFacts,
  endpointOf,
  type EndpointItem,
} from './endpoint-item.js'
import { itemKeyOf } from './item-key.js'
import { KeyedSet } from './keyed-set.js'
import { ownBytes } from './limits.js'
import type { ProgramTable } from './program-table.js'

/** The set; at most `limit` items of that kind. */
export class EndpointSet {
  readonly #kind: EndpointObservation['kind']
  readonly #set: KeyedSet<{ -readonly [Fact in keyof EndpointFacts]: EndpointFacts[Fact] }>

  constructor(kind: EndpointObservation['kind'], limit: number) {
    this.#kind = kind
    this.#set = new KeyedSet(limit)
  }

  get collapsed(): Collapsed | undefined {
    return this.#set.collapsed
  }

  /**
   * `seen.count` further times, 0 for an early notice, of an endpoint as `boundedEndpoint` gives it, in time window
   * `window`; whether it is new to the set.
   */
  learn(seen: EndpointObservation, window: number, program: number | undefined): boolean {
    const { protocol, address, port, source, truncated } = seen
    const key = itemKeyOf({ kind: this.#kind, protocol, address, port, source })
    const known = this.#set.find(key)
    if (known !== undefined) known.truncated ||= truncated
    const facts = known ?? { protocol, address: ownBytes(address), port, source, truncated }
    return this.#set.learn(key, facts, seen.count, window, seen.atMs, program)
  }

  /** Takes in an item of a record of the same run; `window` is the one that its last time is in. */
  restore(item: EndpointItem, window: number, programs: ProgramTable): void {
    const { protocol, address, port, source, truncated } = item
    const key = itemKeyOf({ kind: this.#kind, protocol, address, port, source })
    const facts = { protocol, address, port, source, truncated }
    this.#set.restore(key, facts, item, window, programs)
  }

  restoreCollapsed(collapsed: Collapsed | undefined): void {
    this.#set.restoreCollapsed(collapsed)
  }

  /** All items by (protocol, address in byte order, port, source), as copies. */
  items(programs: ProgramTable): EndpointItem[] {
    return this.#set.items(programs, endpointOf).sort(compareEndpoints)
  }
}
