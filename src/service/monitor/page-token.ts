/**
 * Tokens of pages of anomalies: direction, what was asked for in short, and the place in the journal. A token goes with the
 * filters that it was made for. Pure.
 */
import { createHash } from 'node:crypto'
import { failure } from '../../errors.js'
import { plimsoll } from '../../gen/plimsoll.js'
import { type Cursor, cursorText, parseCursor } from '../journal/cursor.js'

type Request = plimsoll.v1.ListAnomaliesRequest.$Properties

export function pageTokenOf(request: Request, cursor: Cursor): string {
  return `${digestOf(request)}-${cursorText(cursor)}`
}

/**
 * The sequence that the token of this request stands for; undefined for the first page. Throws `BAD_REQUEST` for what is no
 * token, or was made for other filters, the other direction or a journal that is no more.
 */
export function parsePageToken(request: Request, epoch: string): number | undefined {
  const token = request.pageToken ?? ''
  if (token === '') return undefined
  const [, digest, text = ''] = /^([0-9a-f]{16})-([0-9a-f-]{1,40})$/.exec(token) ?? []
  const cursor = parseCursor(text)
  if (cursor === undefined) throw badToken('it is none')
  if (digest !== digestOf(request)) throw badToken('it was made for another request')
  if (cursor.epoch !== epoch) throw badToken('it is of a journal that is no more; begin again')
  return cursor.sequence
}

function digestOf({ filters, descending }: Request): string {
  const bytes = plimsoll.v1.AnomalyFilters.encode(filters ?? {}).finish()
  const hash = createHash('sha256').update(descending === true ? 'descending' : 'ascending')
  return hash.update(bytes).digest('hex').slice(0, 16)
}

function badToken(problem: string): Error {
  return failure('BAD_REQUEST', { field: 'page_token', problem })
}
