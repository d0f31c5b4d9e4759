/** Numbers as the canonical encoding has them. Those that it has no form for are refused. */
import { failure } from '../errors.js'
import { TIME_LIMIT_MS } from './limits.js'

/** The number. Throws `INTERNAL` for one that is not whole and from 0 to `most`; -0 is none. */
export function whole(value: number, most = Number.MAX_SAFE_INTEGER): number {
  if (Number.isInteger(value) && value >= 0 && value <= most && !Object.is(value, -0)) return value
  const shown = Object.is(value, -0) ? '-0' : String(value)
  throw failure('INTERNAL', { problem: `${shown} cannot be stored in a baseline` })
}

/** The time in milliseconds, likewise. */
export function wholeMs(value: number): number {
  return whole(value, TIME_LIMIT_MS)
}

/** Ascending numbers as the first and the differences. */
export function deltasOf(numbers: readonly number[]): number[] {
  return numbers.map((number, at) => number - (numbers[at - 1] ?? 0))
}
