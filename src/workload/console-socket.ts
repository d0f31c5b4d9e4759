/**
 * The other end of a container's terminal, as runtimes want it: a unix socket to which they send the terminal's file
 * descriptor. It is accepted and never read, so that the terminal stays open, in the socket's queue, for as long as this
 * does.
 */
import { rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'

const PATH_BYTES = 107

export class ConsoleSocket {
  readonly path: string
  readonly #server: Server
  readonly #connections = new Set<Socket>()

  private constructor(path: string) {
    this.path = path
    this.#server = createServer({ pauseOnConnect: true }, (socket) => {
      // The runtime is done with it once it has sent the descriptor.
      socket.on('error', () => undefined)
      this.#connections.add(socket)
    })
  }

  /** A socket at `path`, which must be free and no longer than 107 bytes; unix(7). */
  static async listen(path: string): Promise<ConsoleSocket> {
    // Node would cut it off and listen somewhere else.
    if (Buffer.byteLength(path) > PATH_BYTES) throw new Error(`${path}: too long for a socket`)
    const socket = new ConsoleSocket(path)
    await new Promise<void>((resolve, reject) => {
      socket.#server.once('error', reject).listen(path, resolve)
    })
    return socket
  }

  /** Hangs up all terminals. */
  async close(): Promise<void> {
    for (const connection of this.#connections) connection.destroy()
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
    })
    await rm(this.path, { force: true })
  }
}
