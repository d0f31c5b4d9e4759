/** What the validator reports, and the places of a document in words. */

/**
 * `error`: plimsoll does not write such a document, and one that it is given will not do what it says. `warning`: it
 * works, but not everywhere or perhaps not as meant.
 */
export type ProblemSeverity = 'error' | 'warning'

export interface ProfileProblem {
  /** Where, such as `syscalls[3].names[0]`; empty for the document as a whole. */
  readonly path: string
  /** One line, printable: values from the document are quoted as JSON and cut. */
  readonly problem: string
  readonly severity: ProblemSeverity
}

/** Takes problems in, in the order of the document. */
export type Report = (severity: ProblemSeverity, path: string, problem: string) => void

/** An object of a JSON document. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Whether the value is an object and neither null nor an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The field's value where the object itself has it; null counts as absent, as it does in Go. */
export function fieldOf(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? (object[key] ?? undefined) : undefined
}

/** Longest text of a foreign value in a message. */
const SHOWN_CHARACTERS = 60

/** A foreign value for a message: ASCII, one line, cut. */
export function shown(value: unknown): string {
  const text =
    typeof value === 'bigint' ? value.toString() : (JSON.stringify(value) ?? typeof value)
  const cut = text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}...` : text
  return cut.replaceAll(
    /[^\u0020-\u007e]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
