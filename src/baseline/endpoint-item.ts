/**
 * An address that was connected to, or listened on, as an item of a baseline. Local ports of connections are no part of it:
 * the kernel picks them. An address that the kernel vouches for and the same one from user memory are two items.
 */
import type { ByteString } from '../bytes.js'
import type { EndpointObservation, Source } from '../observation.js'
import type { Evidence } from './evidence.js'
import { ADDRESS_BYTES, boundedBytes, compareText } from './limits.js'

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

/** The endpoint with that evidence. */
export function endpointOf(facts: EndpointFacts, evidence: Evidence): EndpointItem {
  const { protocol, address, port, source, truncated } = facts
  const { firstMs, lastMs, count, runs, windows, programs, morePrograms } = evidence
  return {
    protocol,
    address,
    port,
    source,
    truncated,
    firstMs,
    lastMs,
    count,
    runs,
    windows,
    programs,
    morePrograms,
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

/** What two tellings of one endpoint say together. */
export function joinedEndpointFacts(a: EndpointFacts, b: EndpointFacts): EndpointFacts {
  return b.truncated ? b : a
}
