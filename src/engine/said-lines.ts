/** What a program said at its end, for people. Pure. */
import { type ByteString, displayOf } from '../bytes.js'

const LINES = 5
const LONGEST = 300

/** The last five lines that are not empty, each cut to 300 bytes and safe to show. */
export function saidLines(said: ByteString): readonly string[] {
  return said
    .split(/[\r\n]+/)
    .filter((line) => line.trim() !== '')
    .slice(-LINES)
    .map((line) => displayOf(line.slice(0, LONGEST) as ByteString))
}
