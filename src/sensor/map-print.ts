/**
 * Reads a line in which bpftrace prints a whole map: `{"type": "map", "data": {"@name": {"key": value, ...}}}`. Works on
 * the bytes, because such a line can have tens of thousands of entries.
 */

const QUOTE = 0x22
const OPEN = 0x7b
const CLOSE = 0x7d
const COMMA = 0x2c
const COLON = 0x3a
const SPACE = 0x20

const PREFIX = Buffer.from('{"type": "map", "data": {"@')

/** Name of the printed map without `@`, or undefined where the line is no map print. */
export function mapNameOf(line: Uint8Array): string | undefined {
  for (let i = 0; i < PREFIX.length; i++) if (line[i] !== PREFIX[i]) return undefined
  const end = line.indexOf(QUOTE, PREFIX.length)
  if (end < 0 || end - PREFIX.length > 64) return undefined
  return Buffer.from(line.subarray(PREFIX.length, end)).toString('latin1')
}

/**
 * Calls `onEntry` with each key's place in `line` and its value. Keys of our maps hold no quotes or escapes, they are
 * numbers and addresses. Returns the number of entries, or undefined where the line is malformed or its map has no keys;
 * entries before the fault have been delivered then.
 */
export function readMapPrint(
  line: Uint8Array,
  onEntry: (keyStart: number, keyEnd: number, value: number) => void,
): number | undefined {
  let at = line.indexOf(COLON, line.indexOf(QUOTE, PREFIX.length))
  at = skipSpaces(line, at + 1)
  if (line[at] !== OPEN) return undefined
  at = skipSpaces(line, at + 1)
  let entries = 0
  if (line[at] === CLOSE) return 0
  for (;;) {
    if (line[at] !== QUOTE) return undefined
    const keyStart = at + 1
    const keyEnd = line.indexOf(QUOTE, keyStart)
    if (keyEnd < 0) return undefined
    at = skipSpaces(line, keyEnd + 1)
    if (line[at] !== COLON) return undefined
    at = skipSpaces(line, at + 1)
    // Newer versions quote integers that a double cannot hold.
    const isQuoted = line[at] === QUOTE
    if (isQuoted) at++
    const valueStart = at
    while (at < line.length && line[at]! >= 0x30 && line[at]! <= 0x39) at++
    if (at === valueStart) return undefined
    const value = decimalAt(line, valueStart, at)
    if (isQuoted) at++
    if (value === undefined) return undefined
    onEntry(keyStart, keyEnd, value)
    entries++
    at = skipSpaces(line, at)
    if (line[at] === CLOSE) return entries
    if (line[at] !== COMMA) return undefined
    at = skipSpaces(line, at + 1)
  }
}

/** The decimal number in `line[start, end)`, or undefined where it is none or above 2^53. */
export function decimalAt(line: Uint8Array, start: number, end: number): number | undefined {
  if (end <= start) return undefined
  let value = 0
  for (let at = start; at < end; at++) {
    const digit = line[at]! - 0x30
    if (digit < 0 || digit > 9) return undefined
    value = value * 10 + digit
  }
  return value > Number.MAX_SAFE_INTEGER ? undefined : value
}

function skipSpaces(line: Uint8Array, at: number): number {
  while (line[at] === SPACE) at++
  return at
}
