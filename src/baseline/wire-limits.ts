/**
 * A look over the bytes of a message before the generated decoder builds objects of them: only known fields, each with
 * the wire type, the number of occurrences and the length that the model allows. Without it a crafted file of empty
 * items, two bytes each, would decode to a hundred times its size. Allocates one small array per message.
 *
 * Wire format: https://protobuf.dev/programming-guides/encoding/
 */
import $protobuf from 'protobufjs/minimal.js'
import { ABIS, SYSCALL_NR_LIMIT } from '../observation.js'
import { TALLY_LIMIT } from './incompleteness-tally.js'
import * as limits from './limits.js'

/** What a field may be. One with neither `bytes` nor `of` is a varint. */
interface FieldLimit {
  /** Occurrences in one message. */
  readonly max: number
  /** Length of a string, byte string or packed list. */
  readonly bytes?: number
  /** Fields of a message. */
  readonly of?: MessageLimit
}

/** By field number; a missing one is unknown. */
type MessageLimit = Readonly<Record<number, FieldLimit>>

const VARINT = 0
const DELIMITED = 2

const NUMBER: FieldLimit = { max: 1 }
const TEXT: FieldLimit = { max: 1, bytes: limits.TEXT_BYTES }

const COLLAPSED: FieldLimit = { max: 1, of: { 1: NUMBER, 2: NUMBER, 3: NUMBER } }

const EVIDENCE: FieldLimit = {
  max: 1,
  of: {
    1: NUMBER,
    2: NUMBER,
    3: NUMBER,
    4: NUMBER,
    // An index below PROGRAM_LIMIT takes at most two bytes.
    5: { max: 1, bytes: 2 * limits.PROGRAMS_PER_ITEM },
    6: NUMBER,
  },
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
}

const SYSCALL: MessageLimit = { 1: NUMBER, 2: NUMBER, 3: EVIDENCE }

const EXEC: MessageLimit = {
  1: { max: 1, bytes: limits.PATH_BYTES },
  2: { max: 1, bytes: limits.NAME_BYTES },
  3: EVIDENCE,
  4: NUMBER,
  5: NUMBER,
  6: NUMBER,
  7: NUMBER,
  8: NUMBER,
}

const ENDPOINT: MessageLimit = {
  1: NUMBER,
  2: { max: 1, bytes: limits.ADDRESS_BYTES },
  3: NUMBER,
  4: NUMBER,
  5: EVIDENCE,
  6: NUMBER,
}

const BEHAVIOUR: MessageLimit = {
  1: NUMBER,
  2: { max: ABIS.length * SYSCALL_NR_LIMIT, of: SYSCALL },
  3: { max: limits.EXEC_LIMIT, of: EXEC },
  4: { max: limits.CONNECTION_LIMIT, of: ENDPOINT },
  5: { max: limits.LISTENER_LIMIT, of: ENDPOINT },
  6: COLLAPSED,
  7: COLLAPSED,
  8: COLLAPSED,
}

/** The limits of the message `Baseline`. */
export const BASELINE_LIMIT: MessageLimit = {
  1: { max: 1, of: IMAGE },
  2: NUMBER,
  3: { max: limits.RUN_LIMIT, of: RUN },
  4: { max: 1, of: { 1: NUMBER, 2: NUMBER, 3: NUMBER, 4: INCOMPLETENESS } },
  5: { max: limits.PROGRAM_LIMIT, bytes: limits.PATH_BYTES },
  6: { max: 4, of: BEHAVIOUR },
}

/** The first breach of `limit` in `bytes`, or undefined. Also true of bytes that are no message at all. O(bytes). */
export function wireProblem(bytes: Uint8Array, limit: MessageLimit): string | undefined {
  try {
    return messageProblem($protobuf.Reader.create(bytes), bytes.length, limit)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function messageProblem(
  reader: $protobuf.Reader,
  end: number,
  limit: MessageLimit,
): string | undefined {
  const seen = new Uint16Array(16)
  while (reader.pos < end) {
    const at = reader.pos
    const tag = reader.uint32()
    const number = tag >>> 3
    const field = limit[number]
    if (field === undefined) return `unknown field ${number} at byte ${at}`
    seen[number]! += 1
    if (seen[number]! > field.max)
      return `field ${number} at byte ${at} occurs more than ${field.max} times`
    const isDelimited = field.bytes !== undefined || field.of !== undefined
    if ((tag & 7) !== (isDelimited ? DELIMITED : VARINT)) {
      return `field ${number} at byte ${at} has the wrong type`
    }
    if (!isDelimited) reader.skip()
    else {
      const problem = delimitedProblem(reader, end, number, field)
      if (problem !== undefined) return problem
    }
  }
  return reader.pos === end ? undefined : `a field ends behind its message at byte ${end}`
}

function delimitedProblem(
  reader: $protobuf.Reader,
  end: number,
  number: number,
  field: FieldLimit,
): string | undefined {
  const length = reader.uint32()
  const start = reader.pos
  if (length > end - start) return `field ${number} at byte ${start} is longer than its message`
  if (field.of !== undefined) return messageProblem(reader, start + length, field.of)
  if (length > (field.bytes ?? 0)) {
    return `field ${number} at byte ${start} has ${length} bytes, at most ${field.bytes} allowed`
  }
  if (length > 0) reader.skip(length)
  return undefined
}
