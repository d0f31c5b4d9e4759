/** Frames of HTTP/2 as no library would send them, for tests of what the server does about them. */
import { connect } from 'node:net'

/** One frame of HTTP/2. */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const header = Buffer.alloc(9)
  header.writeUIntBE(payload.length, 0, 3)
  header[3] = type
  header[4] = flags
  header.writeUInt32BE(stream, 5)
  return Buffer.concat([header, payload])
}

/** The headers of a call, without compression. */
export function headers(path: string, more: readonly [name: string, value: string][] = []): Buffer {
  const fields: readonly (readonly [string, string])[] = [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'x'],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
    ...more,
  ]
  return Buffer.concat(
    fields.flatMap(([name, value]) => [
      Buffer.of(0, name.length),
      Buffer.from(name),
      Buffer.of(value.length),
      Buffer.from(value, 'latin1'),
    ]),
  )
}

/** What a client begins with. */
export const PREFACE = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  frame(4, 0, 0),
])

/** Writes it all, without reading, and is gone once that is done, it was hung up on, or it took too long. */
export function poured(path: string, chunks: Iterable<Buffer>, giveUpMs = 5000): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.on('error', () => undefined)
    socket.on('close', () => resolve())
    socket.write(PREFACE)
    for (const chunk of chunks) socket.write(chunk)
    socket.write(Buffer.alloc(0), () => setTimeout(() => socket.destroy(), 200))
    setTimeout(() => socket.destroy(), giveUpMs)
  })
}
