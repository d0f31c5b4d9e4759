/** Text and times as the JSON view shows them. Pure. */
import { byteStringOfText, displayOf } from '../bytes.js'

/** Names and ids from runtimes and people are text, but no safer to print than what containers say. */
export function shown(text: string): string {
  return displayOf(byteStringOfText(text))
}

/** ISO 8601. */
export function isoOf(ms: number): string {
  return new Date(ms).toISOString()
}

/** ISO 8601, or null for a time that is not known. */
export function isoOrNull(ms: number): string | null {
  return ms === 0 ? null : isoOf(ms)
}
