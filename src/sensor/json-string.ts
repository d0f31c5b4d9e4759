/**
 * Undoes bpftrace's own JSON string escapes on bytes. It is not JSON that could be given to a JSON parser: 0.17 to 0.23 write
 * a byte above 0x7f as `\uffffffNN` (a sign-extended char), and others may pass it raw. A backslash of the container's is
 * always doubled, so neither form can be forged.
 */

const QUOTE = 0x22
const BACKSLASH = 0x5c
const LOWER_U = 0x75

/** The one-letter escapes: `\n` and the like; others stand for themselves (`\"`, `\\`, `\/`). */
const SHORT: Readonly<Record<number, number>> = {
  0x62: 0x08,
  0x66: 0x0c,
  0x6e: 0x0a,
  0x72: 0x0d,
  0x74: 0x09,
}

/**
 * Reads the string whose opening quote lies just before `from` into `into`, which must be at least as long as `line`.
 * Returns the number of bytes written and the index after the closing quote, or undefined where the string is malformed.
 */
export function unescapeInto(
  line: Uint8Array,
  from: number,
  into: Uint8Array,
): { readonly length: number; readonly end: number } | undefined {
  let length = 0
  for (let at = from; at < line.length;) {
    const byte = line[at]!
    if (byte === QUOTE) return { length, end: at + 1 }
    if (byte !== BACKSLASH) {
      into[length++] = byte
      at++
      continue
    }
    const escape = line[at + 1]
    if (escape === undefined) return undefined
    if (escape !== LOWER_U) {
      into[length++] = SHORT[escape] ?? escape
      at += 2
      continue
    }
    const long = hexValue(line, at + 2, 6) === 0xffffff
    const value = hexValue(line, at + (long ? 8 : 2), long ? 2 : 4)
    if (value === undefined || value > 0xff) return undefined
    into[length++] = value
    at += long ? 10 : 6
  }
  return undefined
}

function hexValue(line: Uint8Array, from: number, digits: number): number | undefined {
  let value = 0
  for (let at = from; at < from + digits; at++) {
    const byte = line[at] ?? 0
    const digit = byte >= 0x61 ? byte - 0x57 : byte >= 0x41 ? byte - 0x37 : byte - 0x30
    if (byte < 0x30 || digit < 0 || digit > 15 || (byte > 0x39 && byte < 0x41)) return undefined
    value = value * 16 + digit
  }
  return value
}
