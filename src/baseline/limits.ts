/**
 * Every bound of the model in one place. The learner keeps to them and the decoder refuses what exceeds them, so that a
 * file which was written can always be read back. A baseline at all bounds at once is about 100 MB, one of 1000 runs that
 * do 150 things each 1.4 MB.
 */
import { type ByteString, byteStringOf, bytesOf } from '../bytes.js'

/** Items kept per lineage and set, of one run and of all together; what comes later is collapsed into a counter. */
export const EXEC_LIMIT = 1024
export const CONNECTION_LIMIT = 4096
export const LISTENER_LIMIT = 512
/** Values kept of one call's argument, likewise. */
export const ARGUMENT_LIMIT = 64

/** Distinct program paths kept per baseline, and references to them kept per item. */
export const PROGRAM_LIMIT = 1024
export const PROGRAMS_PER_ITEM = 8

/** Runs listed one by one; older ones are folded. */
export const RUN_LIMIT = 1000
/** (Run, item) pairs listed in all: some 10 bytes each on disk, some 200 in memory. */
export const INCIDENCE_LIMIT = 400_000
/** Text of the listed items (paths, addresses), each counted once per run. One run at all its bounds has 23 MB. */
export const LISTED_TEXT_BYTES = 24 * 1024 * 1024

/** Length of the time windows of a run that begins now. */
export const WINDOW_MS = 60_000

/** Verdicts of people kept per baseline, items of a seal, and the text of either. */
export const VERDICT_LIMIT = 4096
export const SEAL_ITEM_LIMIT = 16_384
export const DECISION_TEXT_BYTES = 8 * 1024 * 1024

/** Distinct (reason, detail) pairs kept per run; further details of a reason are added to that reason without detail. */
export const DETAIL_LIMIT = 32

/** PATH_MAX of Linux (include/uapi/linux/limits.h). */
export const PATH_BYTES = 4096
/** NAME_MAX, likewise. */
export const NAME_BYTES = 255
/** A unix socket path has at most 108 bytes (include/uapi/linux/un.h), an IP address 45 characters and a scope. */
export const ADDRESS_BYTES = 256
/** The longest name of an item: an execution in which every byte is escaped. */
export const ITEM_KEY_BYTES = 2 * (PATH_BYTES + NAME_BYTES) + 5
/** Names, versions and ids that come from runtimes. */
export const TEXT_BYTES = 256
/** Arguments kept of an entrypoint. */
export const ENTRYPOINT_LIMIT = 128

/** Largest time that `Date` can show, in milliseconds (ECMA-262, section 21.4.1.1). */
export const TIME_LIMIT_MS = 8.64e15
export const PORT_LIMIT = 65_535

/** The first `limit` bytes. The same string comes back if it is short enough. */
export function boundedBytes(text: ByteString, limit: number): ByteString {
  return text.length <= limit ? text : (text.slice(0, limit) as ByteString)
}

/**
 * Well-formed text of at most `TEXT_BYTES` bytes of UTF-8: a lone surrogate becomes U+FFFD, and nothing is cut inside a
 * character.
 */
export function boundedText(text: string): string {
  const bytes = Buffer.from(text, 'utf8')
  if (bytes.length <= TEXT_BYTES) return bytes.toString('utf8')
  let end = TEXT_BYTES
  // 10xxxxxx continues a character.
  while (end > 0 && (bytes.readUInt8(end) & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end)
}

/** A time within what the model stores: whole milliseconds, 0 for what lies before 1970 or is no time at all. */
export function boundedMs(ms: number): number {
  return ms > 0 ? Math.min(Math.trunc(ms), TIME_LIMIT_MS) : 0
}

/** Order of bytes; what every list of container text is sorted by. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** A copy that does not keep the text it was cut out of alive. */
export function ownBytes(text: ByteString): ByteString {
  return byteStringOf(bytesOf(text))
}
