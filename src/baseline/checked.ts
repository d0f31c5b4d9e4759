/** Values of decoded messages, checked one by one. Each function names the field in what it throws. */
import { TIME_LIMIT_MS } from './limits.js'

/** A decoded message says something that no baseline says. The message is the end of a sentence about the file. */
export class Malformed extends Error {
  override readonly name = 'Malformed'
}

/**
 * How the generated code gives a 64-bit number: a `Long` if that package is there, else a number. An absent field is 0,
 * as proto3 has it.
 */
type Wire64 = number | { readonly low: number; readonly high: number } | null | undefined

/** A 64-bit number below 2^53. */
export function safe(field: string, value: Wire64): number {
  if (value === null || value === undefined) return 0
  const number =
    typeof value === 'number' ? value : (value.high >>> 0) * 2 ** 32 + (value.low >>> 0)
  if (!Number.isSafeInteger(number)) throw new Malformed(`${field} is 2^53 or more`)
  return number
}

/** A time that `Date` can show. */
export function milliseconds(field: string, value: Wire64): number {
  const ms = safe(field, value)
  if (ms > TIME_LIMIT_MS) throw new Malformed(`${field} is no time: ${ms}`)
  return ms
}

/** A 32-bit number up to `most`. */
export function numberUpTo(field: string, most: number, value: number | null | undefined): number {
  const number = value ?? 0
  if (number > most) throw new Malformed(`${field} is ${number}, at most ${most} allowed`)
  return number
}

/** Numbers below `limit` from the first and the differences, which must be at least 1. */
export function fromDeltas(field: string, deltas: readonly number[], limit: number): number[] {
  let sum = 0
  return deltas.map((delta, at) => {
    sum += delta
    if (at > 0 && delta === 0) throw new Malformed(`${field} are not in order at ${at}`)
    if (sum >= limit) throw new Malformed(`${field} refer to ${sum}, of ${limit}`)
    return sum
  })
}

/** The element of `list` with the enum value `code`; codes start at 1. */
export function element<T>(field: string, list: readonly T[], code: number | null | undefined): T {
  const found = list[(code ?? 0) - 1]
  if (found === undefined) throw new Malformed(`${field} has the unknown value ${code ?? 0}`)
  return found
}

export function flag(value: boolean | null | undefined): boolean {
  return value ?? false
}

/** The list must rise strictly: sorted, nothing twice. */
export function ascending<T>(
  field: string,
  list: readonly T[],
  compare: (a: T, b: T) => number,
): void {
  for (let i = 1; i < list.length; i++) {
    if (compare(list[i - 1]!, list[i]!) >= 0) {
      throw new Malformed(`${field} are not in order, or one is there twice, at ${i}`)
    }
  }
}
