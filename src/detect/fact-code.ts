/**
 * Facts as pairs of 32-bit numbers, which typed arrays hold and compare without allocation.
 *
 *   high   kind (4) | lineage (3) | call (13)    lineage 0 in what an image allows; call 0 where there is none
 *   call   ABI (3) | number (10)
 *   low    packed argument, answer, capability, opcode, interned key, or 0
 */
import { type Abi, ABIS, type Lineage, LINEAGES, SYSCALL_NR_LIMIT } from '../observation.js'
import { ANOMALY_KINDS } from './anomaly.js'

const NR_BITS = 10
const LAST_NR = SYSCALL_NR_LIMIT - 1
const CALL_BITS = 13
const LINEAGE_BITS = 3

/** Calls that a code can name, three ABI codes that nothing has included. */
export const CALL_LIMIT = 1 << CALL_BITS
export const KIND_COUNT = ANOMALY_KINDS.length

export const KIND_CODE = codesOf(ANOMALY_KINDS)
export const ABI_CODE: Readonly<Record<Abi, number>> = codesOf(ABIS)
export const LINEAGE_CODE: Readonly<Record<Lineage, number>> = codesOf(LINEAGES)

/** Kinds whose items are named by a string, such as a key of `baseline/item-key`. */
export const NAMED_KINDS = ['exec', 'drift', 'fileless', 'connect', 'listen'] as const
export type NamedKind = (typeof NAMED_KINDS)[number]

const NAMED_MASK = NAMED_KINDS.reduce((mask, kind) => mask | (1 << KIND_CODE[kind]), 0)

/** The call of an ABI's code; numbers out of range share the last one. An ABI out of range is one that no image uses. */
export function callCode(abi: number, nr: number): number {
  return ((abi & 7) << NR_BITS) | (nr >>> 0 < LAST_NR ? nr : LAST_NR)
}

export function abiOfCall(call: number): number {
  return call >>> NR_BITS
}

/** The high half of a fact. */
export function highOf(kind: number, lineage: number, call: number): number {
  return (kind << (LINEAGE_BITS + CALL_BITS)) | ((lineage & 7) << CALL_BITS) | call
}

export function kindOfHigh(high: number): number {
  return high >>> (LINEAGE_BITS + CALL_BITS)
}

export function lineageOfHigh(high: number): number {
  return (high >>> CALL_BITS) & 7
}

export function callOfHigh(high: number): number {
  return high & (CALL_LIMIT - 1)
}

/** Whether the low half of facts of that kind is an interned key. */
export function isNamed(kind: number): boolean {
  return ((NAMED_MASK >>> kind) & 1) === 1
}

/** Both halves and a slot mixed into 32 bits. */
export function mixed(slot: number, high: number, low: number): number {
  let hash =
    Math.imul(high, 0x9e37_79b1) ^ Math.imul(low, 0x85eb_ca6b) ^ Math.imul(slot, 0xc2b2_ae35)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b_3c6d)
  return (hash ^ (hash >>> 13)) >>> 0
}

function codesOf<Name extends string>(names: readonly Name[]): Readonly<Record<Name, number>> {
  return Object.fromEntries(names.map((name, code) => [name, code])) as Record<Name, number>
}
