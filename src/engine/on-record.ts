/** Doing something an operator asked for, so that it is on record before, and what came of it after. */
import type { PlimsollError } from '../errors.js'
import { recorded } from '../service/audit/recorded.js'
import type { OperatorIntent, OperatorRecorder } from '../service/audit/recorder.js'

export interface OnRecord {
  readonly recorder: OperatorRecorder
  /** What came of it could not be put on record. It is done, or refused, all the same; that it was begun is on record. */
  readonly troubled: (error: PlimsollError) => void
}

/**
 * What `work` gives. Rejects with `AUDIT_UNWRITABLE` before `work` if the intent cannot be put on record, else as `work` does.
 * `detailsOf` says what is noted of what was done.
 */
export function onRecord<T>(
  { recorder, troubled }: OnRecord,
  intent: OperatorIntent,
  work: () => Promise<T>,
  detailsOf: (done: T) => Readonly<Record<string, unknown>>,
): Promise<T> {
  return recorded(recorder, intent, work, (done) => ['done', detailsOf(done)], troubled)
}
