/** A system call as an item of a baseline. */
import { type Abi, ABIS, SYSCALL_NR_LIMIT } from '../observation.js'
import type { Evidence } from './evidence.js'

export interface SyscallFacts {
  readonly abi: Abi
  /** `SYSCALL_NR_LIMIT - 1` stands for all numbers from there on. */
  readonly nr: number
}

/** One system call with its evidence. */
export interface SyscallItem extends SyscallFacts, Evidence {}

const ABI_CODE = Object.fromEntries(ABIS.map((abi, code) => [abi, code])) as Record<Abi, number>

/** The call with that evidence. Written out, as in the other items: baselines have many, and a spread is slow. */
export function syscallOf({ abi, nr }: SyscallFacts, evidence: Evidence): SyscallItem {
  const { firstMs, lastMs, count, runs, windows, programs, morePrograms } = evidence
  return { abi, nr, firstMs, lastMs, count, runs, windows, programs, morePrograms }
}

/** ABI and number in one number, which sorts as `compareSyscalls` does. O(1), allocates nothing. */
export function syscallCode(abi: Abi, nr: number): number {
  return ABI_CODE[abi] * SYSCALL_NR_LIMIT + keptNr(nr)
}

/** The call of a code that `syscallCode` gave. */
export function syscallOfCode(code: number): SyscallFacts {
  return { abi: ABIS[Math.floor(code / SYSCALL_NR_LIMIT)]!, nr: code % SYSCALL_NR_LIMIT }
}

/** Everything out of range, negative numbers included, shares the last number. */
export function keptNr(nr: number): number {
  return nr >= 0 && nr < SYSCALL_NR_LIMIT ? nr : SYSCALL_NR_LIMIT - 1
}

/** The order of calls in every list. */
export function compareSyscalls(a: SyscallFacts, b: SyscallFacts): number {
  return ABI_CODE[a.abi] - ABI_CODE[b.abi] || a.nr - b.nr
}
