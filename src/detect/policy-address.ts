/**
 * IP addresses and networks of rules, compared with what was connected to on their raw bytes. IPv4 addresses mapped into
 * IPv6 are IPv4 ones on both sides. Pure.
 */
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** Addresses whose first `bits` bits are those of `bytes`, which has 4 or 16. */
export interface Network {
  readonly bytes: Uint8Array
  readonly bits: number
}

/** Bits before the IPv4 address in a mapped one. */
const MAPPED_BITS = 96

/** The bytes of an address as the sensor writes it, a scope behind it left out; undefined for what is none. */
export function addressBytes(text: string): Uint8Array | undefined {
  const scope = text.indexOf('%')
  const plain = scope < 0 ? text : text.slice(0, scope)
  return isIP(plain) === 0 ? undefined : Uint8Array.from(ipaddr.process(plain).toByteArray())
}

/**
 * The network that `text` names, such as `10.0.0.0/8` or `2001:db8::1`, or what is wrong with it. Bits behind the prefix
 * have to be zero: whoever wrote others meant another network or a single address.
 */
export function parseNetwork(
  text: string,
): { readonly network: Network } | { readonly problem: string } {
  const [, address = '', prefix] = /^([^/%]*)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const version = isIP(address)
  if (version === 0) return { problem: 'is no IP address or network' }
  const width = version === 4 ? 32 : 128
  const given = prefix === undefined ? width : Number(prefix)
  if (given > width) return { problem: `has a prefix of more than ${width} bits` }
  const bytes = addressBytes(address) ?? new Uint8Array(0)
  const isMapped = version === 6 && bytes.length === 4
  if (isMapped && given < MAPPED_BITS) {
    return { problem: 'reaches beyond IPv4 addresses that are mapped into IPv6' }
  }
  const bits = isMapped ? given - MAPPED_BITS : given
  if (!isWithin({ bytes: masked(bytes, bits), bits: bytes.length * 8 }, bytes)) {
    const network = ipaddr.fromByteArray([...masked(bytes, bits)]).toString()
    return { problem: `has bits behind its prefix; its network is ${network}/${bits}` }
  }
  return { network: { bytes, bits } }
}

/** Whether the address is in the network. Allocates nothing. */
export function isWithin(network: Network, address: Uint8Array): boolean {
  const { bytes, bits } = network
  if (bytes.length !== address.length) return false
  const whole = bits >>> 3
  for (let at = 0; at < whole; at++) if (bytes[at] !== address[at]) return false
  const rest = bits & 7
  return rest === 0 || ((bytes[whole]! ^ address[whole]!) & (0xff00 >>> rest) & 0xff) === 0
}

function masked(bytes: Uint8Array, bits: number): Uint8Array {
  return bytes.map((byte, at) => byte & (0xff00 >>> Math.min(Math.max(bits - at * 8, 0), 8)))
}
