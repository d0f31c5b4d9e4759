/** Durations as people type them: `500ms`, `60s`, `10m`, `2h`. */
import { InvalidArgumentError } from 'commander'

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Milliseconds of `text`; a plain number is seconds. Throws commander's error for anything else. */
export function durationMs(text: string): number {
  const found = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)?$/.exec(text)
  const unit = UNIT_MS[found?.[2] ?? 's']
  if (!found?.[1] || unit === undefined) {
    throw new InvalidArgumentError('Give a duration such as 500ms, 60s, 10m or 2h.')
  }
  return Math.round(Number(found[1]) * unit)
}

/** A whole number from 1 up. Throws commander's error for anything else. */
export function positiveCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Give a whole number from 1 up.')
  return Number(text)
}
