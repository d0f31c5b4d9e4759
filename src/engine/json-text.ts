/** JSON that is safe to look at, for files and terminals. Pure. */

/**
 * The value as JSON; what JSON itself lets through raw, C1 controls and the characters that reorder or break lines, is
 * escaped as well. Parses to the same value.
 */
export function jsonText(value: unknown, indent = 0): string {
  return JSON.stringify(value, null, indent).replaceAll(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
