/** One value of a call's learned argument as an item of a baseline. */
import type { Collapsed } from './collapsed.js'
import type { Evidence } from './evidence.js'
import { compareSyscalls, type SyscallFacts } from './syscall-item.js'

export interface ArgumentFacts extends SyscallFacts {
  /** Packed as `kernel/arguments` says; an unsigned 32-bit number. */
  readonly value: number
}

/** One value with its evidence. */
export interface ArgumentItem extends ArgumentFacts, Evidence {}

/** Calls of which the argument is not known: there were too many values, or the sensor did not see them. */
export interface CollapsedArguments extends SyscallFacts, Collapsed {}

/** The value with that evidence. */
export function argumentOf({ abi, nr, value }: ArgumentFacts, evidence: Evidence): ArgumentItem {
  const { firstMs, lastMs, count, runs, windows, programs, morePrograms } = evidence
  return { abi, nr, value, firstMs, lastMs, count, runs, windows, programs, morePrograms }
}

/** The order of values in every list. */
export function compareArguments(a: ArgumentFacts, b: ArgumentFacts): number {
  return compareSyscalls(a, b) || a.value - b.value
}
