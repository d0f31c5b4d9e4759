/** Doing something an operator asked for, so that it is on record before, and what came of it after. */
import { asPlimsollError, type ErrorCode, type PlimsollError } from '../errors.js'
import type {
  OperatorIntent,
  OperatorOutcome,
  OperatorRecorder,
} from '../service/audit/recorder.js'

export interface OnRecord {
  readonly recorder: OperatorRecorder
  /** What came of it could not be put on record. It is done, or refused, all the same; that it was begun is on record. */
  readonly troubled: (error: PlimsollError) => void
}

/** What is wrong with the request, not with the host. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'BASELINE_NOT_FOUND',
  'BASELINE_CONFLICT',
  'CONTENT_CHANGED',
  'DECISIONS_FULL',
  'IMAGES_DIFFER',
  'ITEM_UNKNOWN',
  'LEARNING_FIXED',
])

/**
 * What `work` gives. Rejects with `AUDIT_UNWRITABLE` before `work` if the intent cannot be put on record, else as `work` does.
 * `detailsOf` says what is noted of what was done.
 */
export async function onRecord<T>(
  { recorder, troubled }: OnRecord,
  intent: OperatorIntent,
  work: () => Promise<T>,
  detailsOf: (done: T) => Readonly<Record<string, unknown>>,
): Promise<T> {
  const action = await recorder.begin(intent)
  const end = async (
    outcome: OperatorOutcome,
    details: Readonly<Record<string, unknown>>,
  ): Promise<void> => {
    try {
      await action.end(outcome, details)
    } catch (thrown) {
      troubled(asPlimsollError(thrown))
    }
  }
  let done: T
  try {
    done = await work()
  } catch (thrown) {
    const { code, message } = asPlimsollError(thrown)
    await end(REFUSALS.has(code) ? 'refused' : 'failed', { code, problem: message })
    throw thrown
  }
  await end('done', detailsOf(done))
  return done
}
