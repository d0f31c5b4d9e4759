/**
 * allowed = hard deny, then deny, then allow, then the sealed baseline, then default: the whole formula, in the one place
 * where it is written down. Pure.
 */
import type { Decision, Subject } from './anomaly.js'
import type { CompiledPolicy } from './policy-compile.js'
import type { PolicyScope } from './policy-scope.js'

export interface Judgement {
  readonly decision: Decision
  readonly allowed: boolean
}

const BY_BASELINE: Judgement = { decision: { layer: 'baseline', rule: '' }, allowed: true }
const BY_DEFAULT: Judgement = { decision: { layer: 'default', rule: '' }, allowed: false }

/**
 * Who decides on the act, and how. `isInBaseline` is asked only where no rule speaks; it is to say no where the image has no
 * sealed baseline, and of what is never learned unless a person approved it.
 */
export function decisionOf(
  policy: CompiledPolicy,
  isInBaseline: (subject: Subject) => boolean,
  subject: Subject,
  scope: PolicyScope,
): Judgement {
  const verdict = policy.decide(subject, scope)
  if (verdict !== undefined) return { decision: verdict, allowed: verdict.layer === 'allow' }
  return isInBaseline(subject) ? BY_BASELINE : BY_DEFAULT
}
