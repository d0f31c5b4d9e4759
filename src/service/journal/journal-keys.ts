/**
 * Keys of the database. The first byte is the class, so that the rows of one class lie together and in order:
 *
 *   e sequence(8)  an event             f id   sequence of the first occurrence of an anomaly
 *   m name         about the journal    l id   what was last told of it, once it was told again
 *                                       p name where a reader was
 *
 * Numbers are big-endian. Pure.
 */
const SEQUENCE_KEY_BYTES = 9

/** Of the event with that sequence, which is below 2^53. */
export function entryKey(sequence: number): Buffer {
  const key = Buffer.alloc(SEQUENCE_KEY_BYTES)
  key.write('e')
  key.writeBigUInt64BE(BigInt(sequence), 1)
  return key
}

/** The sequence in the key of an event. */
export function sequenceOf(key: Uint8Array): number {
  return Number(Buffer.from(key.buffer, key.byteOffset, key.byteLength).readBigUInt64BE(1))
}

export function firstKey(id: string): Buffer {
  return Buffer.from(`f${id}`)
}

export function latestKey(id: string): Buffer {
  return Buffer.from(`l${id}`)
}

export function metaKey(name: 'journal' | 'kept'): Buffer {
  return Buffer.from(`m${name}`)
}

export function positionKey(name: string): Buffer {
  return Buffer.from(`p${name}`)
}

/** Bounds of all keys of positions, both excluded; `positionName` is the rest of such a key. */
export const POSITIONS = { gt: Buffer.from('p'), lt: Buffer.from('q') }

export function positionName(key: Uint8Array): string {
  return Buffer.from(key).toString('utf8', 1)
}
