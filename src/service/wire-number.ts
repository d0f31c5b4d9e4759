/** 64-bit numbers of messages. All that plimsoll sends are below 2^53, but for nanoseconds since boot. Pure. */

/** How the generated code gives them: a `Long` where that package is, else a number. */
export type Wire64 = number | { readonly low: number; readonly high: number } | null | undefined

/** As a number; absent ones are 0, and what another program sent from 2^53 up loses its last digits. */
export function numberOf(value: Wire64): number {
  if (value === null || value === undefined) return 0
  return typeof value === 'number' ? value : (value.high >>> 0) * 2 ** 32 + (value.low >>> 0)
}

/** As it is sent: whole, not negative; 0 for what is 2^53 or more, so that it counts as not known instead of being wrong. */
export function wire64(value: number): number {
  const whole = Math.trunc(value)
  return whole > 0 && Number.isSafeInteger(whole) ? whole : 0
}

/**
 * Nanoseconds since boot, as they are sent. From 2^53 up, 104 days, a double has not all of their digits: they are off by a
 * microsecond at most, and by one nanosecond in the first 208 days.
 */
export function wireNs(value: number): number {
  const whole = Math.trunc(value)
  return whole > 0 && whole < 2 ** 64 ? whole : 0
}
