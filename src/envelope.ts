/**
 * The envelope around every file that plimsoll writes for itself:
 *
 *   0        8             12                 n-32      n
 *   | magic  | version u32 | payload ...      | SHA-256 |      of everything before it
 *
 * so that a file of another kind, a newer one, and a truncated or altered one are told apart before a byte of the payload
 * is looked at. The checksum finds accidents; it is no signature.
 */
import { createHash } from 'node:crypto'

const MAGIC_BYTES = 8
const HEADER_BYTES = MAGIC_BYTES + 4
const CHECKSUM_BYTES = 32

/** What is added to a payload, in bytes. */
export const ENVELOPE_BYTES = HEADER_BYTES + CHECKSUM_BYTES

/** `payload` is a view into the bytes that were opened, not a copy. */
export type Opened = { readonly payload: Uint8Array } | { readonly problem: string }

/**
 * The file for `payload`. `magic` is 8 ASCII characters, `version` a number from 1 to 2^32 - 1; other values are
 * mistakes of the caller and throw. Cost: one copy and one hash of the payload.
 */
export function seal(magic: string, version: number, payload: Uint8Array): Uint8Array {
  const sealer = new Sealer(magic, version)
  return Buffer.concat([sealer.header, sealer.add(payload), sealer.finish()])
}

/**
 * The same file piece by piece, for a payload that is still being made: write `header`, then what each `add` returns,
 * then what `finish` returns. Cost: one hash of the payload, no copy.
 */
export class Sealer {
  readonly header: Uint8Array
  readonly #hash = createHash('sha256')

  constructor(magic: string, version: number) {
    const header = Buffer.alloc(HEADER_BYTES)
    magicBytes(magic).copy(header)
    header.writeUInt32LE(version, MAGIC_BYTES)
    this.#hash.update(header)
    this.header = header
  }

  /** Takes the next piece of the payload and returns it. */
  add(piece: Uint8Array): Uint8Array {
    this.#hash.update(piece)
    return piece
  }

  /** The checksum, which ends the file. Call it once. */
  finish(): Uint8Array {
    return this.#hash.digest()
  }
}

/**
 * The payload of a file that `seal` made with this magic and version; otherwise what is wrong, as the end of a sentence
 * such as "FILE is damaged: ...". An older version is a problem too: whoever still reads it opens it as that version.
 * `remedy` says what to do then.
 */
export function open(magic: string, version: number, bytes: Uint8Array, remedy?: string): Opened {
  if (bytes.length === 0) return { problem: 'it is empty' }
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const expected = magicBytes(magic)
  const head = Math.min(file.length, MAGIC_BYTES)
  if (!file.subarray(0, head).equals(expected.subarray(0, head))) {
    return { problem: `it is another kind of file (it does not start with ${magic})` }
  }
  if (file.length < ENVELOPE_BYTES) {
    return { problem: `it is too short: ${file.length} bytes, at least ${ENVELOPE_BYTES} expected` }
  }
  // The checksum goes first: a flipped bit in the version must not be taken for a newer plimsoll's file.
  const end = file.length - CHECKSUM_BYTES
  if (!checksum(file.subarray(0, end)).equals(file.subarray(end))) {
    return { problem: 'its checksum does not match: it was truncated or altered' }
  }
  const found = file.readUInt32LE(MAGIC_BYTES)
  if (found > version) {
    return {
      problem: `it has format version ${found}, this plimsoll reads ${version}: written by a newer plimsoll`,
    }
  }
  if (found < version) {
    const problem = `it has format version ${found}, this plimsoll reads ${version}`
    return { problem: remedy === undefined ? problem : `${problem}: ${remedy}` }
  }
  return { payload: file.subarray(HEADER_BYTES, end) }
}

/**
 * The version that the file says it has, for whoever reads several; 0 for one that is too short to say. Nothing is checked:
 * `open` it as that version.
 */
export function claimedVersion(bytes: Uint8Array): number {
  if (bytes.length < HEADER_BYTES) return 0
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readUInt32LE(MAGIC_BYTES)
}

function magicBytes(magic: string): Buffer {
  const bytes = Buffer.from(magic, 'latin1')
  if (bytes.length !== MAGIC_BYTES) throw new RangeError(`magic must be 8 bytes: ${magic}`)
  return bytes
}

function checksum(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}
