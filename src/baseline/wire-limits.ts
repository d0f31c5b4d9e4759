/**
 * A look over the bytes of a message before the generated decoder builds objects of them: only known fields, each with
 * the wire type, the number of occurrences and the length that the model allows, and in all no more numbers and messages than
 * a baseline can have. Without it a crafted file of empty items, two bytes each, would decode to a hundred times its size.
 *
 * Wire format: https://protobuf.dev/programming-guides/encoding/
 */
import $protobuf from 'protobufjs/minimal.js'
import { ARGUMENT_CALLS } from '../kernel/arguments.js'
import { ABIS, SYSCALL_NR_LIMIT } from '../observation.js'
import { TALLY_LIMIT } from './incompleteness-tally.js'
import * as limits from './limits.js'
import { BASELINE_LINEAGES } from './run-record.js'

/** What a field may be. One with none of `bytes`, `of` and `packed` is a varint. */
interface FieldLimit {
  /** Occurrences in one message. */
  readonly max: number
  /** Length of a string or byte string. */
  readonly bytes?: number
  /** Fields of a message. */
  readonly of?: MessageLimit
  /** Numbers in a packed list of varints. */
  readonly packed?: number
}

/** By field number; a missing one is unknown. */
type MessageLimit = Readonly<Record<number, FieldLimit>>

const VARINT = 0
const DELIMITED = 2
const HIGHEST_FIELD = 15

const CALLS = ABIS.length * SYSCALL_NR_LIMIT
const ARGUMENTS = ABIS.length * ARGUMENT_CALLS.length * limits.ARGUMENT_LIMIT

/** (Run, item) pairs in a file: those of the listed runs, and those of what is folded, which is like one run more. */
const PAIRS =
  limits.INCIDENCE_LIMIT +
  BASELINE_LINEAGES.length *
    (CALLS + ARGUMENTS + limits.EXEC_LIMIT + limits.CONNECTION_LIMIT + limits.LISTENER_LIMIT)

/** Fields and numbers in lists in all: of a pair seven columns, its item (5), its set of programs (11); and all the rest. */
const PARTS = 24 * PAIRS

const NUMBER: FieldLimit = { max: 1 }
const TEXT: FieldLimit = { max: 1, bytes: limits.TEXT_BYTES }
const KEY_BYTES = 2 * (limits.PATH_BYTES + limits.NAME_BYTES) + 5

const COLLAPSED: FieldLimit = { max: 1, of: { 1: NUMBER, 2: NUMBER, 3: NUMBER } }

function evidence(items: number): FieldLimit {
  const column: FieldLimit = { max: 1, packed: items }
  return {
    max: 1,
    of: { 1: column, 2: column, 3: column, 4: column, 5: column, 6: column, 7: column },
  }
}

const INCOMPLETENESS: FieldLimit = {
  max: TALLY_LIMIT,
  of: { 1: NUMBER, 2: NUMBER, 3: NUMBER, 4: NUMBER, 5: TEXT },
}

const IMAGE: MessageLimit = {
  1: NUMBER,
  2: TEXT,
  3: TEXT,
  4: { max: limits.ENTRYPOINT_LIMIT, bytes: limits.PATH_BYTES },
}

const BEHAVIOURS: FieldLimit = {
  max: BASELINE_LINEAGES.length,
  of: {
    1: NUMBER,
    2: NUMBER,
    3: evidence(CALLS),
    4: evidence(ARGUMENTS),
    5: evidence(limits.EXEC_LIMIT),
    6: evidence(limits.CONNECTION_LIMIT),
    7: evidence(limits.LISTENER_LIMIT),
    8: { max: CALLS, of: { 1: NUMBER, 2: NUMBER, 3: COLLAPSED } },
    9: COLLAPSED,
    10: COLLAPSED,
    11: COLLAPSED,
  },
}

