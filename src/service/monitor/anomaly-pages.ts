/**
 * Pages of anomalies out of the journal: first occurrences, each with its latest count. The work for one page is bounded in events
 * that are looked at and in bytes of what is answered; a page that ends there has a token to go on with.
 */
import { plimsoll } from '../../gen/plimsoll.js'
import { type CompiledFilters, compileFilters } from '../filter/compiled-filters.js'
import type { JournalEntry, JournalReader } from '../journal/journal.js'
import { maskedAnomaly, parseMask } from '../mask.js'
import type { JournalFeed } from './journal-feed.js'
import { backwards, forwards, type WalkedPage } from './journal-walk.js'
import { pageTokenOf, parsePageToken } from './page-token.js'

type Anomaly = plimsoll.v1.Anomaly.$Properties
type ListRequest = plimsoll.v1.ListAnomaliesRequest.$Properties
type ListResponse = plimsoll.v1.ListAnomaliesResponse.$Properties

const PAGE_SIZE = 100
const PAGE_SIZE_MOST = 500
/** Events that are looked at for one page; some 100 ms of work, in small pieces. */
export const SCAN_EVENTS = 4096
/** Clients take 4 MiB without being told to. */
const PAGE_BYTES = 1024 * 1024

/** The page that is asked for. Throws `BAD_REQUEST`; rejects with `JOURNAL_UNREADABLE`. */
export async function anomalyPage(
  request: ListRequest,
  journal: JournalReader,
  feed: JournalFeed,
): Promise<ListResponse> {
  const filters = compileFilters(request.filters)
  const mask = parseMask(request.readMask)
  const given = parsePageToken(request, journal.epoch)
  const size = Math.min(request.pageSize || PAGE_SIZE, PAGE_SIZE_MOST)
  const walk =
    request.descending === true
      ? backwards(feed, given ?? feed.state.last + 1)
      : forwards(feed, given ?? Math.max(feed.state.first - 1, 0))
  const { entries, next } = await gather(walk, filters, size)
  const anomalies: Anomaly[] = []
  for (const entry of entries) {
    const anomaly = await latestOf(entry, journal)
    if (anomaly !== undefined) anomalies.push(mask ? maskedAnomaly(anomaly, mask) : anomaly)
  }
  const cursor = { epoch: journal.epoch, sequence: next ?? 0 }
  return { anomalies, nextPageToken: next === undefined ? '' : pageTokenOf(request, cursor) }
}

/** First occurrences that are wanted, and where the next page begins; undefined after the last. */
async function gather(
  walk: AsyncIterable<WalkedPage>,
  filters: CompiledFilters,
  size: number,
): Promise<{ readonly entries: readonly JournalEntry[]; readonly next: number | undefined }> {
  const found: JournalEntry[] = []
  let seen = 0
  let bytes = 0
  for await (const { entries, position } of walk) {
    for (const entry of entries) {
      if (!isWanted(entry, filters)) continue
      found.push(entry)
      bytes += entry.bytes.byteLength
      if (found.length >= size || bytes >= PAGE_BYTES) {
        return { entries: found, next: entry.sequence }
      }
    }
    seen += entries.length
    if (seen >= SCAN_EVENTS) return { entries: found, next: position }
  }
  return { entries: found, next: undefined }
}

function isWanted({ message }: JournalEntry, filters: CompiledFilters): boolean {
  const { anomaly } = message
  return (
    anomaly?.state === plimsoll.v1.AnomalyState.ANOMALY_STATE_NEW && filters.matchesAnomaly(anomaly)
  )
}

/** With its latest count; as it was first told if it was let go of meanwhile. */
async function latestOf(
  { message }: JournalEntry,
  journal: JournalReader,
): Promise<Anomaly | undefined> {
  const kept = await journal.anomaly(message.anomaly?.id ?? '')
  return kept?.anomaly ?? message.anomaly ?? undefined
}
