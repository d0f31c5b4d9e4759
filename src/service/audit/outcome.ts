/** What came of actions, as the operator log has it. Pure. */
import { type PlimsollError } from '../../errors.js'
import type { ResponseResult } from '../../respond/request.js'
import type { OperatorOutcome } from './recorder.js'

/** Outcome and details of a response. */
export function recordedAs(
  result: ResponseResult,
): readonly [OperatorOutcome, Readonly<Record<string, unknown>>] {
  const { outcome, incident, detail, containerId, frozenAfterMs, manifestSha256 } = result
  const details = { outcome, incident, containerId, detail, frozenAfterMs, manifestSha256 }
  switch (outcome) {
    case 'done':
    case 'partly':
    case 'already':
    case 'dry-run':
      return ['done', details]
    case 'refused':
    case 'limited':
      return ['refused', details]
    case 'failed':
      return ['failed', details]
  }
}

/** INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS, PERMISSION_DENIED, FAILED_PRECONDITION. */
const REFUSALS = [3, 5, 6, 7, 9]

/** Outcome and details of what was not done: `refused` where the request was at fault. */
export function recordedFailure({
  code,
  grpc,
  message,
}: PlimsollError): readonly [OperatorOutcome, Readonly<Record<string, unknown>>] {
  const isOfHost = /_UN(?:READ|WRIT)ABLE$/.test(code)
  const outcome = REFUSALS.includes(grpc) && !isOfHost ? 'refused' : 'failed'
  return [outcome, { code, problem: message }]
}
