/** Durations and sizes as people type them: `500ms`, `60s`, `10m`, `2h`, `30d`; `64MiB`, `2GiB`. */
import { InvalidArgumentError } from 'commander'

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

const MIB = 2 ** 20
const UNIT_BYTES: Readonly<Record<string, number>> = { MiB: MIB, GiB: 1024 * MIB }

/** Milliseconds of `text`; a plain number is seconds. Throws commander's error for anything else. */
export function durationMs(text: string): number {
  const found = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)?$/.exec(text)
  const unit = UNIT_MS[found?.[2] ?? 's']
  if (!found?.[1] || unit === undefined) {
    throw new InvalidArgumentError('Give a duration such as 500ms, 60s, 10m, 2h or 30d.')
  }
  return Math.round(Number(found[1]) * unit)
}

/** Bytes of `text`, at least a MiB. Throws commander's error for anything else. */
export function sizeBytes(text: string): number {
  const found = /^([1-9]\d{0,6})(MiB|GiB)$/.exec(text)
  const unit = UNIT_BYTES[found?.[2] ?? '']
  if (!found?.[1] || unit === undefined) {
    throw new InvalidArgumentError('Give a size such as 64MiB or 2GiB.')
  }
  return Number(found[1]) * unit
}

/** A whole number from 1 up. Throws commander's error for anything else. */
export function positiveCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Give a whole number from 1 up.')
  return Number(text)
}
