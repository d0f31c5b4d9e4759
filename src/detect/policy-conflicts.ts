/**
 * What a policy says without effect, or with more effect than may be meant: for warnings. Only what is sure is told: a rule
 * that several others shadow together is not found. Pure.
 */
import { SEVERITIES } from './anomaly.js'
import type { AnomalyKind } from './anomaly.js'
import { compilePolicy, type CompiledRule } from './policy-compile.js'
import { SUBJECT_FIELDS } from './policy-fields.js'
import { kindsOf } from './policy-kinds.js'
import { openedBy } from './policy-opened.js'
import type { FieldPath } from './policy-problem.js'
import { SCOPE_FIELDS } from './policy-scope.js'
import type { Policy, PolicyMatch, PolicyResponse } from './policy.js'

export interface Warning {
  readonly path: FieldPath
  readonly problem: string
  readonly expected: string
}

const MATCH_FIELDS = [...SCOPE_FIELDS, ...SUBJECT_FIELDS] as const
type MatchField = (typeof MATCH_FIELDS)[number]

/** Kinds of which the sensor tells the program that was first only: the kernel counts them without one. */
const COUNTED: readonly AnomalyKind[] = [
  'syscall',
  'argument',
  'abi',
  'denied',
  'capability',
  'io_uring',
]

/** The warnings, in no order. O(rules squared) at worst, some comparisons of words each. */
export function warningsOf(policy: Policy): readonly Warning[] {
  const compiled = compilePolicy(policy)
  const entries = [
    ...policy.hardDeny.map((match, at) => entryOf(['hardDeny', at], match, true)),
    ...policy.deny.map((match, at) => entryOf(['deny', at], match, true)),
    ...policy.allow.map((match, at) => entryOf(['allow', at], match, false)),
  ]
  const overrides = policy.severity.map((match, at) => entryOf(['severity', at], match, true))
  return [
    ...shadowed(entries, (at) => `the rule ${compiled.rules[at]?.verdict.rule}`),
    ...shadowed(overrides, (at) => `severity[${at}]`),
    ...shadowedResponses(policy.responses),
    ...entries.flatMap((entry, at) => ofOneRule(entry, compiled.rules[at])),
    ...entries.flatMap(({ path, denies }, at) =>
      denies ? [] : openingWarnings(path, openedBy(compiled, compiled.rules[at])),
    ),
  ]
}

interface Entry {
  readonly path: FieldPath
  readonly match: PolicyMatch
  readonly denies: boolean
  readonly kinds: ReadonlySet<AnomalyKind>
  readonly values: ReadonlyMap<MatchField, ReadonlySet<string>>
}

function entryOf(path: FieldPath, match: PolicyMatch, denies: boolean): Entry {
  const found = kindsOf(match, denies)
  const values = MATCH_FIELDS.flatMap((field) => {
    const texts = match[field]
    return texts === undefined ? [] : [[field, new Set(texts)] as const]
  })
  return {
    path,
    match,
    denies,
    kinds: new Set('kinds' in found ? found.kinds : []),
    values: new Map(values),
  }
}

function shadowed(entries: readonly Entry[], nameOf: (at: number) => string): readonly Warning[] {
  const earlier = new EarlierEntries()
  const warnings: Warning[] = []
  for (const [at, entry] of entries.entries()) {
    const by = earlier.firstThatCovers(entry)
    if (by !== undefined) {
      const problem = `can never speak: ${nameOf(by)} does before it`
      warnings.push({ path: entry.path, problem, expected: '' })
    }
    earlier.add(entry, at)
  }
  return warnings
}

/** Entries by the values of one of their fields: one that covers another has the other's values in it. */
class EarlierEntries {
  readonly #byValue = new Map<string, { readonly entry: Entry; readonly at: number }[]>()

  add(entry: Entry, at: number): void {
    const [field, values] = [...entry.values].at(-1) ?? ['', new Set([''])]
    for (const value of values) {
      const key = `${field} ${value}`
      const listed = this.#byValue.get(key)
      if (listed === undefined) this.#byValue.set(key, [{ entry, at }])
      else listed.push({ entry, at })
    }
  }

  firstThatCovers(entry: Entry): number | undefined {
    const keys = [' ', ...[...entry.values].map(([field, values]) => `${field} ${[...values][0]}`)]
    const found = keys.flatMap((key) => {
      const first = this.#byValue.get(key)?.find((other) => covers(other.entry, entry))
      return first === undefined ? [] : [first.at]
    })
    return found.length === 0 ? undefined : Math.min(...found)
  }
}

/** Whether `wide` matches whatever `narrow` matches: each of its fields is in the other too, with no other values. */
function covers(wide: Entry, narrow: Entry): boolean {
  for (const kind of narrow.kinds) if (!wide.kinds.has(kind)) return false
  // Where a rule allows, naming ABIs changes what its names mean.
  if (!wide.denies && wide.values.has('abis') !== narrow.values.has('abis')) return false
  for (const [field, values] of wide.values) {
    const others = narrow.values.get(field)
    if (others === undefined) return false
    for (const value of others) if (!values.has(value)) return false
  }
  return true
}

function shadowedResponses(responses: readonly PolicyResponse[]): readonly Warning[] {
  const rank = ({ severity = 'info' }: PolicyResponse): number => SEVERITIES.indexOf(severity)
  return responses.flatMap((response, at) => {
    const by = responses.findIndex(
      (other, earlier) =>
        earlier < at &&
        rank(other) <= rank(response) &&
        (other.kind === undefined ||
          (response.kind?.every((kind) => other.kind?.includes(kind)) ?? false)),
    )
    if (by < 0) return []
    const problem = `is never come to: responses[${by}] is about all of it`
    return [{ path: ['responses', at], problem, expected: 'the worse severity first' }]
  })
}

function ofOneRule(entry: Entry, rule: CompiledRule | undefined): readonly Warning[] {
  const { path, match, denies, kinds } = entry
  const counted = COUNTED.filter((kind) => kinds.has(kind))
  if (denies && match.programs !== undefined && counted.length > 0) {
    return [
      {
        path: [...path, 'programs'],
        problem: `speaks only where the program is known, and of kind ${counted.join(', ')} that is the first one only`,
        expected: '',
      },
    ]
  }
  if (!denies && entry.values.size === 0 && rule !== undefined) {
    const problem = `allows every ${[...kinds].join(' and ')} of every image`
    return [{ path, problem, expected: '' }]
  }
  return []
}

/** Most that are named in one warning. */
const NAMED = 4

function openingWarnings(path: FieldPath, opened: readonly string[]): readonly Warning[] {
  if (opened.length === 0) return []
  const more = opened.length > NAMED ? ` and ${opened.length - NAMED} more` : ''
  const problem = `opens what is never learned: ${opened.slice(0, NAMED).join(', ')}${more}`
  return [{ path, problem, expected: '' }]
}
