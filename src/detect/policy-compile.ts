/**
 * A policy that answers: which of its rules speaks on what was done, what is done about it, and who is left alone. Made once
 * per policy; it has no state but its rules. Pure.
 */
import {
  type AnomalyKind,
  kindOf,
  type Layer,
  SEVERITIES,
  type Severity,
  type Subject,
} from './anomaly.js'
import { isArgumentText, parseArguments, parseCalls } from './policy-calls.js'
import { CompiledMatch, tested } from './policy-match.js'
import {
  parseWorkloadValue,
  type PolicyScope,
  type WorkloadScope,
  type WorkloadTest,
} from './policy-scope.js'
import type { Action, Policy, PolicyRule } from './policy.js'

/** The layers that have rules, in the order in which they are asked. */
export const RULE_LAYERS = ['hard-deny', 'deny', 'allow'] as const satisfies readonly Layer[]
export type RuleLayer = (typeof RULE_LAYERS)[number]

/** A rule that spoke. */
export interface Verdict {
  readonly layer: RuleLayer
  readonly rule: string
}

export interface CompiledRule {
  readonly verdict: Verdict
  readonly match: CompiledMatch
}

/** Throws a `TypeError` for a policy that `policy-read` refuses. */
export function compilePolicy(policy: Policy): CompiledPolicy {
  return new CompiledPolicy(policy)
}

export class CompiledPolicy {
  readonly policy: Policy
  /** In the order in which they are asked: by layer, then as they are written. */
  readonly rules: readonly CompiledRule[]
  readonly #byKind: ReadonlyMap<AnomalyKind, readonly CompiledRule[]>
  readonly #severity: readonly { readonly match: CompiledMatch; readonly is: Severity }[]
  readonly #protected: readonly WorkloadTest[]
  readonly #neverLearned: (subject: Subject) => boolean

  constructor(policy: Policy) {
    this.policy = policy
    this.rules = [
      ...compiled('hard-deny', policy.hardDeny),
      ...compiled('deny', policy.deny),
      ...compiled('allow', policy.allow),
    ]
    const kinds = new Set(this.rules.flatMap(({ match }) => [...match.kinds]))
    this.#byKind = new Map(
      [...kinds].map((kind) => [kind, this.rules.filter(({ match }) => match.kinds.has(kind))]),
    )
    this.#severity = policy.severity.map((override) => ({
      match: new CompiledMatch(override, true),
      is: override.is,
    }))
    this.#protected = (['images', 'containers'] as const).flatMap((field) =>
      policy.protected[field].map((text) => tested(parseWorkloadValue(field, text))),
    )
    this.#neverLearned = neverLearnedTest(policy.neverLearn)
  }

  /** The rules about that kind, in order. */
  rulesOf(kind: AnomalyKind): readonly CompiledRule[] {
    return this.#byKind.get(kind) ?? []
  }

  /**
   * The first rule that speaks: hard deny before deny before allow, in each as they are written; undefined where none does.
   * O(rules of the kind).
   */
  decide(subject: Subject, scope: PolicyScope): Verdict | undefined {
    return this.rulesOf(kindOf(subject)).find(({ match }) => match.matches(subject, scope))?.verdict
  }

  /** What is to be done about an anomaly, before it is known whether its container is protected. */
  responseTo(severity: Severity, kind: AnomalyKind): Action {
    const rank = SEVERITIES.indexOf(severity)
    const found = this.policy.responses.find(
      (response) =>
        (response.kind?.includes(kind) ?? true) &&
        rank >= SEVERITIES.indexOf(response.severity ?? 'info'),
    )
    return found?.action ?? 'alert'
  }

  /** Whether nothing may be done to the container. One whose names are not known may be one of those, so it is. */
  isProtected(scope: WorkloadScope): boolean {
    return this.#protected.some((test) => test(scope) ?? true)
  }

  /** What an override says of the severity; undefined where none matches. */
  severityOf(subject: Subject, scope: PolicyScope): Severity | undefined {
    return this.#severity.find(({ match }) => match.matches(subject, scope))?.is
  }

  /**
   * Whether the policy's own list keeps it from being learned. The list that always holds is in `kernel/never-learned`.
   */
  isNeverLearned(subject: Subject): boolean {
    return this.#neverLearned(subject)
  }
}

function compiled(layer: RuleLayer, rules: readonly PolicyRule[]): readonly CompiledRule[] {
  return rules.map((rule) => ({
    verdict: { layer, rule: rule.name },
    match: new CompiledMatch(rule, layer !== 'allow'),
  }))
}

/** The calls and arguments of the list, in every ABI where none is named. */
function neverLearnedTest(texts: readonly string[]): (subject: Subject) => boolean {
  const reading = { denies: true, hasAbis: false }
  const calls = texts
    .filter((text) => !isArgumentText(text))
    .map((text) => tested(parseCalls(text, reading)))
  const values = texts.filter(isArgumentText).map((text) => tested(parseArguments(text, reading)))
  return (subject) => {
    if (subject.kind === 'syscall') return calls.some((test) => test(subject.abi, subject.nr))
    if (subject.kind !== 'argument') return false
    const { abi, nr, value } = subject
    return calls.some((test) => test(abi, nr)) || values.some((test) => test(abi, nr, value))
  }
}
