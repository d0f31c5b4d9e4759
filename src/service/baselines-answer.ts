/** How handlers answer: with what they were asked for, or with the status of what was thrown. */
import { statusOf } from './status.js'

type Answer<Response> = (
  error: ReturnType<typeof statusOf> | null,
  response?: Response | null,
) => void

/** Answers once the work is done. Never throws. */
export function answered<Response>(work: Promise<Response>, answer: Answer<Response>): void {
  work.then(
    (response) => answer(null, response),
    (thrown: unknown) => answer(statusOf(thrown)),
  )
}
