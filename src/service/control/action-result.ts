/** Results of responses as messages. Pure. */
import type { plimsoll } from '../../gen/plimsoll.js'
import type { ResponseResult } from '../../respond/request.js'

/** The result as `ActionResult` has it. */
export function actionResultOf(result: ResponseResult): plimsoll.v1.ActionResult.$Properties {
  const { incident, action, outcome, containerId, actor, reason, detail, steps } = result
  const { frozenAfterMs, directory = '', manifestSha256 = '' } = result
  return {
    incident,
    action,
    outcome,
    containerId,
    actor,
    reason,
    detail,
    steps: steps.map((step) => ({
      step: step.step,
      outcome: step.outcome,
      detail: step.detail,
      tookMs: step.tookMs,
    })),
    ...(frozenAfterMs === undefined ? {} : { frozenAfterMs }),
    directory,
    manifestSha256,
  }
}
