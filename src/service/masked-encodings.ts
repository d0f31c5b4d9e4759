/**
 * What is sent of events to those who want some fields only: encoded once for each mask and event, however many ask. Bounded
 * in bytes; what was let go is encoded again.
 */
import { LRUCache } from 'lru-cache'
import { plimsoll } from '../gen/plimsoll.js'
import type { JournalEntry } from './journal/journal.js'
import { type Mask, maskedAnomaly } from './mask.js'

const CACHE_BYTES = 8 * 1024 * 1024
const CACHE_ENTRIES = 16_384
/** Masks with a number; far more than people think of. */
const MASKS_KNOWN = 1024

export class MaskedEncodings {
  /** By number of the mask and sequence. */
  readonly #encoded: LRUCache<string, Uint8Array>
  /** Short names for the texts of masks; none is given twice. */
  readonly #numbers = new LRUCache<string, number>({ max: MASKS_KNOWN })
  #lastNumber = 0
  #count = 0

  /** At most about so many bytes are kept. */
  constructor(maxBytes = CACHE_BYTES) {
    this.#encoded = new LRUCache({
      max: CACHE_ENTRIES,
      maxSize: maxBytes,
      sizeCalculation: ({ byteLength }) => byteLength + 1,
    })
  }

  /** How often an event was encoded. */
  get count(): number {
    return this.#count
  }

  /** The event as it is sent under the mask: with its cursor and time, and of an anomaly what the mask chooses. */
  bytesOf({ sequence, message, bytes }: JournalEntry, mask: Mask | undefined): Uint8Array {
    const { anomaly } = message
    if (mask === undefined || anomaly == null) return bytes
    const key = `${this.#numberOf(mask.text)}:${sequence}`
    const known = this.#encoded.get(key)
    if (known !== undefined) return known
    this.#count++
    const { cursor, atMs } = message
    const encoded = plimsoll.v1.WatchResponse.encode({
      cursor: cursor ?? '',
      atMs: atMs ?? 0,
      anomaly: maskedAnomaly(anomaly, mask),
    }).finish()
    this.#encoded.set(key, encoded)
    return encoded
  }

  #numberOf(text: string): number {
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    const number = ++this.#lastNumber
    this.#numbers.set(text, number)
    return number
  }
}
