/** TCP endpoints as probes/connect.bt has them, in records and in the keys of its maps. Pure. */
import type { EndpointObservation } from '../observation.js'
import { printedAddress } from './address.js'
import { NO_CALLER } from './caller.js'
import { Key } from './key.js'

const TCP_LISTEN = 10
const PORTS = 65536

/**
 * The endpoint; `what` is `state << 16 | port`. Undefined where the address is none. Time, process and count are the caller's
 * to fill in: an early notice counts 0.
 */
export function tcpEndpoint(
  key: Key,
  what: number,
  address: string,
): EndpointObservation | undefined {
  const plain = printedAddress(address)
  if (plain === undefined) return undefined
  return {
    kind: Math.floor(what / PORTS) === TCP_LISTEN ? 'listen' : 'connect',
    cgroupId: key.cgroupId,
    lineage: key.lineage,
    atMs: 0,
    atNs: 0,
    ...NO_CALLER,
    protocol: 'tcp',
    address: plain,
    port: what % PORTS,
    source: 'kernel',
    count: 0,
    truncated: false,
  }
}

/** The endpoint of a map key, `key,what,address`; undefined where it is malformed. Reads the first part into `key`. */
export function endpointOfMapKey(text: string, key: Key): EndpointObservation | undefined {
  const [owner = '', what = '', address, ...more] = text.split(',')
  if (address === undefined || more.length > 0) return undefined
  if (!key.read(Buffer.from(owner, 'latin1'), 0, owner.length)) return undefined
  return /^\d{1,9}$/.test(what) ? tcpEndpoint(key, Number(what), address) : undefined
}
