/** Text that the `ctl` commands share. Pure. */
import { quoted } from '../errors.js'

/** A text of a message, printable; `-` for none. */
export function cell(text: string | number | null | undefined): string {
  return text === null || text === undefined || text === '' ? '-' : quoted(String(text))
}

/** ISO 8601 of milliseconds; `-` for 0. */
export function time(ms: number | null | undefined): string {
  return ms ? new Date(ms).toISOString() : '-'
}

/** `ACTION_KIND_X_Y` as `x-y`. */
export function word(name: string | undefined, prefix: string): string {
  return (name ?? 'unspecified').replace(prefix, '').toLowerCase().replaceAll('_', '-')
}
