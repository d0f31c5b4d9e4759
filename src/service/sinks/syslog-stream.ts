/**
 * Syslog over a connection: TCP and TLS with octet counting (RFC 6587, 3.4.1; RFC 5425), unix stream sockets with a newline
 * after each message (RFC 6587, 3.4.2). Syslog has no acknowledgement: what was written when a connection breaks may be lost,
 * though we keep it until the kernel took all of it.
 */
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { asProblem } from '../../errors.js'
import { readTlsFiles, type TlsFiles } from './credentials.js'
import type { SinkClock } from './target.js'

export interface SyslogStreamOptions {
  readonly address:
    | { readonly transport: 'unix'; readonly path: string }
    | { readonly transport: 'tcp' | 'tls'; readonly host: string; readonly port: number }
  readonly tls: TlsFiles
  /** To connect, and to write a batch. */
  readonly timeoutMs: number
  readonly clock: SinkClock
}

const KEEP_ALIVE_MS = 30_000

export class SyslogStream {
  readonly #options: SyslogStreamOptions
  #socket: Socket | undefined

  constructor(options: SyslogStreamOptions) {
    this.#options = options
  }

  /** Resolves when the kernel has all of the messages. Rejects with what went wrong, and connects again the next time. */
  async write(messages: readonly string[], signal: AbortSignal): Promise<void> {
    try {
      const socket = await this.#connected(signal)
      const framed = Buffer.from(messages.map((message) => this.#framed(message)).join(''))
      await this.#until(socket, signal, (done) => socket.write(framed, () => done()))
    } catch (thrown) {
      this.close()
      throw thrown
    }
  }

  close(): void {
    this.#socket?.destroy()
    this.#socket = undefined
  }

  #framed(message: string): string {
    const isUnix = this.#options.address.transport === 'unix'
    return isUnix ? `${message}\n` : `${Buffer.byteLength(message)} ${message}`
  }

  async #connected(signal: AbortSignal): Promise<Socket> {
    const open = this.#socket
    if (open !== undefined && open.writable && !open.readableEnded && !open.destroyed) return open
    this.close()
    const { address, tls } = this.#options
    const [socket, event] =
      address.transport === 'tls'
        ? ([
            connectTls({
              host: address.host,
              port: address.port,
              servername: /^[\d.]+$|:/.test(address.host) ? '' : address.host,
              minVersion: 'TLSv1.2',
              ...(await readTlsFiles(tls)),
            }),
            'secureConnect',
          ] as const)
        : ([connectTcp(address), 'connect'] as const)
    this.#socket = socket
    // A receiver says nothing; reading is how its end is noticed.
    socket.resume()
    socket.on('error', () => undefined)
    await this.#until(socket, signal, (done) => socket.once(event, done))
    if (address.transport !== 'unix') socket.setKeepAlive(true, KEEP_ALIVE_MS)
    return socket
  }

  /** Until `begin` calls back; rejects when the socket fails or closes, the time is over, or the sink stops. */
  #until(socket: Socket, signal: AbortSignal, begin: (done: () => void) => void): Promise<void> {
    const { clock, timeoutMs } = this.#options
    return new Promise((resolve, reject) => {
      const end = (problem: Error | undefined): void => {
        cancel()
        signal.removeEventListener('abort', stopped)
        socket.off('error', failed)
        socket.off('close', closed)
        if (problem === undefined) resolve()
        else reject(problem)
      }
      const failed = (error: Error): void => end(error)
      const closed = (): void => end(new Error('the connection was closed'))
      const stopped = (): void => end(new Error('the sink stops'))
      const cancel = clock.after(timeoutMs, () =>
        end(new Error(`it took longer than ${timeoutMs} ms`)),
      )
      socket.on('error', failed)
      socket.on('close', closed)
      if (signal.aborted) stopped()
      else signal.addEventListener('abort', stopped)
      begin(() => end(socket.destroyed ? new Error('the connection was closed') : undefined))
    })
  }
}

/** True if connecting failed because the unix socket takes datagrams. */
export function isDatagramSocket(thrown: unknown): boolean {
  return (thrown as NodeJS.ErrnoException).code === 'EPROTOTYPE'
}

/** The problem of a failed delivery, in words. */
export function problemOf(thrown: unknown): string {
  const code = (thrown as NodeJS.ErrnoException | undefined)?.code
  return asProblem(thrown) || (code ?? 'cannot connect')
}
