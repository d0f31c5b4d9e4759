/**
 * Syslog over UDP, one message per datagram (RFC 5426). Nothing says whether a datagram arrived; that nobody listens at all is
 * noticed one datagram later, if the host of the receiver says so.
 */
import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { lookup } from 'node:dns/promises'

export class SyslogUdp {
  readonly #host: string
  readonly #port: number
  #socket: Socket | undefined
  /** What the network said about datagrams that were sent before. */
  #complaint: Error | undefined

  constructor({ host, port }: { readonly host: string; readonly port: number }) {
    this.#host = host
    this.#port = port
  }

  /** Sends the messages in order; tells `sent` after each. Rejects at the first that could not be sent. */
  async send(messages: readonly string[], signal: AbortSignal, sent: () => void): Promise<void> {
    try {
      const socket = await this.#connected()
      for (const message of messages) {
        signal.throwIfAborted()
        const complaint = this.#complaint
        this.#complaint = undefined
        if (complaint !== undefined) throw complaint
        await new Promise<void>((resolve, reject) => {
          socket.send(message, (error) => (error === null ? resolve() : reject(error)))
        })
        sent()
      }
    } catch (thrown) {
      this.close()
      throw thrown
    }
  }

  close(): void {
    this.#socket?.close()
    this.#socket = undefined
    this.#complaint = undefined
  }

  async #connected(): Promise<Socket> {
    if (this.#socket !== undefined) return this.#socket
    const { address } = await lookup(this.#host)
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
    socket.on('error', (error) => void (this.#complaint = error))
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.connect(this.#port, address, () => {
        socket.off('error', reject)
        resolve()
      })
    }).catch((thrown: unknown) => {
      socket.close()
      throw thrown
    })
    this.#socket = socket
    return socket
  }
}
