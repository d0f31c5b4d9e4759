/**
 * A file of events that is its own cursor: one JSON line per event, each with the cursor to go on from. Whoever opens it again, after
 * whatever end, cuts off a line that was not written whole and goes on after the last one; so every event is in it exactly once.
 * One writer at a time: a second one is refused.
 *
 *   {"cursor":"EPOCH-41",...}\n {"cursor":"EPOCH-42",...}\n {"cursor":"EPOCH-4   <- killed here: cut off, asked for again
 */
import { open, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { asProblem, failure } from '../../errors.js'
import { parseCursor } from '../journal/cursor.js'
import { Coalesced } from './coalesced.js'
import { localError } from './client-error.js'
import { startingAt } from './cursor-file.js'
import { type LetGo, ownFile } from './file-owner.js'
import type { WatchRequest } from './position.js'

/** What a line must have; further fields are the program's. */
export interface EventLine {
  /** Where to go on after this line: a cursor, or `earliest`; empty for a line that is not a place. */
  readonly cursor: string
}

export interface EventFile {
  /** Where the file ends: a cursor or `earliest`; undefined if it has no line with one. */
  readonly cursor: string | undefined
  /** `request` with the start that the file ends with; as it is if there is none. */
  from(request: WatchRequest): WatchRequest
  /** Appends a line. It is in the file when this resolves, whatever becomes of the program, and on disk soon after. */
  append(line: EventLine): Promise<void>
  /** Resolves when all lines are on disk. */
  close(): Promise<void>
}

const CHUNK_BYTES = 64 * 1024
/** No line of plimsoll is nearly as long; a file without line ends is something else. */
const LINE_LIMIT_BYTES = 16 * 1024 * 1024
/** Lines that a crash of the host may cost, and that are then asked for again. */
const UNSYNCED_LIMIT = 256

/**
 * Opens or makes it. Rejects with `CURSOR_UNUSABLE` if it holds something else, `FILE_IN_USE` while another writes it, or
 * `FILE_UNWRITABLE`.
 */
export async function eventFile(path: string): Promise<EventFile> {
  const file = await attempted(path, () => open(path, 'a+', 0o600))
  let letGo: LetGo | undefined
  try {
    letGo = await ownFile(file)
    if (letGo === undefined) throw localError(failure('FILE_IN_USE', { path }))
    const { cursor, end } = await lastPlace(path, file)
    await attempted(path, async () => {
      await file.truncate(end)
      await file.sync()
      await syncDirectory(dirname(path))
    })
    return writer(path, file, cursor, letGo)
  } catch (thrown) {
    await letGo?.()
    await file.close()
    throw thrown
  }
}

function writer(
  path: string,
  file: FileHandle,
  cursor: string | undefined,
  letGo: LetGo,
): EventFile {
  const syncing = new Coalesced(() => attempted(path, () => file.datasync()))
  let unsynced = 0
  let hasFailed = false
  return {
    cursor,
    from: (request) => (cursor === undefined ? request : startingAt(request, cursor)),
    append: async (line) => {
      // After half a line nothing may follow; whoever opens the file again cuts it off.
      if (hasFailed) throw unusable(path, 'a line could not be written before')
      hasFailed = true
      await attempted(path, () => file.appendFile(`${JSON.stringify(line)}\n`))
      hasFailed = false
      const synced = syncing.run().then(() => {
        unsynced = 0
      })
      if (++unsynced > UNSYNCED_LIMIT) await synced
      else synced.catch(() => undefined)
    },
    close: async () => {
      try {
        await syncing.run()
      } finally {
        await file.close()
        await letGo()
      }
    },
  }
}

/** The cursor of the last line that has one, and where whole lines end. Reads from the end. */
async function lastPlace(
  path: string,
  file: FileHandle,
): Promise<{ readonly cursor: string | undefined; readonly end: number }> {
  const { size } = await file.stat()
  let end: number | undefined
  let from = size
  /** Bytes from `from` on that belong to a line whose beginning was not reached yet. */
  let rest = Buffer.alloc(0)
  while (from > 0) {
    const length = Math.min(CHUNK_BYTES, from)
    from -= length
    const chunk = Buffer.alloc(length)
    await file.read(chunk, 0, length, from)
    let bytes = Buffer.concat([chunk, rest])
    if (end === undefined) {
      const last = bytes.lastIndexOf(0x0a)
      end = last < 0 ? undefined : from + last + 1
      bytes = last < 0 ? bytes : bytes.subarray(0, last)
    }
    if (end !== undefined) {
      for (let start = bytes.lastIndexOf(0x0a); start >= 0; start = bytes.lastIndexOf(0x0a)) {
        const cursor = cursorOf(path, bytes.subarray(start + 1))
        if (cursor !== '') return { cursor, end }
        bytes = bytes.subarray(0, start)
      }
      if (from === 0) {
        const cursor = cursorOf(path, bytes)
        return { cursor: cursor === '' ? undefined : cursor, end }
      }
    }
    if (bytes.length > LINE_LIMIT_BYTES) throw unusable(path, 'its last line is too long')
    rest = bytes
  }
  return { cursor: undefined, end: 0 }
}

function cursorOf(path: string, line: Buffer): string {
  try {
    const { cursor } = JSON.parse(line.toString('utf8')) as Partial<EventLine>
    if (cursor === '' || cursor === 'earliest') return cursor
    if (typeof cursor === 'string' && parseCursor(cursor) !== undefined) return cursor
  } catch {
    // Said below.
  }
  throw unusable(path, 'its last line is no event with a cursor')
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

async function attempted<Value>(path: string, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work()
  } catch (thrown) {
    throw localError(failure('FILE_UNWRITABLE', { path, problem: asProblem(thrown) }, thrown))
  }
}

function unusable(path: string, problem: string): Error {
  return localError(failure('CURSOR_UNUSABLE', { path, problem }))
}
