/**
 * Writes lines to a descriptor before it returns, so that what was said last is there when a process dies. Where the
 * descriptor does not block and its reader is away, a line waits a moment once; then lines are left out and counted until the
 * reader is back, for what is watched must not wait for who reads.
 */
import { writeSync } from 'node:fs'

export interface LogWriterOptions {
  readonly fd: number
  /** A line that says how many were left out. */
  readonly lostLine: (count: number) => string
  readonly write?: (fd: number, bytes: Uint8Array) => number
  /** Waits, blocking. */
  readonly wait?: (ms: number) => void
}

const WAIT_MS = 2
const WAITS = 10

/** Takes whole lines; never throws. */
export function lineWriter(options: LogWriterOptions): (line: string) => void {
  const { fd, lostLine, write = writeSync, wait = waitBlocking } = options
  let lost = 0
  /** The rest of a line that was written in part. */
  let rest: Uint8Array = new Uint8Array(0)
  /** Whether everything was taken. */
  const push = (bytes: Uint8Array, waits: number): boolean => {
    rest = bytes
    for (let waited = 0; rest.length > 0;) {
      try {
        rest = rest.subarray(write(fd, rest))
      } catch (thrown) {
        if ((thrown as NodeJS.ErrnoException).code !== 'EAGAIN' || waited++ >= waits) return false
        wait(WAIT_MS)
      }
    }
    return true
  }
  return (line) => {
    const waits = lost === 0 ? WAITS : 0
    if (rest.length > 0 && !push(rest, waits)) {
      lost++
      return
    }
    if (lost > 0) {
      const told = push(Buffer.from(lostLine(lost)), waits)
      lost = told ? 0 : lost + 1
      if (!told) return
    }
    const bytes = Buffer.from(line)
    if (push(bytes, waits)) return
    // Not a byte of it went out: there is nothing to finish.
    if (rest.length === bytes.length) {
      rest = new Uint8Array(0)
      lost++
    }
  }
}

function waitBlocking(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
