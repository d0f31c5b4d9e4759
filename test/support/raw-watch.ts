/**
 * A client of `Watch` on bare HTTP/2, for tests that need many that cost little, or one that does not read: messages are counted
 * and handed out as bytes, nothing is decoded.
 */
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'
import { connect as connectSocket } from 'node:net'
import { plimsoll } from '../../src/gen/plimsoll.js'

const PREFIX_BYTES = 5

export function rawSession(socketPath: string): ClientHttp2Session {
  const session = connect('http://localhost', {
    createConnection: () => connectSocket(socketPath),
  })
  session.on('error', () => undefined)
  return session
}

export interface RawWatch {
  readonly stream: ClientHttp2Stream
  /** What the stream ended with: trailers, or headers where nothing came before. */
  readonly trailers: Promise<Readonly<Record<string, unknown>>>
}

/** Watches; nothing is read before `onMessage` is given or `readFrom` is called. */
export function rawWatch(
  session: ClientHttp2Session,
  request: plimsoll.v1.WatchRequest.$Properties,
  onMessage?: (message: Buffer) => void,
): RawWatch {
  const stream = session.request({
    [constants.HTTP2_HEADER_METHOD]: 'POST',
    [constants.HTTP2_HEADER_PATH]: '/plimsoll.v1.Monitor/Watch',
    'content-type': 'application/grpc',
    te: 'trailers',
  })
  stream.on('error', () => undefined)
  const trailers = new Promise<Readonly<Record<string, unknown>>>((resolve) => {
    stream.on('trailers', resolve)
    stream.on('response', (headers) => {
      if ('grpc-status' in headers) resolve(headers)
    })
  })
  const message = plimsoll.v1.WatchRequest.encode(request).finish()
  const prefix = Buffer.alloc(PREFIX_BYTES)
  prefix.writeUInt32BE(message.byteLength, 1)
  stream.end(Buffer.concat([prefix, message]))
  if (onMessage !== undefined) readFrom(stream, onMessage)
  return { stream, trailers }
}

/** Reads from now on. */
export function readFrom(stream: ClientHttp2Stream, onMessage: (message: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0)
  stream.on('data', (chunk: Buffer) => {
    let bytes = rest.byteLength === 0 ? chunk : Buffer.concat([rest, chunk])
    while (bytes.byteLength >= PREFIX_BYTES) {
      const end = PREFIX_BYTES + bytes.readUInt32BE(1)
      if (bytes.byteLength < end) break
      onMessage(bytes.subarray(PREFIX_BYTES, end))
      bytes = bytes.subarray(end)
    }
    rest = bytes
  })
}
