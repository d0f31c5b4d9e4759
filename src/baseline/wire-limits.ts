/**
 * What a stored baseline may have of every field, from the bounds of the model: the limits by which `wire-look` refuses what no
 * plimsoll wrote.
 */
import { ARGUMENT_CALLS } from '../kernel/arguments.js'
import { CAPABILITY_LIMIT } from '../kernel/capabilities.js'
import { URING_OPCODE_LIMIT } from '../kernel/io-uring.js'
import { ABIS, SYSCALL_NR_LIMIT } from '../observation.js'
import { TALLY_LIMIT } from './incompleteness-tally.js'
import { ITEM_KINDS } from './item-key.js'
import * as limits from './limits.js'
import { BASELINE_LINEAGES } from './run-record.js'
import type { FieldLimit, MessageLimit } from './wire-look.js'

const CALLS = ABIS.length * SYSCALL_NR_LIMIT
const CALLS_WITH_ARGUMENT = ABIS.length * ARGUMENT_CALLS.length
const ARGUMENTS = CALLS_WITH_ARGUMENT * limits.ARGUMENT_LIMIT

/** Items of one lineage in one run; calls that were made, and calls that were refused. */
const ITEMS_OF_LINEAGE =
  2 * CALLS +
  ARGUMENTS +
  limits.EXEC_LIMIT +
  limits.CONNECTION_LIMIT +
  limits.LISTENER_LIMIT +
  CAPABILITY_LIMIT +
  URING_OPCODE_LIMIT

/** (Run, item) pairs in a file: those of the listed runs, and those of what is folded, which is like one run more. */
const PAIRS = limits.INCIDENCE_LIMIT + BASELINE_LINEAGES.length * ITEMS_OF_LINEAGE

/** Fields and numbers in lists in all: of a pair seven columns, its item (5), its set of programs (11); and all the rest. */
export const BASELINE_PARTS = 24 * PAIRS

const NUMBER: FieldLimit = { max: 1 }
const TEXT: FieldLimit = { max: 1, bytes: limits.TEXT_BYTES }

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
    8: { max: CALLS_WITH_ARGUMENT, of: { 1: NUMBER, 2: NUMBER, 3: COLLAPSED } },
    9: COLLAPSED,
    10: COLLAPSED,
    11: COLLAPSED,
    12: evidence(CAPABILITY_LIMIT),
    13: evidence(URING_OPCODE_LIMIT),
    14: evidence(CALLS),
  },
}

const KINDS: FieldLimit = { max: 1, packed: ITEM_KINDS.length }

const RESOURCES: FieldLimit = { max: 1, of: { 1: NUMBER, 2: NUMBER, 3: NUMBER, 4: NUMBER } }

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
  15: KINDS,
  16: RESOURCES,
}

const FOLDED: MessageLimit = {
  1: NUMBER,
  2: TEXT,
  3: NUMBER,
  4: NUMBER,
  5: INCOMPLETENESS,
  6: BEHAVIOURS,
  7: RESOURCES,
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

const LISTED_CALLS: FieldLimit = { max: CALLS, of: { 1: NUMBER, 2: NUMBER } }

const LINEAGE_ITEMS: MessageLimit = {
  1: NUMBER,
  2: LISTED_CALLS,
  3: { max: PAIRS, of: { 1: NUMBER, 2: NUMBER, 3: NUMBER } },
  4: { max: PAIRS, of: EXEC },
  5: { max: PAIRS, of: ENDPOINT },
  6: { max: PAIRS, of: ENDPOINT },
  7: { max: CAPABILITY_LIMIT, of: { 1: NUMBER } },
  8: { max: URING_OPCODE_LIMIT, of: { 1: NUMBER } },
  9: LISTED_CALLS,
}

const DECISIONS: MessageLimit = {
  1: {
    max: limits.VERDICT_LIMIT,
    of: { 1: { max: 1, bytes: limits.ITEM_KEY_BYTES }, 2: NUMBER, 3: NUMBER, 4: TEXT, 5: TEXT },
  },
  2: {
    max: 1,
    of: {
      1: NUMBER,
      2: TEXT,
      3: TEXT,
      4: { max: limits.SEAL_ITEM_LIMIT, bytes: limits.ITEM_KEY_BYTES },
      5: KINDS,
    },
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
