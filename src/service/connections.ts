/**
 * The connections of the server. They are accepted here and not by grpc-js, because they must be cut for good at the end: a
 * connection that grpc-js gave up while its client does not read stays open as long as the client likes, and with it the
 * process (seen with Node 20 and grpc-js 1.14).
 */
import { createServer, type Server, type Socket } from 'node:net'

/** Clients at a time; more are hung up on. */
const CONNECTION_LIMIT = 64

export class Connections {
  readonly #listener: Server
  readonly #open = new Set<Socket>()

  /** `serve` gets every connection that is made. */
  constructor(serve: (connection: Socket) => void) {
    this.#listener = createServer((connection) => {
      this.#open.add(connection)
      connection.once('close', () => this.#open.delete(connection))
      serve(connection)
    })
    this.#listener.maxConnections = CONNECTION_LIMIT
  }

  /** Listens on the path of a unix socket. Rejects with Node's own error. */
  listen(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#listener.once('error', reject)
      this.#listener.listen(path, () => {
        this.#listener.off('error', reject)
        // Accepting fails if the process has no descriptor left; the client sees it, and the next one may have more luck.
        this.#listener.on('error', () => undefined)
        resolve()
      })
    })
  }

  /** Takes no more clients. Idempotent. */
  close(): void {
    this.#listener.close()
  }

  /** Ends whatever is still open, sent or not. */
  cut(): void {
    for (const connection of this.#open) connection.destroy()
  }
}
