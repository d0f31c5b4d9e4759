/** Where in the journal a reader begins. Pure. */
import { failure } from '../../errors.js'
import { plimsoll } from '../../gen/plimsoll.js'
import { UNKNOWN_EPOCH } from '../journal/cursor.js'
import type { JournalState } from '../journal/journal.js'
import type { Start } from './watch-request.js'

export interface StartPoint {
  /** Of the last event that the reader does not get. */
  readonly position: number
  /** What comes first is where it begins: nothing is missing before it. */
  readonly isOpen: boolean
  /** Whether it has all there is so far. */
  readonly hasCaughtUp: boolean
  /** To be told ahead of all events. */
  readonly gap?: plimsoll.v1.Gap.$Properties
}

/**
 * Throws `BAD_REQUEST` for a cursor ahead of the journal, and `JOURNAL_UNREADABLE` where it is not known yet which journal this is:
 * a client that comes again in a moment loses nothing.
 */
export function startPointOf(
  start: Start,
  epoch: string,
  { first, last }: Pick<JournalState, 'first' | 'last'>,
): StartPoint {
  const earliest = { position: Math.max(first - 1, 0), isOpen: true, hasCaughtUp: false }
  if (start === 'earliest') return earliest
  // Where nothing is kept, it is not known what the last sequence was.
  if (start === 'now') return { position: last, isOpen: last === 0, hasCaughtUp: true }
  if (epoch === UNKNOWN_EPOCH) {
    const problem = 'its disk could not be read yet'
    throw failure('JOURNAL_UNREADABLE', { path: 'of this service', problem })
  }
  if (start.epoch !== epoch) {
    const cause = plimsoll.v1.GapCause.GAP_CAUSE_EPOCH
    const detail = `the cursor is of the journal ${start.epoch}, which is no more; this is ${epoch}`
    return { ...earliest, gap: { cause, detail } }
  }
  if (last > 0 && start.sequence > last) {
    const problem = 'it is ahead of the journal'
    throw failure('BAD_REQUEST', { field: 'after_cursor', problem })
  }
  return { position: start.sequence, isOpen: false, hasCaughtUp: start.sequence === last }
}
