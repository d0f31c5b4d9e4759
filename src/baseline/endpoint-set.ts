/**
 * Addresses that one lineage connected to, or listened on. Local ports of connections are no part of it: the kernel
 * picks them. An address that the kernel vouches for and the same one from user memory are two items.
 */
import type { ByteString } from '../bytes.js'
import type { EndpointObservation, Source } from '../observation.js'
import type { Collapsed } from './collapsed.js'
import type { Evidence } from './evidence.js'
import { KeyedSet } from './keyed-set.js'
import { ADDRESS_BYTES, boundedBytes, compareText, ownBytes } from './limits.js'
import type { ProgramTable } from './program-table.js'
import type { RunMarks } from './run-marks.js'

/** In the order of their codes on disk, from 1. */
export const PROTOCOLS = ['tcp', 'udp', 'unix'] as const
export type Protocol = (typeof PROTOCOLS)[number]
/** In the order of their codes on disk, from 1. */
export const SOURCES = ['kernel', 'user'] as const satisfies readonly Source[]

/** What is kept of an endpoint beside evidence. */
export interface EndpointFacts {
  readonly protocol: Protocol
  readonly address: ByteString
  /** 0 for unix sockets. */
  readonly port: number
  readonly source: Source
  /** The address was cut at least once, by the sensor or here. */
  readonly truncated: boolean
}

/** One endpoint with its evidence. */
export interface EndpointItem extends EndpointFacts, Evidence {}

/** The set; at most `limit` items, marks begin at `firstMark`, `limit` of them. */
export class EndpointSet {
  readonly #set: KeyedSet<{ -readonly [Fact in keyof EndpointFacts]: EndpointFacts[Fact] }>

  constructor(limit: number, firstMark: number) {
    this.#set = new KeyedSet(limit, firstMark)
  }

  get size(): number {
    return this.#set.size
  }

  get collapsed(): Collapsed | undefined {
    return this.#set.collapsed
  }

  /**
   * `seen.count` further times, 0 for an early notice, of an endpoint as `boundedEndpoint` gives it; whether it is new to
   * the set.
   */
  learn(marks: RunMarks, seen: EndpointObservation, program: number | undefined): boolean {
    const { protocol, address, port, source, truncated } = seen
    const key = keyOf(protocol, address, port, source)
    const known = this.#set.find(key)
    if (known !== undefined) known.truncated ||= truncated
    const facts = known ?? { protocol, address: ownBytes(address), port, source, truncated }
    return this.#set.learn(marks, key, facts, seen.count, seen.atMs, program)
  }

  /** Takes in a stored item that is not in the set yet. */
  restore(item: EndpointItem, programs: ProgramTable): void {
    const { protocol, address, port, source, truncated } = item
    const facts = { protocol, address, port, source, truncated }
    this.#set.restore(keyOf(protocol, address, port, source), facts, item, programs)
  }

  restoreCollapsed(collapsed: Collapsed): void {
    this.#set.restoreCollapsed(collapsed)
  }

  /** All items by (protocol, address in byte order, port, source), as copies. */
  items(programs: ProgramTable): EndpointItem[] {
    return this.#set.items(programs, compareEndpoints)
  }
}

/** The observation with its address cut to the bounds of the model, and marked if it had to be. */
export function boundedEndpoint(seen: EndpointObservation): EndpointObservation {
  if (seen.address.length <= ADDRESS_BYTES) return seen
  return { ...seen, address: boundedBytes(seen.address, ADDRESS_BYTES), truncated: true }
}

/** The order of endpoints in every list. */
export function compareEndpoints(
  a: Omit<EndpointFacts, 'truncated'>,
  b: Omit<EndpointFacts, 'truncated'>,
): number {
  return (
    PROTOCOLS.indexOf(a.protocol) - PROTOCOLS.indexOf(b.protocol) ||
    compareText(a.address, b.address) ||
    a.port - b.port ||
    SOURCES.indexOf(a.source) - SOURCES.indexOf(b.source)
  )
}

/** The address comes last, because it may contain anything. */
function keyOf(protocol: Protocol, address: ByteString, port: number, source: Source): string {
  return `${protocol} ${source} ${port} ${address}`
}
