/**
 * The connections of one listening address. They are accepted here and not by grpc-js, because they must be cut for good at the
 * end: a connection that grpc-js gave up while its client does not read stays open as long as the client likes, and with it the
 * process (seen with Node 20 and grpc-js 1.14).
 *
 *   accepted --> pending: [TLS handshake], preface of HTTP/2 --> open: grpc-js has it
 *
 * A connection is pending for a bounded time, and there is a bounded number of either. Nothing that a connection does wrong
 * goes further than its own end.
 */
import { createServer, type ListenOptions, type Server, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { whenHttp2, whenTls } from './http2-preface.js'
import type { ServerLimits } from './limits.js'
import { PendingConnections } from './pending-connections.js'

/** What was counted since the start, and how many there are now. */
export interface ConnectionCounts {
  readonly open: number
  readonly pending: number
  readonly accepted: number
  /** Hung up on because there were too many. */
  readonly refused: number
  /** That did not say in time, or not at all, that they speak TLS and HTTP/2. */
  readonly unfit: number
  /** Of those, such whose TLS handshake failed: no certificate, or one that is not trusted. */
  readonly untrusted: number
}

/** The TLS side of an address. */
export interface Handshaker {
  /** Makes a TLS connection of it; `done` gets it once the client's certificate was verified, or else undefined. */
  handshake(connection: Socket, done: (secured: TLSSocket | undefined) => void): void
}

/** Connections that the kernel keeps until they are accepted; it has a limit of its own (net.core.somaxconn). */
const BACKLOG = 4096

export interface ConnectionsOptions {
  readonly limits: ServerLimits
  readonly handshaker?: Handshaker | undefined
  /** Who is at the other end; undefined where they cannot be told apart. */
  readonly callerOf?: ((connection: Socket) => string) | undefined
  /** Gets every connection whose client speaks HTTP/2. */
  serve(connection: Socket): void
}

export class Connections {
  readonly #options: ConnectionsOptions
  readonly #listener: Server
  readonly #pending: PendingConnections<Socket>
  readonly #open = new Set<Socket>()
  /** How many of the open ones each caller has. */
  readonly #byCaller = new Map<string, number>()
  readonly #counts = { accepted: 0, refused: 0, unfit: 0, untrusted: 0 }

  constructor(options: ConnectionsOptions) {
    this.#options = options
    this.#pending = new PendingConnections(options.limits.pending)
    this.#listener = createServer((connection) => this.#accept(connection))
  }

  /** Listens on the path of a unix socket, or on a port. Rejects with Node's own error. */
  listen(where: ListenOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#listener.once('error', reject)
      this.#listener.listen({ backlog: BACKLOG, ...where }, () => {
        this.#listener.off('error', reject)
        // Accepting fails if the process has no descriptor left; the client sees it, and the next one may have more luck.
        this.#listener.on('error', () => undefined)
        resolve()
      })
    })
  }

  /** The port that it listens on; 0 for a unix socket. */
  get port(): number {
    const address = this.#listener.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  get counts(): ConnectionCounts {
    return { ...this.#counts, open: this.#open.size, pending: this.#pending.count }
  }

  /** Takes no more clients. Idempotent. */
  close(): void {
    this.#listener.close()
  }

  /** Ends whatever is still open, sent or not. */
  cut(): void {
    this.#pending.cut()
    for (const connection of this.#open) connection.destroy()
  }

  /** Ends those that are open for which `isUnwanted` says so. */
  cutWhere(isUnwanted: (connection: Socket) => boolean): void {
    for (const connection of this.#open) {
      if (isUnwanted(connection)) connection.destroy()
    }
  }

  #accept(connection: Socket): void {
    const { limits, handshaker } = this.#options
    this.#counts.accepted += 1
    // What ends a connection is told to its own handlers; without this one it would end the process.
    connection.on('error', () => undefined)
    if (this.#open.size >= limits.connections) {
      this.#counts.refused += 1
      connection.destroy()
      return
    }
    const peer = connection.remoteAddress ?? ''
    if (this.#pending.add(peer, connection)) this.#counts.refused += 1
    const timer = setTimeout(() => unfit(), limits.setUpMs)
    const settled = (): boolean => {
      clearTimeout(timer)
      return this.#pending.delete(peer, connection)
    }
    const unfit = (): void => {
      if (settled()) this.#counts.unfit += 1
      connection.destroy()
    }
    connection.once('close', settled)
    const setUp = (secured: Socket): void =>
      whenHttp2(secured, (isHttp2) => {
        if (!isHttp2) return unfit()
        if (settled()) this.#serve(secured)
      })
    if (handshaker === undefined) return setUp(connection)
    whenTls(connection, (isTls) => {
      if (!isTls) return unfit()
      handshaker.handshake(connection, (secured) => {
        if (secured !== undefined) return setUp(secured)
        this.#counts.untrusted += 1
        unfit()
      })
    })
  }

  #serve(connection: Socket): void {
    const { limits, callerOf } = this.#options
    const caller = callerOf?.(connection)
    const isOneTooMany = caller !== undefined && this.#of(caller) >= limits.connectionsPerCaller
    if (isOneTooMany || this.#open.size >= limits.connections) {
      this.#counts.refused += 1
      connection.destroy()
      return
    }
    this.#open.add(connection)
    if (caller !== undefined) this.#byCaller.set(caller, this.#of(caller) + 1)
    connection.once('close', () => {
      this.#open.delete(connection)
      if (caller !== undefined) this.#left(caller)
    })
    this.#options.serve(connection)
  }

  #of(caller: string): number {
    return this.#byCaller.get(caller) ?? 0
  }

  #left(caller: string): void {
    const others = this.#of(caller) - 1
    if (others > 0) this.#byCaller.set(caller, others)
    else this.#byCaller.delete(caller)
  }
}
