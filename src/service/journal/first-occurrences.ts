/** The anomalies that a journal keeps, one after the other, as they were first told. */
import type { plimsoll } from '../../gen/plimsoll.js'
import type { JournalReader } from './journal.js'

const BATCH = 256

/** First occurrences in the order of the journal, up to where it ends when that is reached. Rejects with `JOURNAL_UNREADABLE`. */
export async function* firstOccurrences(
  journal: Pick<JournalReader, 'read' | 'state'>,
): AsyncGenerator<plimsoll.v1.Anomaly.$Properties> {
  // What comes meanwhile is not waited for.
  const { last } = journal.state()
  for (let after = 0; after < last;) {
    const entries = await journal.read(after, BATCH)
    const end = entries.at(-1)
    if (end === undefined) return
    after = end.sequence
    for (const { message } of entries) {
      const { anomaly } = message
      // ANOMALY_STATE_REPEATED
      if (anomaly != null && anomaly.state !== 2) yield anomaly
    }
  }
}
