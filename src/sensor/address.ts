/** Textual IP addresses from what the probes print. Pure. */
import { isIP } from 'node:net'
import { byteStringOfText, type ByteString } from '../bytes.js'

const MAPPED = '::ffff:'

/** The address that the kernel's `ntop` printed, IPv4-mapped ones as IPv4; undefined where it is no address. */
export function printedAddress(text: string): ByteString | undefined {
  const plain = text.startsWith(MAPPED) && text.includes('.') ? text.slice(MAPPED.length) : text
  return isIP(plain) === 0 ? undefined : byteStringOfText(plain)
}

/** IPv4 from its four bytes read as one little-endian number. */
export function ipv4Of(word: bigint): ByteString {
  const value = Number(word & 0xffffffffn)
  return byteStringOfText(
    [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24].join('.'),
  )
}

/** IPv6 from its two halves read as little-endian numbers, in the form of RFC 5952; IPv4-mapped ones as IPv4. */
export function ipv6Of(high: bigint, low: bigint): ByteString {
  const bytes = Buffer.alloc(16)
  bytes.writeBigUInt64LE(high, 0)
  bytes.writeBigUInt64LE(low, 8)
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2))
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return byteStringOfText([...bytes.subarray(12)].join('.'))
  }
  return byteStringOfText(compressed(groups))
}

/** Hexadecimal groups with the first longest run of two or more zeros as `::`. */
function compressed(groups: readonly number[]): string {
  let start = -1
  let length = 1
  for (let i = 0; i < 8; i++) {
    let end = i
    while (end < 8 && groups[end] === 0) end++
    if (end - i > length) {
      start = i
      length = end - i
    }
  }
  const text = (part: readonly number[]): string => part.map((g) => g.toString(16)).join(':')
  if (start < 0) return text(groups)
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`
}

/** Network byte order read as a little-endian number, to the port. */
export function portOf(networkOrder: number): number {
  return ((networkOrder & 0xff) << 8) | ((networkOrder >>> 8) & 0xff)
}
