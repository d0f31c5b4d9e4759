/**
 * Reads the fields of one record: a letter, then numbers separated by single spaces, then at most one untrusted string
 * up to the final newline. Nothing in the string can reach a number, because numbers are read first and counted.
 */
import { byteStringOf, type ByteString } from '../bytes.js'
import type { Key } from './key.js'

const SPACE = 0x20
const NEWLINE = 0x0a
const MINUS = 0x2d
const U64_LIMIT = 2 ** 64

/** A cursor over `bytes[0, length)`. A failed read makes `failed` true for good and returns 0. */
export class Fields {
  #bytes: Uint8Array = new Uint8Array(0)
  #length = 0
  #at = 0
  failed = false

  /** Starts over on a record; the first byte, its letter, is skipped. */
  reset(bytes: Uint8Array, length: number): void {
    this.#bytes = bytes
    // The record's own newline, which the probe prints last.
    this.#length = length > 0 && bytes[length - 1] === NEWLINE ? length - 1 : length
    this.#at = 1
    this.failed = length === 0 || bytes[length - 1] !== NEWLINE
  }

  /** The next decimal number; above 2^53 is a failure. */
  decimal(): number {
    return this.#space() ? this.#digits(10) : 0
  }

  /**
   * The next decimal number of up to 64 bits, rounded to a double: nanoseconds, which exceed 2^53 after 104 days, and inode
   * numbers, of which overlayfs uses the upper bits. Above 2^64 is a failure.
   */
  decimal64(): number {
    if (!this.#space()) return 0
    const start = this.#at
    const value = this.#digits(10, U64_LIMIT)
    if (value <= Number.MAX_SAFE_INTEGER) return value
    // Adding up digit by digit would round at every digit.
    return Number(Buffer.from(this.#bytes.subarray(start, this.#at)).toString('latin1'))
  }

  /** The next decimal number, read into `key`, which is returned; above 2^64 is a failure. */
  key(key: Key): Key {
    if (!this.#space()) return key
    const start = this.#at
    while (this.#at < this.#length && this.#bytes[this.#at] !== SPACE) this.#at++
    if (!key.read(this.#bytes, start, this.#at)) this.failed = true
    return key
  }

  /** The next decimal number, which may have a minus sign: for an `int` that a container chose. */
  signed(): number {
    if (!this.#space()) return 0
    const isNegative = this.#bytes[this.#at] === MINUS
    if (isNegative) this.#at++
    const magnitude = this.#digits(10)
    return isNegative ? 0 - magnitude : magnitude
  }

  /** The next hexadecimal number; above 2^53 is a failure. */
  hex(): number {
    return this.#space() ? this.#digits(16) : 0
  }

  /** The next hexadecimal number of up to 64 bits. */
  hex64(): bigint {
    if (!this.#space()) return 0n
    const start = this.#at
    while (this.#at < this.#length && this.#bytes[this.#at] !== SPACE) this.#at++
    const text = Buffer.from(this.#bytes.subarray(start, this.#at)).toString('latin1')
    if (!/^[0-9a-f]{1,16}$/.test(text)) {
      this.failed = true
      return 0n
    }
    return BigInt(`0x${text}`)
  }

  /** Everything after the next space. */
  rest(): ByteString {
    if (!this.#space()) return '' as ByteString
    const text = byteStringOf(this.#bytes.subarray(this.#at, this.#length))
    this.#at = this.#length
    return text
  }

  /** True if all was read and nothing failed. */
  get isComplete(): boolean {
    return !this.failed && this.#at === this.#length
  }

  #space(): boolean {
    if (this.failed || this.#at >= this.#length || this.#bytes[this.#at] !== SPACE) {
      this.failed = true
      return false
    }
    this.#at++
    return true
  }

  #digits(base: 10 | 16, limit = Number.MAX_SAFE_INTEGER): number {
    const start = this.#at
    let value = 0
    while (this.#at < this.#length) {
      const byte = this.#bytes[this.#at]!
      const digit = byte >= 0x61 && byte <= 0x66 ? byte - 0x57 : byte - 0x30
      if (digit < 0 || digit >= base || (byte > 0x39 && byte < 0x61)) break
      value = value * base + digit
      this.#at++
    }
    if (this.#at > start && value <= limit) return value
    this.failed = true
    return 0
  }
}
