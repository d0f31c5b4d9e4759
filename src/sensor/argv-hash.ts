/**
 * The hash that probes/exec.bt makes of an entry's argv, made again from a known command line. The kernel's side has only
 * 64-bit arithmetic and no loops, so: start with the length and a constant; take in eight bytes at a time as a little-endian number, the
 * last ones filled up with zeros; after each, multiply by an odd number and fold the upper half into the lower. With the
 * length it tells command lines apart; alone it does not, since the length goes in as plainly as the first word: whoever
 * compares hashes compares lengths too. It does not resist one that is made to collide: no container chooses what is executed
 * in it from outside.
 */
import type { ByteString } from '../bytes.js'

/** Bytes of argv that go into the hash; of what is longer, only the length tells. */
export const ARGV_HASHED = 512

/** The multiplier of xorshift64*: odd, with bits all over. */
const FACTOR = 0x2545f4914f6cdd1dn
/** The fraction of the golden ratio, bit 62 free: without it an argv whose first word is its own length would hash to 0. */
const START = 0x1e3779b97f4a7c15n
const U64 = 0xffff_ffff_ffff_ffffn

/** Argv as it lies in memory: a zero byte behind each word. */
export function argvBytes(argv: readonly ByteString[]): ByteString {
  return argv.map((word) => `${word}\u0000`).join('') as ByteString
}

/** The hash of an argv as it lies in memory. */
export function argvHash(bytes: ByteString): bigint {
  const hashed = Buffer.alloc(ARGV_HASHED)
  hashed.write(bytes, 'latin1')
  let hash = BigInt(bytes.length) + START
  for (let at = 0; at < Math.min(bytes.length, ARGV_HASHED); at += 8) {
    hash = ((hash ^ hashed.readBigUInt64LE(at)) * FACTOR) & U64
    hash ^= hash >> 32n
  }
  return hash
}

/** The tag that the kernel gives to an entry with that hash: never 0, which is no entry. */
export function tagOf(hash: bigint): number {
  return Number(hash >> 56n) || 1
}
