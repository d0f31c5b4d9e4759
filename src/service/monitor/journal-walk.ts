/** The journal in pages, from either end. Each page is from memory or disk, and the event loop gets its turn in between. */
import { setImmediate as turn } from 'node:timers/promises'
import type { JournalEntry } from '../journal/journal.js'
import type { JournalFeed } from './journal-feed.js'

const PAGE_EVENTS = 128

/** A page: entries in the order of the walk, and where the walk is after them. */
export interface WalkedPage {
  readonly entries: readonly JournalEntry[]
  readonly position: number
}

/** What follows `after`, in the order of the journal, up to what was its end when the walk began. */
export async function* forwards(feed: JournalFeed, after: number): AsyncGenerator<WalkedPage> {
  const { last } = feed.state
  for (let position = after; position < last;) {
    const entries = await pageAfter(feed, position, PAGE_EVENTS)
    const end = entries.at(-1)?.sequence
    if (end === undefined) return
    position = end
    yield { entries, position }
  }
}

/** What is before `before`, the latest first, down to what is not kept any more. */
export async function* backwards(feed: JournalFeed, before: number): AsyncGenerator<WalkedPage> {
  for (let position = before; position > Math.max(feed.state.first, 1);) {
    const after = Math.max(position - 1 - PAGE_EVENTS, 0)
    const page = await pageAfter(feed, after, position - 1 - after)
    // What was let go of meanwhile may be followed by what the walk has seen.
    const entries = page.filter(({ sequence }) => sequence < position).toReversed()
    const end = entries.at(-1)?.sequence
    if (end === undefined) return
    position = end
    yield { entries, position }
  }
}

async function pageAfter(
  feed: JournalFeed,
  after: number,
  limit: number,
): Promise<readonly JournalEntry[]> {
  await turn()
  return feed.recent(after, limit) ?? (await feed.read(after, limit))
}
