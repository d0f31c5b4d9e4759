/**
 * A look over the bytes of a message before the generated decoder builds objects of them: only known fields, each with
 * the wire type, the number of occurrences and the length that its limits allow, and in all no more numbers and fields than
 * expected. Without it a crafted file of empty items, two bytes each, would decode to a hundred times its size.
 *
 * Wire format: https://protobuf.dev/programming-guides/encoding/
 */
import $protobuf from 'protobufjs/minimal.js'

/** What a field may be. One with none of `bytes`, `of` and `packed` is a varint. */
export interface FieldLimit {
  /** Occurrences in one message. */
  readonly max: number
  /** Length of a string or byte string. */
  readonly bytes?: number
  /** Fields of a message. */
  readonly of?: MessageLimit
  /** Numbers in a packed list of varints. */
  readonly packed?: number
}

/** By field number, up to `HIGHEST_FIELD`; a missing one is unknown. */
export type MessageLimit = Readonly<Record<number, FieldLimit>>

const VARINT = 0
const DELIMITED = 2
const HIGHEST_FIELD = 31

/**
 * The first breach of `limit` in `bytes`, or undefined; `parts` is how many fields and numbers in lists there may be in all.
 * Also tells of bytes that are no message at all. O(bytes).
 */
export function wireProblem(
  bytes: Uint8Array,
  limit: MessageLimit,
  parts: number,
): string | undefined {
  try {
    return new Look(bytes, parts).messageProblem(bytes.length, limit)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

class Look {
  readonly #bytes: Uint8Array
  readonly #reader: $protobuf.Reader
  readonly #partsLimit: number
  #parts = 0

  constructor(bytes: Uint8Array, partsLimit: number) {
    this.#bytes = bytes
    this.#partsLimit = partsLimit
    this.#reader = $protobuf.Reader.create(bytes)
  }

  messageProblem(end: number, limit: MessageLimit): string | undefined {
    const reader = this.#reader
    const seen = new Uint32Array(HIGHEST_FIELD + 1)
    while (reader.pos < end) {
      const at = reader.pos
      const tag = reader.uint32()
      const number = tag >>> 3
      const field = limit[number]
      if (field === undefined) return `unknown field ${number} at byte ${at}`
      seen[number]! += 1
      if (seen[number]! > field.max)
        return `field ${number} at byte ${at} occurs more than ${field.max} times`
      if (this.#isTooMuch(1)) return `byte ${at} is part of more than ${this.#partsLimit} fields`
      const isVarint = [field.bytes, field.of, field.packed].every((one) => one === undefined)
      if ((tag & 7) !== (isVarint ? VARINT : DELIMITED)) {
        return `field ${number} at byte ${at} has the wrong type`
      }
      if (isVarint) reader.skip()
      else {
        const problem = this.#delimitedProblem(end, number, field)
        if (problem !== undefined) return problem
      }
    }
    return reader.pos === end ? undefined : `a field ends behind its message at byte ${end}`
  }

  #delimitedProblem(end: number, number: number, field: FieldLimit): string | undefined {
    const reader = this.#reader
    const length = reader.uint32()
    const start = reader.pos
    if (length > end - start) return `field ${number} at byte ${start} is longer than its message`
    if (field.of !== undefined) return this.messageProblem(start + length, field.of)
    if (field.packed !== undefined) {
      const numbers = varintsIn(this.#bytes, start, start + length)
      if (numbers > field.packed) {
        return `field ${number} at byte ${start} has ${numbers} numbers, at most ${field.packed} allowed`
      }
      if (this.#isTooMuch(numbers))
        return `byte ${start} is part of more than ${this.#partsLimit} fields`
    } else if (length > (field.bytes ?? 0)) {
      return `field ${number} at byte ${start} has ${length} bytes, at most ${field.bytes} allowed`
    }
    if (length > 0) reader.skip(length)
    return undefined
  }

  #isTooMuch(parts: number): boolean {
    this.#parts += parts
    return this.#parts > this.#partsLimit
  }
}

/** Varints that end there: the last byte of each is below 0x80. */
function varintsIn(bytes: Uint8Array, start: number, end: number): number {
  let count = 0
  for (let at = start; at < end; at++) if (bytes[at]! < 0x80) count++
  return count
}
