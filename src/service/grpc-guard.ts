/**
 * Keeps a client from ending the process: grpc-js 1.14 answers calls of methods that it does not have, and of requests that are
 * not gRPC, without looking whether the stream is still there, and what Node throws then is caught by nobody. A client that
 * resets such calls as it makes them (CVE-2023-44487) needs some thousand of them.
 */
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import type { Server } from '@grpc/grpc-js'

/** The part of grpc-js that is replaced; with another version of it this is to be looked at again. */
interface StreamHandling {
  _streamHandler?: StreamHandler
}

type StreamHandler = (
  interceptors: unknown,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
) => void

/** To be called before the first connection is injected, on a server without channelz. */
export function guardStreams(server: Server): void {
  const handling = server as unknown as StreamHandling
  const handle = handling._streamHandler
  if (handle === undefined)
    throw new Error('this version of grpc-js handles streams in another way')
  handling._streamHandler = (interceptors, stream, headers) => {
    // Its errors are as good as its end, and that is told by 'close'.
    stream.on('error', () => undefined)
    if (stream.destroyed || stream.closed) return
    try {
      handle.call(server, interceptors, stream, headers)
    } catch {
      stream.destroy()
    }
  }
}
