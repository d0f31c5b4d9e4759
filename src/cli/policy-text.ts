/** A policy for people and for programs, as it takes effect. Pure. */
import type { CompiledPolicy } from '../detect/policy-compile.js'
import { SUBJECT_FIELDS } from '../detect/policy-fields.js'
import { SCOPE_FIELDS } from '../detect/policy-scope.js'
import type { Policy, PolicyMatch, PolicyResponse, PolicyRule } from '../detect/policy.js'
import { quoted } from '../errors.js'
import { table } from './table.js'

/** The policy with its rules in one list, in the order in which they are asked, each with the kinds that it is about. */
export function policyView(policy: Policy, compiled: CompiledPolicy): unknown {
  const written = [...policy.hardDeny, ...policy.deny, ...policy.allow]
  const { version, neverLearn, severity, responses, unknownImages } = policy
  return {
    version,
    rules: compiled.rules.map(({ verdict, match }, at) => ({
      layer: verdict.layer,
      ...written[at],
      kind: [...match.kinds],
    })),
    neverLearn,
    severity,
    responses,
    protected: policy.protected,
    unknownImages,
  }
}

/** The same in lines. */
export function policyText(policy: Policy, compiled: CompiledPolicy): string {
  const written: readonly PolicyRule[] = [...policy.hardDeny, ...policy.deny, ...policy.allow]
  const rows = compiled.rules.map(({ verdict, match }, at) => [
    verdict.layer,
    verdict.rule,
    [...match.kinds].join(','),
    quoted(conditionsOf(written[at])),
  ])
  const lines = [
    ...policy.severity.map((override) => {
      const kind = override.kind === undefined ? '' : `${override.kind.join(',')} `
      return `severity: ${override.is} for ${kind}${conditionsOf(override)}`
    }),
    ...policy.responses.map((response) => `response: ${responseText(response)}`),
    ...(policy.responses.some(isAboutAll) ? [] : ['response: alert for everything else']),
    `never learned: ${listText(policy.neverLearn, 'nothing beside what never is')}`,
    `protected images: ${listText(policy.protected.images, 'none')}`,
    `protected containers: ${listText(policy.protected.containers, 'none')}`,
    `images without a sealed baseline: ${policy.unknownImages}`,
  ]
  const head = ['LAYER', 'RULE', 'KIND', 'CONDITIONS']
  const rules = rows.length === 0 ? 'no rules\n' : table(head, rows)
  return `${rules}\n${lines.map((line) => `${quoted(line)}\n`).join('')}`
}

function conditionsOf(match: PolicyMatch | undefined): string {
  const parts = [...SCOPE_FIELDS, ...SUBJECT_FIELDS].flatMap((field) => {
    const values = match?.[field]
    return values === undefined ? [] : [`${field} ${values.join(', ')}`]
  })
  return parts.join('; ')
}

function isAboutAll({ kind, severity = 'info' }: PolicyResponse): boolean {
  return kind === undefined && severity === 'info'
}

function responseText({ action, severity, kind }: PolicyResponse): string {
  const kinds = kind === undefined ? 'everything' : kind.join(', ')
  return `${action} for ${kinds}${severity === undefined ? '' : ` from ${severity} up`}`
}

function listText(values: readonly string[], none: string): string {
  return values.length === 0 ? none : values.join(', ')
}
