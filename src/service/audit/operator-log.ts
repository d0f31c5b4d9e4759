/**
 * The operator log, `STATE/audit/operator.jsonl`: appended to by every plimsoll process that changes something, one at a time.
 * The end of the file is read again under the lock, so that the chain goes on whoever wrote last; an entry is on disk when it
 * is said to be. What a crash left unfinished at the end is set aside, cut off, and put on record:
 *
 *   operator.jsonl        {..}\n{..}\n{"sequ         a crash
 *   operator.torn         {"sequ                     kept until its entry is on disk
 *   operator.jsonl        {..}\n{..}\n{"sequence":3,..,"action":"recovered",..}\n
 *
 * How the lines are written is `entry`, who checks them `verify-log`.
 */
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, readFile, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { byteStringOf, displayOf } from '../../bytes.js'
import { asProblem, failure } from '../../errors.js'
import { sweep, withLock } from './append-lock.js'
import {
  type ChainEnd,
  detailsOf,
  type EntryFacts,
  LINE_BYTES,
  nextLine,
  NO_LINES,
  type OperatorEntry,
  parseLine,
} from './entry.js'
import { bytesAt, operatorLogPath } from './log-file.js'
import type {
  OperatorIntent,
  OperatorOutcome,
  OperatorRecorder,
  RecordedAction,
} from './recorder.js'

export interface OperatorLogOptions {
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number
}

interface Waiting {
  readonly facts: EntryFacts
  readonly resolve: (entry: OperatorEntry) => void
  readonly reject: (thrown: unknown) => void
}

/** Entries that wait for the disk; more is a flood, and is refused. */
const WAITING_LIMIT = 1024
/** Entries that are written at once. */
const BATCH = 64
/** Of what was cut off, as it goes on record. */
const TORN_SHOWN_BYTES = 1024

const OPENING = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW

export class OperatorLog implements OperatorRecorder {
  readonly #path: string
  readonly #tornPath: string
  readonly #options: OperatorLogOptions
  readonly #waiting: Waiting[] = []
  #isWriting = false
  #isSwept = false

  /** Nothing is made or read before the first entry. */
  constructor(stateDirectory: string, options: OperatorLogOptions) {
    this.#path = operatorLogPath(stateDirectory)
    this.#tornPath = join(dirname(this.#path), 'operator.torn')
    this.#options = options
  }

