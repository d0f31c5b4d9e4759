/** What a program said at its end, for people. Pure. */
import { type ByteString, displayOf } from '../bytes.js'

const LAST_LINES = 4
const LONGEST = 300

/**
 * The first line and the last four of those that are not empty, each cut to 300 bytes and safe to show: who fails says why at the
 * end, who crashes says it ahead of a long dump.
 */
export function saidLines(said: ByteString): readonly string[] {
  const [first, ...others] = said.split(/[\r\n]+/).filter((line) => line.trim() !== '')
  if (first === undefined) return []
  return [first, ...others.slice(-LAST_LINES)].map((line) =>
    displayOf(line.slice(0, LONGEST) as ByteString),
  )
}
