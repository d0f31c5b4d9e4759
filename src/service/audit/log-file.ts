/** The file of the operator log, read in pieces: line by line from a place on, and its end. Bounded memory, whatever is in it. */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { LINE_BYTES } from './entry.js'

const NEWLINE = 0x0a
const CHUNK_BYTES = 64 * 1024

/** Where the log of that state directory is. */
export function operatorLogPath(stateDirectory: string): string {
  return join(stateDirectory, 'audit', 'operator.jsonl')
}

/** A line of the file. */
export interface LogLine {
  /** Without its newline; of one that is too long, its beginning. */
  readonly bytes: Buffer
  readonly offset: number
  /** Of what follows it. */
  readonly end: number
  /** False for what the file ends with instead of a newline. */
  readonly isEnded: boolean
}

/** The file, to be read; undefined where there is none. Throws as `open` does, also for a link. */
export async function openLog(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw thrown
  }
}

/** The lines from `offset`, where one must begin, up to what is there now. */
export async function* linesOf(file: FileHandle, offset = 0): AsyncGenerator<LogLine> {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
  let kept = Buffer.alloc(0)
  let begun = offset
  for (let at = offset; ;) {
    const { bytesRead } = await file.read(chunk, 0, chunk.length, at)
    if (bytesRead === 0) break
    let from = 0
    for (;;) {
      const newline = chunk.subarray(0, bytesRead).indexOf(NEWLINE, from)
      const piece = chunk.subarray(from, newline < 0 ? bytesRead : newline)
      // Beyond the bound nothing more is kept: such a line is none, whatever it goes on with.
      kept = Buffer.concat([kept, piece.subarray(0, Math.max(0, LINE_BYTES - kept.length))])
      if (newline < 0) break
      const end = at + newline + 1
      yield { bytes: kept, offset: begun, end, isEnded: true }
      kept = Buffer.alloc(0)
      begun = end
      from = newline + 1
    }
    at += bytesRead
  }
  if (kept.length > 0) {
    yield { bytes: kept, offset: begun, end: begun + kept.length, isEnded: false }
  }
}

/** The lines that end before `end`, where one must end, the last first. */
export async function* linesBefore(file: FileHandle, end: number): AsyncGenerator<LogLine> {
  for (let at = end; at > 0;) {
    const from = Math.max(0, at - LINE_BYTES - 1)
    const bytes = await bytesAt(file, from, at - from)
    if (bytes.length === 0) return
    // The last byte is the newline of the line itself.
    const newline = bytes.length < 2 ? -1 : bytes.lastIndexOf(NEWLINE, bytes.length - 2)
    const offset = newline < 0 && from > 0 ? await beginningOf(file, from) : from + newline + 1
    const line = bytes.subarray(Math.max(0, offset - from), bytes.length - 1)
    yield { bytes: line, offset, end: at, isEnded: true }
    at = offset
  }
}

/** At most `length` bytes from `offset`. */
export async function bytesAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}

/** Where the line begins that goes on at `from`: one of no bound, which nobody here wrote. */
async function beginningOf(file: FileHandle, from: number): Promise<number> {
  for (let at = from; at > 0;) {
    const before = Math.max(0, at - CHUNK_BYTES)
    const bytes = await bytesAt(file, before, at - before)
    const newline = bytes.lastIndexOf(NEWLINE)
    if (newline >= 0) return before + newline + 1
    at = before
  }
  return 0
}