  async begin(intent: OperatorIntent): Promise<RecordedAction> {
    const { actor, action, target, reason } = intent
    const said = { actor, action, target, reason }
    const begun = await this.#append({
      ...said,
      atMs: this.#options.nowMs(),
      phase: 'begun',
      details: detailsOf(intent.details ?? {}),
    })
    return { end: (outcome, details) => this.#end(said, begun.sequence, outcome, details) }
  }

  async #end(
    said: Pick<OperatorIntent, 'actor' | 'action' | 'target' | 'reason'>,
    begun: number,
    outcome: OperatorOutcome,
    details: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    await this.#append({
      ...said,
      atMs: this.#options.nowMs(),
      phase: outcome,
      details: detailsOf({ begun, ...details }),
    })
  }

  /** Takes its place in the queue at once; what was asked first is written first. */
  #append(facts: EntryFacts): Promise<OperatorEntry> {
    if (this.#waiting.length >= WAITING_LIMIT) {
      return Promise.reject(this.#unwritable(`${WAITING_LIMIT} entries wait to be written`))
    }
    const written = new Promise<OperatorEntry>((resolve, reject) => {
      this.#waiting.push({ facts, resolve, reject })
    })
    if (!this.#isWriting) void this.#writeAll()
    return written
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH)
      try {
        const entries = await this.#write(batch.map(({ facts }) => facts))
        for (const [at, { resolve, reject }] of batch.entries()) {
          const entry = entries[at]
          if (entry === undefined) reject(this.#unwritable('it was not written'))
          else resolve(entry)
        }
      } catch (thrown) {
        for (const { reject } of batch) reject(this.#unwritable(asProblem(thrown), thrown))
      }
    }
    this.#isWriting = false
  }

  async #write(batch: readonly EntryFacts[]): Promise<readonly OperatorEntry[]> {
    const directory = dirname(this.#path)
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const lockPath = join(directory, 'operator.lock')
    if (!this.#isSwept) await sweep(lockPath)
    this.#isSwept = true
    return withLock(lockPath, async () => {
      const file = await open(this.#path, OPENING, 0o600)
      try {
        const recovered = await this.#recover(file)
        const { end, offset } = await endOf(file)
        const all = recovered === undefined ? batch : [recovered, ...batch]
        const entries = await append(file, end, offset, all)
        if (end.sequence === 0) await syncDirectory(directory)
        if (recovered !== undefined) await unlink(this.#tornPath)
        return recovered === undefined ? entries : entries.slice(1)
      } finally {
        await file.close()
      }
    })
  }

  /** Cuts off what is unfinished; what has to be put on record about it, now or since a crash while that was done. */
  async #recover(file: FileHandle): Promise<EntryFacts | undefined> {
    const torn = await tornOf(file)
    if (torn !== undefined) {
      await writeSynced(this.#tornPath, torn.bytes)
      await file.truncate(torn.offset)
      await file.sync()
    }
    const bytes = torn?.bytes ?? (await readFile(this.#tornPath).catch(() => undefined))
    if (bytes === undefined) return undefined
    return {
      atMs: this.#options.nowMs(),
      actor: 'plimsoll',
      action: 'recovered',
      target: 'audit/operator.jsonl',
      reason: 'the last line was not finished: plimsoll or the host ended while it was written',
      phase: 'done',
      details: detailsOf({
        bytes: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
        text: displayOf(byteStringOf(bytes.subarray(0, TORN_SHOWN_BYTES))),
      }),
    }
  }

  #unwritable(problem: string, cause?: unknown): Error {
    return failure('AUDIT_UNWRITABLE', { path: this.#path, problem }, cause)
  }
}

/** What the file ends with instead of a newline. Throws for more than a crash can leave. */
async function tornOf(
  file: FileHandle,
): Promise<{ readonly bytes: Buffer; readonly offset: number } | undefined> {
  const { size } = await file.stat()
  const from = Math.max(0, size - BATCH * LINE_BYTES)
  if (size === 0 || (await bytesAt(file, size - 1, 1))[0] === 0x0a) return undefined
  const bytes = await bytesAt(file, from, size - from)
  const newline = bytes.lastIndexOf(0x0a)
  if (newline < 0 && from > 0) throw new Error(`its last ${bytes.length} bytes are no entry`)
  return { bytes: bytes.subarray(newline + 1), offset: from + newline + 1 }
}

/** The last line of a file that ends with one. Throws where it does not hold: nothing is chained to what was altered. */
async function endOf(
  file: FileHandle,
): Promise<{ readonly end: ChainEnd; readonly offset: number }> {
  const { size } = await file.stat()
  if (size === 0) return { end: NO_LINES, offset: 0 }
  const from = Math.max(0, size - LINE_BYTES - 1)
  const bytes = await bytesAt(file, from, size - from)
  const newline = bytes.lastIndexOf(0x0a, bytes.length - 2)
  const entry = parseLine(bytes.subarray(newline + 1, bytes.length - 1))
  if (typeof entry === 'string') {
    throw new Error(`its last line is damaged (${entry}); look with \`plimsoll audit verify\``)
  }
  return { end: entry, offset: size }
}

/** Appends all or nothing, as far as the disk allows. */
async function append(
  file: FileHandle,
  end: ChainEnd,
  offset: number,
  batch: readonly EntryFacts[],
): Promise<readonly OperatorEntry[]> {
  const entries: OperatorEntry[] = []
  let text = ''
  let last = end
  for (const facts of batch) {
    const { line, entry } = nextLine(last, facts)
    entries.push(entry)
    text += line
    last = entry
  }
  try {
    await file.writeFile(text)
    await file.sync()
  } catch (thrown) {
    // None of them is known to be on disk, so none of them stays.
    await file.truncate(offset).catch(() => undefined)
    throw thrown
  }
  return entries
}

async function writeSynced(path: string, bytes: Buffer): Promise<void> {
  const file = await open(path, 'w', 0o600)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
