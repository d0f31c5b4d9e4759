/**
 * A file that remembers how far a program is with the events: one line with the cursor, written whole or not at all, and only
 * after the program said that it is done with the event. After a crash the last event may come once more; `event-file` is for
 * those who cannot have that.
 */
import { readFile } from 'node:fs/promises'
import { asPlimsollError, asProblem, failure } from '../../errors.js'
import { writeWhole } from '../../write-file.js'
import { parseCursor } from '../journal/cursor.js'
import { Coalesced } from './coalesced.js'
import { localError } from './client-error.js'
import type { WatchEvent, WatchRequest } from './position.js'

/** Where a program goes on. */
export type Start = 'now' | 'earliest' | (string & {})

export interface CursorFile {
  /** A cursor or `earliest`; undefined if the file is not there yet. */
  readonly cursor: string | undefined
  /** `request` with the start that the file remembers; as it is if there is none. */
  from(request: WatchRequest): WatchRequest
  /**
   * Remembers that the event is done. Resolves when that, or a later one, is on disk; need not be waited for. Events without a cursor
   * are passed over.
   */
  done(event: Pick<WatchEvent, 'cursor'>): Promise<void>
  /** Remembers the place itself: what `onState` tells when the first stream begins. */
  save(cursor: string): Promise<void>
}

/** The cursor file at `path`. Rejects with `CURSOR_UNUSABLE` if it cannot be read or holds something else. */
export async function resumable(path: string): Promise<CursorFile> {
  const cursor = await remembered(path)
  let latest = cursor ?? ''
  const writing = new Coalesced(() => replace(path, `${latest}\n`))
  const save = (reached: string): Promise<void> => {
    if (reached === '' || reached === 'now' || reached === latest) return writing.settled()
    latest = reached
    return writing.run()
  }
  return {
    cursor,
    from: (request) => (cursor === undefined ? request : startingAt(request, cursor)),
    done: (event) => save(event.cursor ?? ''),
    save,
  }
}

/** The request with that start instead of its own. */
export function startingAt(request: WatchRequest, start: Start): WatchRequest {
  const { now: _now, earliest: _earliest, afterCursor: _after, ...rest } = request
  if (start === 'now') return { ...rest, now: true }
  return start === 'earliest' ? { ...rest, earliest: true } : { ...rest, afterCursor: start }
}

async function remembered(path: string): Promise<string | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw unusable(path, asProblem(thrown), thrown)
  }
  const cursor = text.replace(/\n$/, '')
  if (cursor === 'earliest' || parseCursor(cursor) !== undefined) return cursor
  throw unusable(path, 'it does not hold a cursor')
}

async function replace(path: string, text: string): Promise<void> {
  try {
    await writeWhole(path, text, 0o600)
  } catch (thrown) {
    throw localError(asPlimsollError(thrown))
  }
}

function unusable(path: string, problem: string, cause?: unknown): Error {
  return localError(failure('CURSOR_UNUSABLE', { path, problem }, cause))
}
