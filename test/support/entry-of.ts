/** Entries as the sensor tells them, made of their argv. */
import { type ByteString, byteStringOf, byteStringOfText } from '../../src/bytes.js'
import type { Entry } from '../../src/engine/entries.js'
import { argvBytes, argvHash, tagOf } from '../../src/sensor/argv-hash.js'

/** Bytes of argv that the record of an entry carries. */
const HEAD_BYTES = 64

/** What is looked at of an entry with that argv. */
export function entryOf(...argv: readonly string[]): Entry {
  const bytes = argvBytes(argv.map((word) => byteStringOfText(word)))
  const hash = argvHash(bytes)
  return { tag: tagOf(hash), length: bytes.length, hash, head: headOf(bytes) }
}

function headOf(bytes: ByteString): ByteString {
  const whole = bytes.length - (bytes.length % 8)
  return byteStringOf(Buffer.from(bytes.slice(0, Math.min(whole, HEAD_BYTES)), 'latin1'))
}

/** An argv with the tag of `argv` that is another one. */
export function otherArgvOfTag(...argv: readonly string[]): readonly string[] {
  const { tag } = entryOf(...argv)
  for (let i = 0; ; i++) {
    const other = ['sh', '-c', `echo ${i}`]
    if (entryOf(...other).tag === tag && other.join() !== argv.join()) return other
  }
}
