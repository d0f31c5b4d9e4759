/**
 * Single values of a policy file as schemas. Each reports what it found, because the schema's own messages only say what is
 * expected. Pure.
 */
import { z } from 'zod'
import { shown } from './policy-problem.js'
import { suggested } from './policy-suggest.js'
import { VALUE_CHARACTERS } from './policy.js'

/** What is there, of a value that is no text or otherwise not what it should be. */
export function describedValue(value: unknown): string {
  if (value === undefined) return 'is missing'
  if (value === null) return 'is empty'
  if (Array.isArray(value)) {
    return value.length === 0 ? 'is an empty list' : `is a list of ${value.length}`
  }
  if (typeof value === 'object') return 'is a mapping'
  if (typeof value === 'boolean') return `is the truth value ${value}`
  if (typeof value === 'number') return `is the number ${value}`
  return `is ${shown(value)}`
}

export interface Leaf {
  readonly expected: string
  /** What is wrong with a text; undefined for a good one. */
  readonly problemOf: (text: string) => string | undefined
  /** A number may be written without quotes. */
  readonly isNumeric?: boolean
  readonly most?: number
}

/** The text of one value. */
export function leaf({
  expected,
  problemOf,
  isNumeric = false,
  most = VALUE_CHARACTERS,
}: Leaf): z.ZodType<string> {
  return z.unknown().transform((value, context): string => {
    const isText = typeof value === 'string' || (isNumeric && typeof value === 'number')
    const problem = isText
      ? textProblem(String(value), problemOf, most)
      : `${describedValue(value)}${isQuotable(value) ? ', not a text: put it in quotes' : ''}`
    if (problem === undefined) return String(value)
    context.addIssue({ code: 'custom', message: expected, params: { problem } })
    return z.NEVER
  })
}

/** One of these words. */
export function oneOf<Word extends string>(
  words: readonly Word[],
  expected: string,
): z.ZodType<Word> {
  const problemOf = (text: string): string | undefined =>
    words.some((word) => word === text) ? undefined : `is unknown${suggested(text, words)}`
  return leaf({ expected, problemOf }).transform((text) => text as Word)
}

/** A list of such values; a single one may stand for a list of one. */
export function listOf<Value>(value: z.ZodType<Value>, most: number): z.ZodType<Value[]> {
  const list = z
    .array(value)
    .min(1, { error: 'at least one value' })
    .max(most, { error: `at most ${most} values` })
  return z.preprocess((given): unknown => (Array.isArray(given) ? given : [given]), list)
}

/** The same where nothing, and a list of nothing, says that there are none. */
export function listOfAny<Value>(value: z.ZodType<Value>, most: number): z.ZodType<Value[]> {
  const list = z.array(value).max(most, { error: `at most ${most} values` })
  return z.preprocess((given): unknown => {
    if (Array.isArray(given)) return given as unknown
    return given === undefined || given === null ? [] : [given]
  }, list)
}

function textProblem(
  text: string,
  problemOf: (text: string) => string | undefined,
  most: number,
): string | undefined {
  if (text === '') return 'is an empty text'
  if (text.length > most) return `has ${text.length} characters, more than ${most}`
  const problem = CONTROL.test(text) ? 'has control characters' : problemOf(text)
  return problem === undefined ? undefined : `${shown(text)} ${problem}`
}

// oxlint-disable-next-line no-control-regex -- control characters are what must not be there
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/

function isQuotable(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'boolean'
}
