/**
 * What another policy would say of anomalies that were told: each is made from its message again, as far as the message has the
 * facts, and asked about as if it happened now. Pure, but for the reading of the messages.
 */
import type { CompiledPolicy } from '../detect/policy-compile.js'
import { decisionOf } from '../detect/policy-decision.js'
import { type HeldTo, allows } from '../detect/held-to.js'
import { policyScopeOf, workloadScopeOf } from '../detect/policy-scope.js'
import type { Policy, PolicyMatch } from '../detect/policy.js'
import type { plimsoll } from '../gen/plimsoll.js'
import { factsOfMessage } from './anomaly-of-message.js'

export interface Rejudging {
  readonly policy: CompiledPolicy
  /** What the sealed baseline of the image says now; undefined where it has none. */
  readonly sealedOf: (digest: string) => HeldTo | undefined
}

export interface Allowed {
  /** The first ones. */
  readonly ids: readonly string[]
  readonly count: number
  /** Why it may be otherwise; one line each. */
  readonly warnings: readonly string[]
}

const IDS = 100
/** Messages that are judged before others get their turn. */
const AT_ONCE = 200

/** Those of the anomalies that the policy would allow. What cannot be told for certain counts as not allowed, and is warned of. */
export async function allowedAmong(
  anomalies: AsyncIterable<plimsoll.v1.Anomaly.$Properties>,
  { policy, sealedOf }: Rejudging,
): Promise<Allowed> {
  const ids: string[] = []
  const warnings: string[] = []
  let count = 0
  let unread = 0
  let judged = 0
  for await (const message of anomalies) {
    if (++judged % AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve))
    const facts = factsOfMessage(message)
    if (facts === undefined) {
      unread++
      continue
    }
    const { subject, workload, process } = facts
    const scope = policyScopeOf(workloadScopeOf(workload, undefined), process)
    const held = sealedOf(workload.imageDigest)
    const { allowed } = decisionOf(
      policy,
      (one) => held !== undefined && allows(held, policy, one),
      subject,
      scope,
    )
    if (!allowed) continue
    count++
    if (ids.length < IDS) ids.push(message.id ?? '')
  }
  if (judged > 0 && rulesOf(policy.policy).some(({ labels }) => labels !== undefined)) {
    warnings.push(
      'kept anomalies do not tell the labels of their containers: rules with labels count as denying where they deny, and as not allowing where they allow',
    )
  }
  if (unread > 0) {
    warnings.push(`${unread} kept anomalies were not judged anew: they lack facts of their kind`)
  }
  return { ids, count, warnings }
}

function rulesOf({ hardDeny, deny, allow }: Policy): readonly PolicyMatch[] {
  return [...hardDeny, ...deny, ...allow]
}
