/**
 * The builder's view of a baseline: one record per (ABI, number, lineage). The profile builder knows no baseline format.
 */
import type { Abi, Lineage } from '../observation.js'

export interface ObservedCall {
  readonly abi: Abi
  /** As the ABI counts; x32 without bit 30; `SYSCALL_NR_LIMIT - 1` stands for all numbers out of range. */
  readonly nr: number
  readonly lineage: Lineage
  /** How often it was made. */
  readonly count: number
  /** In how many runs it was made at least once; 0 for one that a person let in before it was ever seen. */
  readonly runs: number
  /** Who made it, ready to be shown; at most what the baseline keeps. */
  readonly programs: readonly string[]
  /**
   * Values of its learned argument, packed as `kernel/arguments` says, sorted. Undefined where they are not known: the
   * call is none of `ARGUMENT_CALLS`, there were too many values, or some were missed.
   */
  readonly values?: readonly number[]
}
