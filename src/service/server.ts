/**
 * The gRPC server on its unix socket: started, and stopped within a deadline. What it serves is `baselines-service`; who
 * may reach it is `unix-socket`.
 */
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { FILE_LIMIT_BYTES } from '../baseline/codec.js'
import { baselinesHandlers, type BaselinesOptions } from './baselines-handlers.js'
import { Connections } from './connections.js'
import type { ListenAddress } from './listen-address.js'
import { BASELINES_SERVICE } from './baselines-methods.js'
import { type PublishedSocket, publishSocket } from './unix-socket.js'

export interface ServerOptions extends BaselinesOptions {
  readonly address: ListenAddress
}

/** A server that answers. */
export interface RunningServer {
  /**
   * Takes no more clients, removes the socket, tells who watches that the session is over, and waits until what is under way
   * is done, at most `deadlineMs`; then the connections are cut. Idempotent, never rejects.
   */
  stop(deadlineMs?: number): Promise<void>
}

/** Requests are some hundred bytes. */
const REQUEST_BYTES = 64 * 1024
/** Calls at a time on one connection. */
const STREAM_LIMIT = 64
/** A client that reads at all is done by then. */
const STOP_MS = 2000

/** Starts to listen. Throws `LISTEN_FAILED`; nothing is left behind then. */
export async function startServer({ address, ...options }: ServerOptions): Promise<RunningServer> {
  const server = new Server({
    'grpc.max_receive_message_length': REQUEST_BYTES,
    'grpc.max_send_message_length': FILE_LIMIT_BYTES,
    'grpc.max_concurrent_streams': STREAM_LIMIT,
    'grpc.enable_channelz': 0,
  })
  const { handlers, service } = baselinesHandlers(options)
  server.addService(BASELINES_SERVICE, handlers)
  const grpc = server.createConnectionInjector(ServerCredentials.createInsecure())
  const connections = new Connections((connection) => grpc.injectConnection(connection))
  let socket: PublishedSocket
  try {
    socket = await publishSocket(address.path, (path) => connections.listen(path))
  } catch (thrown) {
    connections.close()
    server.forceShutdown()
    throw thrown
  }
  const stop = async (deadlineMs: number): Promise<void> => {
    await socket.remove()
    connections.close()
    service.finish()
    await shutDown(server, deadlineMs)
    connections.cut()
  }
  let stopped: Promise<void> | undefined
  return { stop: (deadlineMs = STOP_MS) => (stopped ??= stop(deadlineMs)) }
}

/** Waits for what is under way, at most so long, then ends it. */
async function shutDown(server: Server, deadlineMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  await new Promise<void>((resolve) => {
    timer = setTimeout(resolve, deadlineMs)
    server.tryShutdown(() => resolve())
  })
  clearTimeout(timer)
  // Harmless after a shutdown that came to its end.
  server.forceShutdown()
}