const RUN: MessageLimit = {
  1: TEXT,
  2: NUMBER,
  3: NUMBER,
  4: TEXT,
  5: TEXT,
  6: TEXT,
  7: NUMBER,
  8: INCOMPLETENESS,
  9: TEXT,
  10: TEXT,
  11: TEXT,
  12: TEXT,
  13: NUMBER,
  14: BEHAVIOURS,
}

const FOLDED: MessageLimit = {
  1: NUMBER,
  2: TEXT,
  3: NUMBER,
  4: NUMBER,
  5: INCOMPLETENESS,
  6: BEHAVIOURS,
}

const PROGRAM_SET: MessageLimit = { 1: { max: 1, packed: limits.PROGRAMS_PER_ITEM }, 2: NUMBER }

const EXEC: MessageLimit = {
  1: { max: 1, bytes: limits.PATH_BYTES },
  2: { max: 1, bytes: limits.NAME_BYTES },
  3: NUMBER,
}

const ENDPOINT: MessageLimit = {
  1: NUMBER,
  2: { max: 1, bytes: limits.ADDRESS_BYTES },
  3: NUMBER,
  4: NUMBER,
}

const LINEAGE_ITEMS: MessageLimit = {
  1: NUMBER,
  2: { max: CALLS, of: { 1: NUMBER, 2: NUMBER } },
  3: { max: PAIRS, of: { 1: NUMBER, 2: NUMBER, 3: NUMBER } },
  4: { max: PAIRS, of: EXEC },
  5: { max: PAIRS, of: ENDPOINT },
  6: { max: PAIRS, of: ENDPOINT },
}

const DECISIONS: MessageLimit = {
  1: {
    max: limits.VERDICT_LIMIT,
    of: { 1: { max: 1, bytes: KEY_BYTES }, 2: NUMBER, 3: NUMBER, 4: TEXT, 5: TEXT },
  },
  2: {
    max: 1,
    of: { 1: NUMBER, 2: TEXT, 3: TEXT, 4: { max: limits.SEAL_ITEM_LIMIT, bytes: KEY_BYTES } },
  },
}

/** The limits of the message `Baseline`. */
export const BASELINE_LIMIT: MessageLimit = {
  1: { max: 1, of: IMAGE },
  2: NUMBER,
  3: { max: limits.PROGRAM_LIMIT, bytes: limits.PATH_BYTES },
  4: { max: PAIRS, of: PROGRAM_SET },
  5: { max: BASELINE_LINEAGES.length, of: LINEAGE_ITEMS },
  6: { max: limits.RUN_LIMIT, of: RUN },
  7: { max: 1, of: FOLDED },
  8: { max: 1, of: DECISIONS },
}

/** The first breach of `limit` in `bytes`, or undefined. Also true of bytes that are no message at all. O(bytes). */
export function wireProblem(bytes: Uint8Array, limit: MessageLimit): string | undefined {
  try {
    return new Look(bytes).messageProblem(bytes.length, limit)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

class Look {
  readonly #bytes: Uint8Array
  readonly #reader: $protobuf.Reader
  #parts = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
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
      if (++this.#parts > PARTS) return `byte ${at} is part of more than ${PARTS} fields`
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
      this.#parts += numbers
      if (numbers > field.packed) {
        return `field ${number} at byte ${start} has ${numbers} numbers, at most ${field.packed} allowed`
      }
      if (this.#parts > PARTS) return `byte ${start} is part of more than ${PARTS} fields`
    } else if (length > (field.bytes ?? 0)) {
      return `field ${number} at byte ${start} has ${length} bytes, at most ${field.bytes} allowed`
    }
    if (length > 0) reader.skip(length)
    return undefined
  }
}

/** Varints that end there: the last byte of each is below 0x80. */
function varintsIn(bytes: Uint8Array, start: number, end: number): number {
  let count = 0
  for (let at = start; at < end; at++) if (bytes[at]! < 0x80) count++
  return count
}
