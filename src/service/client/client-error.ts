/** What a call of the client failed with: a code of plimsoll's catalogue and the status of gRPC. */
import { type ServiceError, status } from '@grpc/grpc-js'
import { ERRORS } from '../../error-catalogue.js'
import type { ErrorRow } from '../../error-row.js'
import { type PlimsollError, quoted } from '../../errors.js'
import { ERROR_CODE_TRAILER } from '../status.js'

/** Trailer with the cursor to go on from, of a reader that was too slow. */
export const CURSOR_TRAILER = 'plimsoll-cursor'

export interface ClientErrorFields {
  readonly code: string
  readonly grpc: number
  readonly message: string
  readonly hint: string
  readonly isTransient: boolean
  readonly cursor?: string
  readonly cause?: unknown
}

/** Thrown by every method of the client. */
export class PlimsollClientError extends Error {
  override readonly name = 'PlimsollClientError'
  /**
   * Of the catalogue of errors, as the service says it; it never changes. `UNREACHABLE` if the service could not be asked; the name
   * of the status of gRPC, such as `DEADLINE_EXCEEDED`, where something else than plimsoll answered.
   */
  readonly code: string
  /** https://grpc.io/docs/guides/status-codes/ */
  readonly grpc: number
  /** What to do about it; may be empty. */
  readonly hint: string
  /** The same call may succeed later: the service is away, restarts, or is busy. */
  readonly isTransient: boolean
  /** Where a stream goes on that was ended because its reader was slow; otherwise empty. */
  readonly cursor: string

  constructor({ code, grpc, message, hint, isTransient, cursor, cause }: ClientErrorFields) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.grpc = grpc
    this.hint = hint
    this.isTransient = isTransient
    this.cursor = cursor ?? ''
  }
}

/** What a failed call says of itself, as it came from gRPC. A service that cannot be reached is `unreachable`'s to explain. */
export function errorOf(error: ServiceError): PlimsollClientError {
  const said = String(error.metadata?.get(ERROR_CODE_TRAILER)[0] ?? '')
  const cursor = String(error.metadata?.get(CURSOR_TRAILER)[0] ?? '')
  return new PlimsollClientError({
    code: said === '' ? (status[error.code] ?? 'UNKNOWN') : said,
    grpc: error.code,
    message: quoted(error.details),
    hint: hintOf(said),
    isTransient: isTransient(error, said, cursor),
    cursor,
    cause: error,
  })
}

/** A failure of this side, such as an address that is none. */
export function localError(error: PlimsollError): PlimsollClientError {
  const { code, grpc, message, hint, cause } = error
  return new PlimsollClientError({ code, grpc, message, hint, isTransient: false, cause })
}

/** True for what gRPC rejects calls with. */
export function isServiceError(thrown: unknown): thrown is ServiceError {
  return thrown instanceof Error && 'code' in thrown && 'details' in thrown
}

/** How grpc-js and HTTP/2 tell that a connection broke while a call was under way. */
const BROKEN = /RST_STREAM|GOAWAY|session|stream|socket|connection|ECONN|EPIPE/i

function isTransient({ code, details }: ServiceError, said: string, cursor: string): boolean {
  if (code === status.UNAVAILABLE || code === status.CANCELLED) return true
  if (code === status.RESOURCE_EXHAUSTED) return cursor !== '' || said === 'TOO_MANY_WATCHERS'
  // A defect of the service has a code of its own; a broken connection has none.
  const isForeign = code === status.INTERNAL || code === status.UNKNOWN
  return isForeign && said === '' && BROKEN.test(details)
}

/** The hint of the catalogue; those that speak of a subject cannot be filled here. */
function hintOf(code: string): string {
  const rows: Readonly<Record<string, ErrorRow | undefined>> = ERRORS
  const hint = Object.hasOwn(rows, code) ? (rows[code]?.hint ?? '') : ''
  return /\{\w+\}/.test(hint) ? '' : hint
}
