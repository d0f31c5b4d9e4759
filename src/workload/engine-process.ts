/**
 * Runs a container engine's command line: no shell, no standard input, bounded output, and in a session of its own, so that
 * a Ctrl-C at the terminal is plimsoll's to act upon and does not end the client half-way.
 */
import { spawn } from 'node:child_process'
import { byteStringOf, type ByteString } from '../bytes.js'

/** How it ended. `code` is undefined where a signal ended it, or where it could not be run. */
export interface EngineOutput {
  readonly code: number | undefined
  /** The end of standard output and of standard error, as far as they are kept. */
  readonly stdout: ByteString
  readonly stderr: ByteString
}

export interface EngineCall {
  readonly program: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  /** The client is killed when it is aborted. */
  readonly signal: AbortSignal
  /** How many bytes of each stream are kept, the last ones. */
  readonly keptBytes: number
}

/** Runs it to its end; never rejects. */
export function runEngine(call: EngineCall): Promise<EngineOutput> {
  const { program, args, env, signal, keptBytes } = call
  return new Promise((resolve) => {
    const stdout = new Tail(keptBytes)
    const stderr = new Tail(keptBytes)
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

/** The last bytes of a stream. */
class Tail {
  readonly #limit: number
  #chunks: Buffer[] = []
  #size = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get isEmpty(): boolean {
    return this.#size === 0
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    // Twice the limit may be held, so that a flood is not copied at every chunk.
    if (this.#size > 2 * this.#limit) this.#chunks = [this.#cut()]
  }

  text(): ByteString {
    return byteStringOf(this.#cut())
  }

  #cut(): Buffer {
    const all = Buffer.concat(this.#chunks)
    const kept = all.subarray(Math.max(0, all.length - this.#limit))
    this.#size = kept.length
    return kept
  }
}
