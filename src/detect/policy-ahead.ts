/**
 * What a policy says of an act before it is known which program does it. Pure. Two questions need it: whether the hot path may
 * let a key pass that no list has, and whether what was said of one program holds for the next.
 */
import { itemOfKey } from '../baseline/item-key.js'
import { LINEAGES } from '../observation.js'
import { ANOMALY_KINDS, kindOf, type Subject } from './anomaly.js'
import { KIND_CODE } from './fact-code.js'
import type { ContainerHandle } from './handles.js'
import type { CompiledPolicy, Verdict } from './policy-compile.js'
import type { PolicyScope, WorkloadScope } from './policy-scope.js'
import type { Permits } from './roster.js'

/**
 * The rule that speaks whoever does it, or `ask` if that depends on the program; undefined where none speaks. Where several
 * rules allow it, one of them, not always the first. O(rules of the kind).
 */
export function verdictAhead(
  policy: CompiledPolicy,
  subject: Subject,
  scope: WorkloadScope & Pick<PolicyScope, 'lineage'>,
): Verdict | 'ask' | undefined {
  let isOpen = false
  for (const { match, verdict } of policy.rulesOf(kindOf(subject))) {
    if (!match.fits(subject) || !match.isAbout(scope.lineage) || !match.appliesTo(scope)) continue
    if (match.isDecidedBy(scope.lineage)) return verdict
    if (verdict.layer !== 'allow') return 'ask'
    // A later rule may allow it to everybody; one that denies does not follow.
    isOpen = true
  }
  return isOpen ? 'ask' : undefined
}

/** Whether some rule that denies is about such an act, in whatever container and by whatever program. */
export function mayDeny(policy: CompiledPolicy, subject: Subject): boolean {
  return policy
    .rulesOf(kindOf(subject))
    .some(({ verdict, match }) => verdict.layer !== 'allow' && match.fits(subject))
}

/** What the hot path lets pass because a rule allows it to every program of the container. */
export class PolicyPermits implements Permits {
  policy: CompiledPolicy
  readonly #scopeOf: (container: ContainerHandle) => WorkloadScope | undefined

  constructor(
    policy: CompiledPolicy,
    scopeOf: (container: ContainerHandle) => WorkloadScope | undefined,
  ) {
    this.policy = policy
    this.#scopeOf = scopeOf
  }

  allowsKey(container: ContainerHandle, lineage: number, kind: number, key: string): boolean {
    const name = ANOMALY_KINDS[kind]
    const from = LINEAGES[lineage]
    // Most policies say nothing of most kinds: then no key is read.
    if (name === undefined || this.policy.rulesOf(name).length === 0) return false
    if (from === undefined || from === 'unknown') return false
    const scope = this.#scopeOf(container)
    const subject = subjectOfKey(kind, key)
    if (scope === undefined || subject === undefined) return false
    const verdict = verdictAhead(this.policy, subject, { ...scope, lineage: from })
    return verdict !== undefined && verdict !== 'ask' && verdict.layer === 'allow'
  }
}

/** The subject that a key of the matcher names, as that kind; see `fact-code`. */
function subjectOfKey(kind: number, key: string): Subject | undefined {
  const item = itemOfKey(key)
  switch (item?.kind) {
    case 'exec':
      return {
        ...item,
        upper: kind === KIND_CODE.drift,
        fileless: kind === KIND_CODE.fileless,
      }
    case 'connect':
    case 'listen':
      return item
    case 'syscall':
    case 'argument':
    case 'capability':
    case 'io_uring':
    case undefined:
      return undefined
  }
}
