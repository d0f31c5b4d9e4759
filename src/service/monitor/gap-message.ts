/** Gaps that one reader is told of, and what was among the events that it missed. Pure. */
import { plimsoll } from '../../gen/plimsoll.js'
import type { CompiledFilters } from '../filter/compiled-filters.js'
import type { JournalEntry } from '../journal/journal.js'

type Gap = plimsoll.v1.Gap.$Properties
type GapCount = plimsoll.v1.GapCount.$Properties

const { GAP_CAUSE_RETENTION, GAP_CAUSE_SUBSCRIBER } = plimsoll.v1.GapCause

/** The sequences are older than what is kept. */
export function retentionGap(fromSequence: number, toSequence: number): Gap {
  const detail = 'they are older than what the journal keeps'
  return { ...rangeOf(fromSequence, toSequence), cause: GAP_CAUSE_RETENTION, detail }
}

/** The reader was too slow for them; `missed` are they, if they are at hand. */
export function subscriberGap(
  fromSequence: number,
  toSequence: number,
  missed: readonly JournalEntry[],
  filters: CompiledFilters,
): Gap {
  return {
    ...rangeOf(fromSequence, toSequence),
    cause: GAP_CAUSE_SUBSCRIBER,
    anomalies: countsOf(missed, filters),
    detail: 'this reader was too slow for them',
  }
}

function rangeOf(fromSequence: number, toSequence: number): Gap {
  return { count: toSequence - fromSequence + 1, fromSequence, toSequence }
}

/** Anomalies that the filters choose, by kind and severity. */
function countsOf(missed: readonly JournalEntry[], filters: CompiledFilters): GapCount[] {
  const counts = new Map<number, { kind: number; severity: number; count: number }>()
  for (const { message } of missed) {
    const { anomaly } = message
    if (anomaly == null || !filters.matches(message)) continue
    const { kind, severity } = { kind: anomaly.kind ?? 0, severity: anomaly.severity ?? 0 }
    const key = kind * 64 + severity
    const known = counts.get(key)
    if (known === undefined) counts.set(key, { kind, severity, count: 1 })
    else known.count++
  }
  return [...counts.values()]
}
