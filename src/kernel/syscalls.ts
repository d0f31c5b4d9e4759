/**
 * Names and numbers of system calls, per ABI. The tables are generated; this file is the only one that reads them.
 * A number means nothing without its ABI: 11 is `munmap` on x86_64 and `execve` on i386.
 */
import { SYSCALL_NR_LIMIT, type Abi } from '../observation.js'
import { names as aarch64 } from './tables/aarch64.js'
import { names as i386 } from './tables/i386.js'
import { names as x32 } from './tables/x32.js'
import { names as x86_64 } from './tables/x86-64.js'

/** `arm` has no table (its numbers depend on EABI and private calls), so everything is unknown there. */
const NAMES: Readonly<Record<Abi, readonly string[]>> = { x86_64, i386, x32, aarch64, arm: [] }

const NUMBERS: Readonly<Record<Abi, ReadonlyMap<string, number>>> = {
  x86_64: numbersOf(x86_64),
  i386: numbersOf(i386),
  x32: numbersOf(x32),
  aarch64: numbersOf(aarch64),
  arm: new Map(),
}

const TABLES = Object.values(NUMBERS)

function numbersOf(names: readonly string[]): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>()
  for (const [nr, name] of names.entries()) if (name !== '') numbers.set(name, nr)
  return numbers
}

/** The name of call `nr`, or undefined where the ABI's table has none. x32 numbers come without bit 30. O(1). */
export function syscallName(abi: Abi, nr: number): string | undefined {
  return NAMES[abi][nr] || undefined
}

/** The number of the call `name`, or undefined where the ABI does not have it. O(1). */
export function syscallNr(abi: Abi, name: string): number | undefined {
  return NUMBERS[abi].get(name)
}

/**
 * What to show for a call: its name, or an explicit unknown such as `x86_64:700?`. All numbers from
 * `SYSCALL_NR_LIMIT - 1` on share one label, because they share one slot wherever calls are counted.
 */
export function syscallLabel(abi: Abi, nr: number): string {
  return syscallName(abi, nr) ?? `${abi}:${Math.min(nr, SYSCALL_NR_LIMIT - 1)}?`
}

/** Whether any of the tables has a call of that name. */
export function isSyscallName(name: string): boolean {
  return TABLES.some((numbers) => numbers.has(name))
}
