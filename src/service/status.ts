/** Errors of the catalogue as statuses of gRPC: the code of their row, one bounded line, and plimsoll's code beside it. */
import { Metadata, type StatusObject } from '@grpc/grpc-js'
import { asPlimsollError, quoted } from '../errors.js'

/** Trailer that carries the code of the catalogue. */
export const ERROR_CODE_TRAILER = 'plimsoll-error-code'

/** The text travels as a header, percent-encoded to up to three times this; clients take 8 KiB of headers at least. */
const MESSAGE_BYTES = 1024

/** The status for anything thrown; foreign errors are `INTERNAL`. */
export function statusOf(thrown: unknown): StatusObject {
  const error = asPlimsollError(thrown)
  const metadata = new Metadata()
  metadata.set(ERROR_CODE_TRAILER, error.code)
  return { code: error.grpc, details: boundedLine(error.message), metadata }
}

/** Well-formed, since grpc-js cannot encode a lone surrogate; a character that would be cut is left out. */
function boundedLine(text: string): string {
  const bytes = Buffer.from(quoted(text), 'utf8')
  if (bytes.length <= MESSAGE_BYTES) return bytes.toString('utf8')
  return bytes.toString('utf8', 0, MESSAGE_BYTES).replace(/\ufffd+$/, '')
}
