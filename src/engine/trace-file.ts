/**
 * Trace files: written as a session goes, read back as a whole. A trace whose session did not end has no checksum and is
 * refused like any other damaged one: replaying half of a session would pass for all of it.
 */
import { open as openFile, readFile, unlink, type FileHandle } from 'node:fs/promises'
import { open, Sealer } from '../envelope.js'
import { asProblem, failure } from '../errors.js'
import type { Input } from './input.js'
import { decodeInputs, encodeInput } from './trace-codec.js'

const MAGIC = 'PLIMTRAC'
/**
 * 2: keys of the sensor's records have room for the tag of an entry. 3: its early records say who the caller was; a session says
 * what is looked for, and what workloads take is sampled.
 */
const VERSION = 3

/** Appends inputs to a new file. Writes are queued and kept in order; a failed write surfaces in `close`. */
export class TraceWriter {
  readonly #path: string
  readonly #file: FileHandle
  readonly #sealer = new Sealer(MAGIC, VERSION)
  #last: Promise<void> = Promise.resolve()
  #failed: unknown

  private constructor(path: string, file: FileHandle) {
    this.#path = path
    this.#file = file
    this.#append(this.#sealer.header)
  }

  /** Makes the file, readable by its owner only. Fails with `TRACE_UNWRITABLE`, also where it exists: none is overwritten. */
  static async create(path: string): Promise<TraceWriter> {
    try {
      return new TraceWriter(path, await openFile(path, 'wx', 0o600))
    } catch (thrown) {
      throw failure('TRACE_UNWRITABLE', { path, problem: asProblem(thrown) }, thrown)
    }
  }

  add(input: Input): void {
    this.#append(this.#sealer.add(encodeInput(input)))
  }

  /** Ends the file and puts it on disk. Fails with `TRACE_UNWRITABLE` if any write did. */
  async close(): Promise<void> {
    this.#append(this.#sealer.finish())
    await this.#last
    try {
      if (this.#failed !== undefined) throw this.#failed
      await this.#file.sync()
    } catch (thrown) {
      throw failure('TRACE_UNWRITABLE', { path: this.#path, problem: asProblem(thrown) }, thrown)
    } finally {
      await this.#file.close()
    }
  }

  /** Gives up: closes the file and takes it away. Never rejects. */
  async abandon(): Promise<void> {
    await this.#last
    await this.#file.close().catch(() => undefined)
    await unlink(this.#path).catch(() => undefined)
  }

  #append(bytes: Uint8Array): void {
    this.#last = this.#last.then(async () => {
      if (this.#failed !== undefined) return
      try {
        await this.#file.appendFile(bytes)
      } catch (thrown) {
        this.#failed = thrown
      }
    })
  }
}

/** All inputs of the trace at `path`. Fails with `TRACE_UNREADABLE` or `TRACE_DAMAGED`. */
export async function readTrace(path: string): Promise<readonly Input[]> {
  const bytes = await readFile(path).catch((thrown: unknown) => {
    throw failure('TRACE_UNREADABLE', { path, problem: asProblem(thrown) }, thrown)
  })
  const opened = open(MAGIC, VERSION, bytes)
  if ('problem' in opened) throw failure('TRACE_DAMAGED', { path, problem: opened.problem })
  try {
    const inputs = [...decodeInputs(opened.payload)]
    requireSession(inputs)
    return inputs
  } catch (thrown) {
    throw failure('TRACE_DAMAGED', { path, problem: asProblem(thrown) }, thrown)
  }
}

/** A session is one from start to end, and its times never go back. */
function requireSession(inputs: readonly Input[]): void {
  if (inputs[0]?.kind !== 'session' || inputs.at(-1)?.kind !== 'end') {
    throw new Error('it does not start with a session and stop with its end')
  }
  let lastMs = 0
  for (const [i, { kind, atMs }] of inputs.entries()) {
    if (atMs < lastMs) throw new Error(`the time of its entry ${i} goes back`)
    lastMs = atMs
    const isFrame = kind === 'session' ? i > 0 : kind === 'end' && i < inputs.length - 1
    if (isFrame) throw new Error(`its entry ${i} belongs to another session`)
  }
}
