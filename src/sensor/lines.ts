/**
 * Cuts a stream of byte chunks into lines without copying the lines that lie whole in one chunk. A map print can be
 * megabytes long; a line above `LINE_LIMIT` is dropped and reported, never kept growing.
 */

/** 64 MiB: 65536 keys of the longest form print to less than a fifth of it. */
export const LINE_LIMIT = 64 * 1024 * 1024

const NEWLINE = 0x0a

export class LineSplitter {
  readonly #onLine: (line: Uint8Array) => void
  readonly #onTooLong: () => void
  readonly #limit: number
  #parts: Uint8Array[] = []
  #held = 0
  #dropping = false

  /** `onLine` gets each line of up to `limit` bytes without its newline; the bytes are only valid during the call. */
  constructor(onLine: (line: Uint8Array) => void, onTooLong: () => void, limit = LINE_LIMIT) {
    this.#limit = limit
    this.#onLine = onLine
    this.#onTooLong = onTooLong
  }

  push(chunk: Uint8Array): void {
    let start = 0
    for (
      let end = chunk.indexOf(NEWLINE);
      end >= 0;
      start = end + 1, end = chunk.indexOf(NEWLINE, start)
    ) {
      this.#complete(chunk.subarray(start, end))
    }
    if (start < chunk.length) this.#hold(chunk.subarray(start))
  }

  /** Bytes of a line that has not ended yet. */
  get pending(): number {
    return this.#held
  }

  #complete(rest: Uint8Array): void {
    if (this.#dropping) {
      this.#dropping = false
      return
    }
    if (this.#held + rest.length > this.#limit) {
      this.#parts = []
      this.#held = 0
      this.#onTooLong()
      return
    }
    if (this.#held === 0) {
      this.#onLine(rest)
      return
    }
    const line = Buffer.concat([...this.#parts, rest])
    this.#parts = []
    this.#held = 0
    this.#onLine(line)
  }

  #hold(rest: Uint8Array): void {
    if (this.#dropping) return
    if (this.#held + rest.length > this.#limit) {
      this.#parts = []
      this.#held = 0
      this.#dropping = true
      this.#onTooLong()
      return
    }
    this.#parts.push(Uint8Array.prototype.slice.call(rest))
    this.#held += rest.length
  }
}
