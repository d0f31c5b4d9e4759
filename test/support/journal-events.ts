/** Events for journals, and a disk under one that refuses when the test says so. */
import { plimsoll } from '../../src/gen/plimsoll.js'
import type { JournalEntry, JournalEvent } from '../../src/service/journal/journal.js'
import type { Commit, JournalStore } from '../../src/service/journal/journal-store.js'
import { openStore } from '../../src/service/journal/open-store.js'

const { AnomalyKind, AnomalyState, Severity } = plimsoll.v1

export const NOW_MS = 1_700_000_000_000

export function anomalyEvent(id: string, count = 1, more: object = {}): JournalEvent {
  const isNew = count === 1
  const state = isNew ? AnomalyState.ANOMALY_STATE_NEW : AnomalyState.ANOMALY_STATE_REPEATED
  const timeline = isNew ? [{ atMs: NOW_MS, pid: 7, lineage: 2, what: 'chmod' }] : []
  const anomaly = {
    id,
    incident: `i-${id}`,
    kind: AnomalyKind.ANOMALY_KIND_EXEC,
    severity: Severity.SEVERITY_HIGH,
    state,
    what: 'exec:/bin/sh',
    count,
    lastSeenMs: NOW_MS + count,
    timeline,
    ...more,
  }
  return { atMs: NOW_MS, anomaly }
}

export function changeEvent(baselineKey: string): JournalEvent {
  return { atMs: NOW_MS, baselineChange: { baselineKey, what: 'sealed' } }
}

/** What an event is called in these tests. */
export function nameOf({ message }: JournalEntry): string {
  const { anomaly, baselineChange, gap } = message
  if (gap) return `gap ${Number(gap.count)}`
  return anomaly ? `${anomaly.id} ${Number(anomaly.count)}` : (baselineChange?.baselineKey ?? '')
}

/** How the next commits go: they fail before anything is written, after all of it is, or because tables are damaged. */
export type Fate = 'before' | 'after' | 'damaged'

export class FailingDisk {
  /** Of the commits that come, while there are any; `isFull` fails all of them, and opening too. */
  readonly fates: (Fate | 'well')[] = []
  isFull = false
  opens = 0

  readonly openStore: typeof openStore = async (...args) => {
    if (this.isFull) throw this.#refusal()
    this.opens++
    const { store, opened } = await openStore(...args)
    return { store: this.#failing(store), opened }
  }

  readonly probeDisk = async (): Promise<void> => {
    if (this.isFull) throw this.#refusal()
  }

  #refusal(): Error {
    return new Error('IO error: /state/journal/000003.log: No space left on device')
  }

  #failing(store: JournalStore): JournalStore {
    const commit = async (commit: Commit): Promise<void> => {
      const fate = this.isFull ? 'before' : this.fates.shift()
      if (fate === 'before') throw this.#refusal()
      if (fate === 'damaged') {
        throw Object.assign(new Error('Corruption: bad block'), { code: 'LEVEL_CORRUPTION' })
      }
      await store.commit(commit)
      if (fate === 'after') throw this.#refusal()
    }
    return {
      epoch: store.epoch,
      positions: store.positions,
      get kept() {
        return store.kept
      },
      commit,
      read: (...args) => store.read(...args),
      anomaly: (id) => store.anomaly(id),
      latest: (ids) => store.latest(ids),
      prune: (excess) => store.prune(excess),
      close: () => store.close(),
    }
  }
}

/** Everything that the journal has on disk, in pieces of `limit`. */
export async function allOf(
  journal: { read(after: number, limit: number): Promise<readonly JournalEntry[]> },
  limit = 100,
): Promise<readonly JournalEntry[]> {
  const all: JournalEntry[] = []
  for (;;) {
    const some = await journal.read(all.at(-1)?.sequence ?? 0, limit)
    if (some.length === 0) return all
    all.push(...some)
  }
}
