/**
 * A policy out of the text of its file, or everything that is wrong with that text, each with its place. Pure: who reads the
 * file is `engine/policy-file`.
 */
import type { z } from 'zod'
import { describedValue } from './policy-leaf.js'
import { readDocument, type SourceDocument } from './policy-document.js'
import { warningsOf } from './policy-conflicts.js'
import {
  type FieldPath,
  fieldText,
  type PolicyProblem,
  PROBLEM_LIMIT,
  shown,
} from './policy-problem.js'
import { POLICY_SCHEMA, policyKeys } from './policy-schema.js'
import { suggested } from './policy-suggest.js'
import { type Policy, RULE_LIMIT } from './policy.js'

export interface ReadPolicy {
  /** Undefined where a problem is an error. */
  readonly policy: Policy | undefined
  /** Errors, or else warnings, in the order of the file. */
  readonly problems: readonly PolicyProblem[]
}

const LISTS = ['hardDeny', 'deny', 'allow'] as const

/** Reads the text. Never throws. */
export function readPolicy(text: string): ReadPolicy {
  const read = readWith(text, POLICY_SCHEMA, policyKeys, 'version: 1', ruleProblems)
  if ('problems' in read) return { policy: undefined, problems: read.problems }
  const { value, document } = read
  return {
    policy: value,
    problems: inOrder(
      warningsOf(value)
        .slice(0, PROBLEM_LIMIT)
        .map((warning) => located(document, warning, 'warning')),
    ),
  }
}

/** A problem of a document, before its place in the file is known. */
export interface FieldProblem {
  readonly path: FieldPath
  readonly problem: string
  readonly expected: string
}

/**
 * The document in `text` as `schema` has it, or all errors in the order of the file. `keysAt` lists the keys of mappings,
 * `more` finds what no schema can, in the value as it was written. Never throws.
 */
export function readWith<Value>(
  text: string,
  schema: z.ZodType<Value>,
  keysAt: (path: FieldPath) => readonly string[],
  firstLine: string,
  more: (value: unknown) => readonly FieldProblem[],
):
  | { readonly value: Value; readonly document: SourceDocument }
  | { readonly problems: readonly PolicyProblem[] } {
  const read = readDocument(text)
  if ('problems' in read) return read
  const { document } = read
  if (document.value === undefined) {
    const expected = `${firstLine} and what else it is to say`
    return { problems: [located(document, { path: [], problem: 'is empty', expected }, 'error')] }
  }
  const found = schema.safeParse(document.value)
  const problems = [
    ...toldIssues(found.success ? [] : found.error.issues)
      .slice(0, PROBLEM_LIMIT)
      .flatMap((issue) => problemsOf(document, issue, keysAt)),
    ...more(document.value).map((problem) => located(document, problem, 'error')),
  ]
  if (!found.success || problems.length > 0) {
    return { problems: inOrder(problems).slice(0, PROBLEM_LIMIT) }
  }
  return { value: found.data, document }
}

/** Those that tell something: what a mapping lacks as a whole may be what its misspelt keys were to say. */
function toldIssues(issues: readonly z.core.$ZodIssue[]): readonly z.core.$ZodIssue[] {
  const misspelt = new Set(
    issues.filter(({ code }) => code === 'unrecognized_keys').map(({ path }) => path.join('.')),
  )
  return issues.filter(({ code, path }) => code !== 'custom' || !misspelt.has(path.join('.')))
}

function problemsOf(
  document: SourceDocument,
  issue: z.core.$ZodIssue,
  keysAt: (path: FieldPath) => readonly string[],
): readonly PolicyProblem[] {
  const path = issue.path.filter((step) => typeof step !== 'symbol')
  if (issue.code === 'unrecognized_keys') {
    const keys = issue.keys.slice(0, PROBLEM_LIMIT)
    return keys.map((key) => unknownKey(document, path, key, keysAt(path)))
  }
  const given: unknown = issue.code === 'custom' ? issue.params?.['problem'] : undefined
  const problem = typeof given === 'string' ? given : describedValue(valueAt(document.value, path))
  return [located(document, { path, problem, expected: issue.message }, 'error')]
}

/** Words that other tools or a first guess have for a field. */
const OTHER_WORDS: Readonly<Record<string, string>> = {
  cidr: 'addresses',
  cidrs: 'addresses',
  ip: 'addresses',
  ips: 'addresses',
  files: 'paths',
  binaries: 'programs',
  kinds: 'kind',
  capability: 'capabilities',
  id: 'name',
  rule: 'name',
  description: 'reason',
  minSeverity: 'severity',
  response: 'responses',
}

function unknownKey(
  document: SourceDocument,
  path: FieldPath,
  key: string,
  keys: readonly string[],
): PolicyProblem {
  const other = Object.hasOwn(OTHER_WORDS, key) ? OTHER_WORDS[key] : undefined
  const hint =
    other !== undefined && keys.includes(other) ? ` (did you mean ${other}?)` : suggested(key, keys)
  return {
    severity: 'error',
    ...document.placeOf(path, key),
    field: fieldText([...writtenPath(document.value, path), key]),
    problem: `is unknown${hint}`,
    expected: `one of ${keys.join(', ')}`,
  }
}

/** The problem with its place in the file. */
function located(
  document: SourceDocument,
  { path, problem, expected }: FieldProblem,
  severity: PolicyProblem['severity'],
): PolicyProblem {
  const written = writtenPath(document.value, path)
  return { severity, ...document.placeOf(written), field: fieldText(written), problem, expected }
}

/** The path without the place in a list where a single value stands for a list of one. */
function writtenPath(value: unknown, path: FieldPath): FieldPath {
  const last = path.at(-1)
  if (last !== 0) return path
  return Array.isArray(valueAt(value, path.slice(0, -1))) ? path : path.slice(0, -1)
}

function valueAt(value: unknown, path: FieldPath): unknown {
  let found = value
  for (const step of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) return undefined
    found = (found as Readonly<Record<string | number, unknown>>)[step]
  }
  return found
}

/** Names that are there twice, and too many rules: what concerns several rules. */
function ruleProblems(value: unknown): readonly FieldProblem[] {
  const problems: FieldProblem[] = []
  const seen = new Map<string, string>()
  let count = 0
  for (const list of LISTS) {
    const rules = valueAt(value, [list])
    if (!Array.isArray(rules)) continue
    count += rules.length
    for (const at of rules.slice(0, RULE_LIMIT).keys()) {
      const path = [list, at, 'name']
      const name = valueAt(value, path)
      if (typeof name !== 'string') continue
      const first = seen.get(name)
      if (first === undefined) seen.set(name, fieldText([list, at]))
      else {
        const problem = `${shown(name)} is the name of ${first} already`
        problems.push({ path, problem, expected: 'a name of its own' })
      }
    }
  }
  if (count > RULE_LIMIT) {
    const problem = `has ${count} rules in hardDeny, deny and allow`
    problems.push({ path: [], problem, expected: `at most ${RULE_LIMIT}` })
  }
  return problems
}

function inOrder(problems: readonly PolicyProblem[]): readonly PolicyProblem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column)
}
