/**
 * The shape of a policy file. Every message of the schema says what is expected; what is there instead comes from the value
 * (`policy-leaf`) or from whoever reads the file. Pure.
 */
import { z } from 'zod'
import { ANOMALY_KINDS, SEVERITIES } from './anomaly.js'
import { isArgumentText, parseArguments, parseCalls } from './policy-calls.js'
import { FIELDS, SUBJECT_FIELDS, type SubjectField } from './policy-fields.js'
import { kindsOf } from './policy-kinds.js'
import { leaf, listOf, listOfAny, oneOf } from './policy-leaf.js'
import type { FieldPath } from './policy-problem.js'
import { lineageProblem, parseProgram, parseWorkloadValue, SCOPE_EXPECTED } from './policy-scope.js'
import {
  ACTIONS,
  type Policy,
  type PolicyMatch,
  REASON_CHARACTERS,
  RULE_LIMIT,
  UNKNOWN_IMAGES,
  VALUE_LIMIT,
} from './policy.js'

const READING = { denies: true, hasAbis: false }

const NUMERIC: readonly SubjectField[] = ['ports', 'capabilities', 'opcodes']

export const KIND = oneOf(ANOMALY_KINDS, `one of ${ANOMALY_KINDS.join(', ')}`)
export const SEVERITY = oneOf(SEVERITIES, `one of ${SEVERITIES.join(', ')}`)

const SUBJECT_SHAPE = Object.fromEntries(
  SUBJECT_FIELDS.map((field) => {
    const { expected, parse } = FIELDS[field]
    const value = leaf({
      expected,
      problemOf: (text) => problemIn(parse(text, READING)),
      isNumeric: NUMERIC.includes(field),
    })
    return [field, listOf(value, VALUE_LIMIT).optional()]
  }),
) as Record<SubjectField, z.ZodOptional<z.ZodType<string[]>>>

const LINEAGE = leaf({ expected: SCOPE_EXPECTED.lineages, problemOf: lineageProblem })

const PROGRAM = leaf({
  expected: SCOPE_EXPECTED.programs,
  problemOf: (text) => problemIn(parseProgram(text)),
})

/** The conditions that rules have in common. */
export const MATCH_SHAPE = {
  kind: listOf(KIND, ANOMALY_KINDS.length).optional(),
  images: listOf(workloadValue('images'), VALUE_LIMIT).optional(),
  containers: listOf(workloadValue('containers'), VALUE_LIMIT).optional(),
  labels: listOf(workloadValue('labels'), VALUE_LIMIT).optional(),
  lineages: listOf(LINEAGE, VALUE_LIMIT).optional(),
  programs: listOf(PROGRAM, VALUE_LIMIT).optional(),
  ...SUBJECT_SHAPE,
}

const RULE_SHAPE = {
  name: leaf({
    expected: 'a name of letters, digits, - _ and ., at most 64',
    problemOf: (text) =>
      /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text) ? undefined : 'is no name',
  }),
  reason: leaf({
    expected: 'one line of text',
    problemOf: () => undefined,
    most: REASON_CHARACTERS,
  }).optional(),
  ...MATCH_SHAPE,
}

const OVERRIDE_SHAPE = { is: SEVERITY, ...MATCH_SHAPE }

const RESPONSE_SHAPE = {
  kind: listOf(KIND, ANOMALY_KINDS.length).optional(),
  severity: SEVERITY.optional(),
  action: oneOf(ACTIONS, `one of ${ACTIONS.join(', ')}`),
}

const PROTECTED_SHAPE = {
  images: listOfAny(workloadValue('images'), VALUE_LIMIT),
  containers: listOfAny(workloadValue('containers'), VALUE_LIMIT),
}

const NEVER_LEARN = leaf({
  expected:
    'a system call such as ptrace, a group such as @host-wide, or an argument such as socket:AF_KEY',
  problemOf: (text) =>
    problemIn(isArgumentText(text) ? parseArguments(text, READING) : parseCalls(text, READING)),
})

const POLICY_SHAPE = {
  version: z.literal(1, { error: 'version: 1, the only one there is' }),
  hardDeny: rules(true),
  deny: rules(true),
  allow: rules(false),
  neverLearn: section(NEVER_LEARN, VALUE_LIMIT),
  severity: section(matching(OVERRIDE_SHAPE, true), RULE_LIMIT),
  responses: section(object(RESPONSE_SHAPE), RULE_LIMIT),
  protected: z.preprocess((given) => given ?? {}, object(PROTECTED_SHAPE)),
  unknownImages: oneOf(UNKNOWN_IMAGES, `one of ${UNKNOWN_IMAGES.join(', ')}`).default('alert'),
}

export const POLICY_SCHEMA: z.ZodType<Policy> = object(POLICY_SHAPE)

/** The keys that the mapping at the path may have. */
export function policyKeys(path: FieldPath): readonly string[] {
  switch (path[0]) {
    case undefined:
      return Object.keys(POLICY_SHAPE)
    case 'severity':
      return Object.keys(OVERRIDE_SHAPE)
    case 'responses':
      return Object.keys(RESPONSE_SHAPE)
    case 'protected':
      return Object.keys(PROTECTED_SHAPE)
    default:
      return Object.keys(RULE_SHAPE)
  }
}

/** A mapping of this shape and nothing else. */
export function object<Shape extends z.ZodRawShape>(shape: Shape): z.ZodObject<Shape> {
  return z.strictObject(shape, { error: `a mapping with ${Object.keys(shape).join(', ')}` })
}

/** A mapping with conditions, which have to be about something. */
export function matching<Shape extends z.ZodRawShape>(
  shape: Shape,
  denies: boolean,
): z.ZodObject<Shape> {
  return object(shape).superRefine((match, context) => {
    const found = kindsOf(match as PolicyMatch, denies)
    if ('kinds' in found) return
    const { field, problem, expected } = found.problem
    const path = field === '' ? [] : [field]
    context.addIssue({ code: 'custom', message: expected, path, params: { problem } })
  })
}

/** A list that may be left out, or left empty. */
export function section<Value>(value: z.ZodType<Value>, most: number): z.ZodType<Value[]> {
  return z.preprocess(
    (given) => given ?? [],
    z.array(value, { error: 'a list' }).max(most, { error: `at most ${most} entries` }),
  )
}

function rules(denies: boolean): z.ZodType<Policy['deny'][number][]> {
  return section(matching(RULE_SHAPE, denies), RULE_LIMIT)
}

function workloadValue(field: 'images' | 'containers' | 'labels'): z.ZodType<string> {
  return leaf({
    expected: SCOPE_EXPECTED[field],
    problemOf: (text) => problemIn(parseWorkloadValue(field, text)),
  })
}

function problemIn(parsed: object): string | undefined {
  return 'problem' in parsed ? String(parsed.problem) : undefined
}
