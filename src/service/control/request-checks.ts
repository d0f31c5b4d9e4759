/** Fields of requests that change something: taken as they are or refused by name. Pure. */
import { failure, quoted } from '../../errors.js'
import { isIncidentId } from '../../respond/request.js'
import { MODES, type Mode, REQUESTED_ACTIONS, type RequestedAction } from './control-source.js'

const REASON_CHARACTERS = 256
const REFERENCE_BYTES = 512
const KEY = /^[\u0020-\u007e]{8,128}$/

/** Why something is wanted: not blank, at most 256 characters, printable. Throws `BAD_REQUEST`. */
export function reasonOf(text: string | null | undefined): string {
  const reason = (text ?? '').trim()
  // Units of UTF-16 are at most twice the characters.
  const isLong = reason.length > REASON_CHARACTERS && Array.from(reason).length > REASON_CHARACTERS
  if (reason === '') throw bad('reason', 'it is mandatory')
  if (isLong) throw bad('reason', `it has more than ${REASON_CHARACTERS} characters`)
  return quoted(reason)
}

/** What a container, an image or an incident is called. Throws `BAD_REQUEST`. */
export function referenceOf(field: string, text: string | null | undefined): string {
  const ref = text ?? ''
  const bytes = Buffer.byteLength(ref, 'utf8')
  if (bytes >= 1 && bytes <= REFERENCE_BYTES) return ref
  throw bad(field, `it must have 1 to ${REFERENCE_BYTES} bytes`)
}

/** Throws `BAD_REQUEST`. */
export function idempotencyKeyOf(text: string | null | undefined): string {
  if (KEY.test(text ?? '')) return text ?? ''
  throw bad('idempotency_key', 'it must have 8 to 128 printable ASCII characters')
}

/** Throws `BAD_REQUEST`. */
export function modeOf(value: number | null | undefined): Mode {
  return known('mode', MODES, value)
}

/** Throws `BAD_REQUEST`. */
export function actionOf(value: number | null | undefined): RequestedAction {
  return known('action', REQUESTED_ACTIONS, value)
}

/** The incident that is named; undefined where none is. Throws `BAD_REQUEST`. */
export function incidentOf(text: string | null | undefined): string | undefined {
  if (text == null || text === '') return undefined
  if (isIncidentId(text)) return text
  throw bad('incident', 'it is no id of an incident')
}

/** A hash, or empty. Throws `BAD_REQUEST`. */
export function sha256Field(field: string, text: string | null | undefined): string {
  if (/^(?:[0-9a-f]{64})?$/.test(text ?? '')) return text ?? ''
  throw bad(field, 'it is no SHA-256: 64 lower-case hexadecimal digits')
}

function known<Value>(
  field: string,
  values: readonly Value[],
  number: number | null | undefined,
): Value {
  const value = values[(number ?? 0) - 1]
  if (value !== undefined) return value
  throw bad(field, number == null || number === 0 ? 'it is mandatory' : `${number} is none`)
}

function bad(field: string, problem: string): Error {
  return failure('BAD_REQUEST', { field, problem })
}
