/**
 * The way out to one client. It takes no more than the stream says it does, and not more than so many bytes either: grpc-js
 * counts messages only (16, and one that HTTP/2 holds), and messages can be long. So a client that does not read holds a bounded
 * amount, of buffers that are mostly shared.
 */

/** Unsent bytes at which a stream is full. */
export const UNSENT_BYTES = 64 * 1024

/** The side of a gRPC stream that is written to. */
export interface EventStream {
  /** False if no more should be written until `drain`; `sent` is called when this and all before is on its way. */
  write(message: Uint8Array, sent?: () => void): boolean
  on(event: 'drain', listener: () => void): unknown
  /** Messages that were not sent yet. */
  readonly writableLength: number
}

export class Outflow {
  readonly #stream: EventStream
  readonly #onFree: () => void
  readonly #sent = (): void => this.#freed()
  #isBlocked = false
  /** At least what is unsent. */
  #unsentBytes = 0

  /** `onFree` is called when it takes more again. */
  constructor(stream: EventStream, onFree: () => void) {
    this.#stream = stream
    this.#onFree = onFree
    stream.on('drain', this.#sent)
  }

  get isBlocked(): boolean {
    return this.#isBlocked
  }

  /** Not to be called while blocked. */
  write(message: Uint8Array): void {
    if (this.#stream.writableLength === 0) this.#unsentBytes = 0
    this.#unsentBytes += message.byteLength
    if (this.#unsentBytes < UNSENT_BYTES) {
      this.#isBlocked = !this.#stream.write(message)
      return
    }
    this.#isBlocked = true
    this.#stream.write(message, this.#sent)
  }

  #freed(): void {
    if (!this.#isBlocked) return
    this.#isBlocked = false
    this.#unsentBytes = 0
    this.#onFree()
  }
}
