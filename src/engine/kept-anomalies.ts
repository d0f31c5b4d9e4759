/**
 * Anomalies of a state directory of which no service runs, from its journal. It is opened for as long as they are read, and left
 * as it is. Memory for some events at a time, however many there are.
 */
import { join } from 'node:path'
import type { AnomalyView } from '../detect/anomaly-view.js'
import { failure, PlimsollError } from '../errors.js'
import { plimsoll } from '../gen/plimsoll.js'
import { anomalyViewOf } from '../service/anomaly-message.js'
import { diskProblem } from '../service/journal/disk-problem.js'
import type { JournalEntry } from '../service/journal/journal.js'
import type { JournalStore } from '../service/journal/journal-store.js'
import { openExistingStore } from '../service/journal/open-store.js'

const READ_AT_ONCE = 256

/** Where the journal of a state directory is. */
export function journalDirectory(stateDirectory: string): string {
  return join(stateDirectory, 'journal')
}

/**
 * First occurrences, each with its latest count, in the order in which they were journaled; those that are wanted. None where there
 * is no journal. Throws `JOURNAL_IN_USE` while a service has it, and `JOURNAL_UNREADABLE`.
 */
export async function* keptAnomalies(
  stateDirectory: string,
  isWanted: (anomaly: AnomalyView) => boolean,
): AsyncGenerator<AnomalyView> {
  const directory = journalDirectory(stateDirectory)
  const store = await readable(directory, openExistingStore(directory))
  if (store === undefined) return
  try {
    const { last } = store.kept
    for (let after = 0; after < last;) {
      const entries = await readable(directory, store.read(after, last, READ_AT_ONCE))
      const wanted = entries.flatMap((entry) => firstIn(entry)).filter(isWanted)
      yield* await readable(directory, counted(store, wanted))
      after = entries.at(-1)?.sequence ?? last
    }
  } finally {
    await store.close()
  }
}

/** The one with that id, likewise; undefined if it is not kept. */
export async function keptAnomaly(
  stateDirectory: string,
  id: string,
): Promise<AnomalyView | undefined> {
  const directory = journalDirectory(stateDirectory)
  const store = await readable(directory, openExistingStore(directory))
  try {
    const kept = store && (await readable(directory, store.anomaly(id)))
    return kept && anomalyViewOf(kept.anomaly)
  } finally {
    await store?.close()
  }
}

/** The first occurrence that the event is, if it is one. */
function firstIn({ message: { anomaly } }: JournalEntry): readonly AnomalyView[] {
  const isFirst = anomaly?.state === plimsoll.v1.AnomalyState.ANOMALY_STATE_NEW
  return anomaly && isFirst ? [anomalyViewOf(anomaly)] : []
}

async function counted(
  store: JournalStore,
  anomalies: readonly AnomalyView[],
): Promise<readonly AnomalyView[]> {
  const told = await store.latest(anomalies.map(({ id }) => id))
  return anomalies.map((anomaly, at) => {
    const latest = told[at]
    if (latest === undefined) return anomaly
    return { ...anomaly, count: latest.count, last: new Date(latest.lastSeenMs).toISOString() }
  })
}

async function readable<T>(path: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading
  } catch (thrown) {
    if (thrown instanceof PlimsollError) throw thrown
    throw failure('JOURNAL_UNREADABLE', { path, problem: diskProblem(thrown) }, thrown)
  }
}
