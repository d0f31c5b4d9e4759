/** What is wrong with a policy, as it is reported. */

export type ProblemSeverity = 'error' | 'warning'

export interface PolicyProblem {
  /** `warning`: the policy can be used, but perhaps says something else than was meant. */
  readonly severity: ProblemSeverity
  /** From 1; 0 where the file as a whole is meant. */
  readonly line: number
  readonly column: number
  /** Such as `deny[3].ports[0]`; empty for the document as a whole. */
  readonly field: string
  /** What is there, as the end of a sentence about the field. One line, printable. */
  readonly problem: string
  /** What should be there; empty where that goes without saying. */
  readonly expected: string
}

/** Steps from the document to a value: keys of mappings, places in lists. */
export type FieldPath = readonly (string | number)[]

/** Most problems that are reported of one file. */
export const PROBLEM_LIMIT = 100

/** Longest text of the file's own in a message. */
const SHOWN_CHARACTERS = 60

/** The path in words; keys that are no plain words are quoted. */
export function fieldText(path: FieldPath): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else text += `${text === '' ? '' : '.'}${/^\w+$/.test(step) ? step : shown(step)}`
  }
  return text
}

/** A value of the file for a message: quoted, one line, ASCII, cut. */
export function shown(value: unknown): string {
  const text = typeof value === 'bigint' ? `${value}` : (JSON.stringify(value) ?? typeof value)
  const cut = text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}...` : text
  return cut.replaceAll(
    /[^\u0020-\u007e]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** `12:9: deny[3].ports[0]: 80000 is above 65535; expected a port ...`, without the name of the file. */
export function problemText({ line, column, field, problem, expected }: PolicyProblem): string {
  const place = line === 0 ? '' : `${line}:${column}: `
  const what = field === '' ? '' : `${field}: `
  return `${place}${what}${problem}${expected === '' ? '' : `; expected ${expected}`}`
}
