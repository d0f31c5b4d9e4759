/** Has things done that are on record before and afterwards. */
import { asPlimsollError, type PlimsollError } from '../../errors.js'
import { recordedFailure } from './outcome.js'
import type { OperatorIntent, OperatorOutcome, OperatorRecorder } from './recorder.js'

/** What came of it, as the operator log has it. */
export type Told = readonly [OperatorOutcome, Readonly<Record<string, unknown>>]

/**
 * Puts the intent on record, does `work`, and puts on record what came of it. Rejects with `AUDIT_UNWRITABLE` before anything is done,
 * or with what `work` rejects with. If it is done and that cannot be put on record any more, `unrecorded` is told and the result
 * stands: the record then has a beginning without an end.
 */
export async function recorded<Result>(
  recorder: OperatorRecorder,
  intent: OperatorIntent,
  work: () => Promise<Result>,
  told: (result: Result) => Told,
  unrecorded: (error: PlimsollError) => void,
): Promise<Result> {
  const begun = await recorder.begin(intent)
  const end = async (...[outcome, details]: Told): Promise<void> => {
    await begun.end(outcome, details).catch((thrown: unknown) => {
      unrecorded(asPlimsollError(thrown))
    })
  }
  let result: Result
  try {
    result = await work()
  } catch (thrown) {
    await end(...recordedFailure(asPlimsollError(thrown)))
    throw thrown
  }
  await end(...told(result))
  return result
}
