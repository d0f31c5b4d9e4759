/**
 * Runs a container engine's command line: no shell, no standard input, bounded output, and in a session of its own, so that
 * a Ctrl-C at the terminal is plimsoll's to act upon and does not end the client half-way.
 */
import { spawn } from 'node:child_process'
import { byteStringOf, type ByteString } from '../bytes.js'

/** How it ended. `code` is undefined where a signal ended it, or where it could not be run. */
export interface EngineOutput {
  readonly code: number | undefined
  /** The end of standard output, as far as it is kept. */
  readonly stdout: ByteString
  /** The first line of standard error and its end, as far as they are kept: a runtime that crashes says why, then dumps. */
  readonly stderr: ByteString
}

export interface EngineCall {
  readonly program: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  /** The client is killed when it is aborted. */
  readonly signal: AbortSignal
  /** How many bytes of each stream are kept, the last ones; of standard error also up to 512 that come first. */
  readonly keptBytes: number
}

const FIRST_BYTES = 512

/** Runs it to its end; never rejects. */
export function runEngine(call: EngineCall): Promise<EngineOutput> {
  const { program, args, env, signal, keptBytes } = call
  return new Promise((resolve) => {
    const stdout = new Kept(0, keptBytes)
    const stderr = new Kept(FIRST_BYTES, keptBytes)
    const child = spawn(program, args, {
      env,
      signal,
      killSignal: 'SIGKILL',
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
    child.once('error', (error) => {
      if (stderr.isEmpty) stderr.push(Buffer.from(error.message))
    })
    // Comes in any case, after an error too; the code is negative then.
    child.once('close', (code: number | null) => {
      const status = code !== null && code >= 0 ? code : undefined
      resolve({ code: status, stdout: stdout.text(), stderr: stderr.text() })
    })
  })
}

/** The first and the last bytes of a stream, on lines of their own where something between them was let go. */
class Kept {
  readonly #firstLimit: number
  readonly #lastLimit: number
  #first: Buffer = Buffer.alloc(0)
  #chunks: Buffer[] = []
  #size = 0
  #isCut = false

  constructor(firstLimit: number, lastLimit: number) {
    this.#firstLimit = firstLimit
    this.#lastLimit = lastLimit
  }

  get isEmpty(): boolean {
    return this.#first.length + this.#size === 0
  }

  push(chunk: Buffer): void {
    const rest = this.#firstLimit - this.#first.length
    if (rest > 0) this.#first = Buffer.concat([this.#first, chunk.subarray(0, rest)])
    const left = chunk.subarray(Math.max(0, rest))
    this.#chunks.push(left)
    this.#size += left.length
    // Twice the limit may be held, so that a flood is not copied at every chunk.
    if (this.#size > 2 * this.#lastLimit) this.#cut()
  }

  text(): ByteString {
    const last = this.#cut()
    const between = Buffer.from(this.#isCut && this.#first.length > 0 ? '\n' : '')
    return byteStringOf(Buffer.concat([this.#first, between, last]))
  }

  #cut(): Buffer {
    const all = Buffer.concat(this.#chunks)
    const kept = all.subarray(Math.max(0, all.length - this.#lastLimit))
    this.#isCut ||= kept.length < all.length
    this.#chunks = [kept]
    this.#size = kept.length
    return kept
  }
}
