/** What is known of an incident, out of the journal: its anomalies, and what their containers did for the first time before. */
import type { plimsoll } from '../../gen/plimsoll.js'
import type { JournalFeed } from './journal-feed.js'
import { backwards } from './journal-walk.js'

type TimelineEntry = plimsoll.v1.AnomalyTimelineEntry.$Properties

export interface IncidentTimeline {
  /** Oldest first, each once. */
  readonly entries: readonly TimelineEntry[]
  /** Oldest first; the latest if there are very many. */
  readonly anomalyIds: readonly string[]
}

/** An incident closes when nothing was added for a minute; what is older than that and a wide margin is none of it. */
const CLOSED_MS = 10 * 60_000
const ENTRIES_KEPT = 4096
const IDS_KEPT = 1024

/**
 * The latest `limit` entries of the incident; undefined if none of it is kept. Looks from the end of the journal, until long
 * before the incident began, or through all of it; gives up with undefined once `isUnwanted`.
 */
export async function incidentTimeline(
  incident: string,
  limit: number,
  feed: JournalFeed,
  isUnwanted: () => boolean,
): Promise<IncidentTimeline | undefined> {
  const entries = new Map<string, TimelineEntry>()
  const ids = new Set<string>()
  let oldestMs = -Infinity
  for await (const page of backwards(feed, feed.state.last + 1)) {
    for (const { message } of page.entries) {
      const { anomaly, atMs } = message
      if (anomaly?.incident !== incident) continue
      oldestMs = Number(atMs ?? 0)
      if (anomaly.id && ids.size < IDS_KEPT) ids.add(anomaly.id)
      for (const entry of anomaly.timeline ?? []) {
        if (entries.size < ENTRIES_KEPT) entries.set(keyOf(entry), entry)
      }
    }
    const reachedMs = Number(page.entries.at(-1)?.message.atMs ?? 0)
    if (isUnwanted() || reachedMs < oldestMs - CLOSED_MS) break
  }
  if (ids.size === 0) return undefined
  const inOrder = [...entries.values()].toSorted((one, other) => atMsOf(one) - atMsOf(other))
  return { entries: inOrder.slice(-limit), anomalyIds: [...ids].toReversed() }
}

function keyOf({ atMs, pid, lineage, what }: TimelineEntry): string {
  return `${Number(atMs ?? 0)} ${pid ?? 0} ${lineage ?? 0} ${what ?? ''}`
}

function atMsOf({ atMs }: TimelineEntry): number {
  return Number(atMs ?? 0)
}
