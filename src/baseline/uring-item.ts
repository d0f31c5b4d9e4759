/** An operation that was submitted to an io_uring, as an item of a baseline. */
import type { Evidence } from './evidence.js'

export interface UringFacts {
  /** IORING_OP_*, by number; see `kernel/io-uring`. */
  readonly opcode: number
}

/** One operation with its evidence. */
export interface UringItem extends UringFacts, Evidence {}

/** The operation with that evidence. */
export function uringOpOf({ opcode }: UringFacts, evidence: Evidence): UringItem {
  const { firstMs, lastMs, count, runs, windows, programs, morePrograms } = evidence
  return { opcode, firstMs, lastMs, count, runs, windows, programs, morePrograms }
}

/** The order of operations in every list. */
export function compareUringOps(a: UringFacts, b: UringFacts): number {
  return a.opcode - b.opcode
}
