/**
 * Pages of a list that is made anew for every page. The token has a stamp of the whole list in it, so that pages of two
 * different lists are never put together. Pure.
 */
import { failure } from '../errors.js'
import { badRequest } from './baselines-request.js'

export interface PageRequest {
  readonly pageSize?: number | null
  readonly pageToken?: string | null
}

export interface PageBounds {
  readonly fallback: number
  readonly limit: number
}

export interface Listed<Item> {
  readonly items: readonly Item[]
  /** Equal for equal lists: 64 hexadecimal digits. */
  readonly stamp: string
  /** Whose list it is, for the error. */
  readonly image: string
}

export interface Page<Message> {
  readonly messages: readonly Message[]
  /** Empty after the last. */
  readonly nextPageToken: string
}

/** Clients take 4 MiB; one item has less than half a MiB. */
const PAGE_BYTES = 1024 * 1024

const TOKEN = /^([0-9a-f]{64})\.(\d{1,9})$/

/** The page that was asked for. Throws `BAD_REQUEST` for a token that no page had, `CONTENT_CHANGED` for one of another list. */
export function pageOf<Item, Message>(
  { items, stamp, image }: Listed<Item>,
  { pageSize, pageToken }: PageRequest,
  { fallback, limit }: PageBounds,
  messageOf: (item: Item) => { readonly message: Message; readonly bytes: number },
): Page<Message> {
  const start = startOf(pageToken ?? '', stamp, image)
  const most = Math.min(pageSize || fallback, limit)
  const messages: Message[] = []
  let bytes = 0
  for (const item of items.slice(start, start + most)) {
    if (bytes >= PAGE_BYTES) break
    const next = messageOf(item)
    messages.push(next.message)
    bytes += next.bytes
  }
  const end = start + messages.length
  return { messages, nextPageToken: end < items.length ? `${stamp}.${end}` : '' }
}

function startOf(token: string, stamp: string, image: string): number {
  if (token === '') return 0
  const [, given, offset] = TOKEN.exec(token) ?? []
  if (given === undefined || offset === undefined) {
    throw badRequest('page_token', 'no page ended with it')
  }
  if (given !== stamp) throw failure('CONTENT_CHANGED', { image, found: stamp, given })
  return Number(offset)
}
