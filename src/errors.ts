/** What plimsoll throws. `PlimsollError` is built only through `failure`, so that no message exists outside the catalogue. */
import { type ErrorCode, ERRORS } from './error-catalogue.js'
import type { ErrorRow } from './error-row.js'

/** Values put into a message template; each is escaped by `quoted`, so that foreign text cannot reach a terminal raw. */
export type Subject = Readonly<Record<string, string | number>>

/** The one error class. `code` is stable; `message` names the subject; `hint` says what to do. */
export class PlimsollError extends Error {
  override readonly name = 'PlimsollError'
  readonly code: ErrorCode
  readonly hint: string
  readonly exit: number
  readonly grpc: number

  constructor(code: ErrorCode, message: string, hint: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    const row: ErrorRow = ERRORS[code]
    this.code = code
    this.hint = hint
    this.exit = row.exit
    this.grpc = row.grpc
  }
}

/** The error of that code about that subject; `cause` is kept for `--debug`. */
export function failure(code: ErrorCode, subject: Subject, cause?: unknown): PlimsollError {
  const row: ErrorRow = ERRORS[code]
  return new PlimsollError(code, filled(row.message, subject), filled(row.hint, subject), cause)
}

function filled(template: string, subject: Subject): string {
  return template.replaceAll(/\{(\w+)\}/g, (_, field: string) =>
    quoted(String(subject[field] ?? `{${field}}`)),
  )
}

/** One line without control characters: what may be put into a message. */
export function quoted(text: string): string {
  return text.replaceAll(
    // oxlint-disable-next-line no-control-regex -- control characters are what must be escaped
    /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Any thrown value as a `PlimsollError`; foreign errors become `INTERNAL` with themselves as cause. */
export function asPlimsollError(thrown: unknown): PlimsollError {
  if (thrown instanceof PlimsollError) return thrown
  return failure(
    'INTERNAL',
    { problem: thrown instanceof Error ? thrown.message : String(thrown) },
    thrown,
  )
}

/** What went wrong, as the end of a sentence, of any thrown value: Node's own errors without their code in front. */
export function asProblem(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown)
  return text.replace(/^[A-Z][A-Z0-9_]+: /, '')
}
