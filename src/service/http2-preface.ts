/**
 * The first bytes of a connection: whether the client speaks HTTP/2, before a session is set up for it. What else comes
 * (HTTP/1, garbage, nothing) costs a socket and no more.
 */
import type { Duplex } from 'node:stream'

/** RFC 9113, section 3.4. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

/** The type of the record that a TLS client begins with (RFC 8446, section 5.1). */
const TLS_HANDSHAKE = 0x16

/**
 * Calls `answer` with true once the client has said so, with false as soon as it says something else. What was read is put
 * back. Not at all if the connection ends before.
 */
export function whenHttp2(connection: Duplex, answer: (isHttp2: boolean) => void): void {
  whenBegins(connection, PREFACE, answer)
}

/** The same for the first byte of TLS. */
export function whenTls(connection: Duplex, answer: (isTls: boolean) => void): void {
  whenBegins(connection, Buffer.of(TLS_HANDSHAKE), answer)
}

function whenBegins(connection: Duplex, beginning: Buffer, answer: (isSo: boolean) => void): void {
  let seen: Buffer = Buffer.alloc(0)
  const read = (chunk: Buffer): void => {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk])
    const length = Math.min(seen.length, beginning.length)
    const isSoFar = beginning.compare(seen, 0, length, 0, length) === 0
    if (isSoFar && length < beginning.length) return
    connection.off('data', read)
    connection.pause()
    if (isSoFar) connection.unshift(seen)
    answer(isSoFar)
  }
  connection.on('data', read)
}
