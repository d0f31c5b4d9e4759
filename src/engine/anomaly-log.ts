/**
 * Anomalies on disk, so that they can be looked at after the session: JSON lines in segments of bounded size below
 * `anomalies` in the state directory, the oldest of which go. One line tells of an anomaly that was raised, or of how often
 * it was seen since. One writer at a time. Nothing reads them any more: the journal takes their place.
 */
import { mkdir, open, readdir, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { AnomalyView } from '../detect/anomaly-view.js'
import { asProblem, failure } from '../errors.js'

/** How often an anomaly has been seen by then. */
export interface RepeatLine {
  readonly id: string
  readonly count: number
  readonly last: string
}

const SEGMENT_BYTES = 16 * 1024 * 1024
const SEGMENTS_KEPT = 8
const SEGMENT = /^(\d{1,12})\.jsonl$/

export class AnomalyLog {
  readonly #directory: string
  #segment = 0
  #file: FileHandle | undefined
  #bytes = 0
  #writing: Promise<void> = Promise.resolve()
  #problem: string | undefined

  private constructor(directory: string) {
    this.#directory = directory
  }

  /** The log of that state directory, ready to be added to in a segment of its own. Throws `FILE_UNWRITABLE`. */
  static async open(stateDir: string): Promise<AnomalyLog> {
    const log = new AnomalyLog(directoryOf(stateDir))
    try {
      await mkdir(log.#directory, { recursive: true, mode: 0o700 })
      log.#segment = (await segmentsIn(log.#directory)).at(-1) ?? 0
      await log.#next()
    } catch (thrown) {
      throw failure('FILE_UNWRITABLE', { path: log.#directory, problem: asProblem(thrown) }, thrown)
    }
    return log
  }

  /** Adds an anomaly; returns at once, lines are written in order. */
  raised(anomaly: AnomalyView): void {
    this.#add(anomaly)
  }

  /** Adds how often it was seen; likewise. */
  repeated(repeat: RepeatLine): void {
    this.#add(repeat)
  }

  /** Why the last line could not be written; undefined while all is well. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** Resolves when everything so far is on disk, or could not be put there. */
  async close(): Promise<void> {
    await this.#writing
    await this.#file?.datasync().catch(() => undefined)
    await this.#file?.close()
    this.#file = undefined
  }

  #add(line: AnomalyView | RepeatLine): void {
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`)
    this.#writing = this.#writing.then(async () => {
      try {
        if (this.#bytes + bytes.length > SEGMENT_BYTES) await this.#next()
        await this.#file?.appendFile(bytes)
        this.#bytes += bytes.length
        this.#problem = undefined
      } catch (thrown) {
        this.#problem = asProblem(thrown)
      }
    })
  }

  async #next(): Promise<void> {
    await this.#file?.close()
    this.#segment++
    this.#file = await open(pathOf(this.#directory, this.#segment), 'a', 0o600)
    this.#bytes = 0
    const segments = await segmentsIn(this.#directory)
    for (const old of segments.slice(0, -SEGMENTS_KEPT)) await rm(pathOf(this.#directory, old))
  }
}

function directoryOf(stateDir: string): string {
  return join(stateDir, 'anomalies')
}

function pathOf(directory: string, segment: number): string {
  return join(directory, `${segment}.jsonl`)
}

/** Ascending; none if there is no directory. */
async function segmentsIn(directory: string): Promise<readonly number[]> {
  let names: readonly string[]
  try {
    names = await readdir(directory)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw thrown
  }
  return names
    .map((name) => Number(SEGMENT.exec(name)?.[1]))
    .filter((segment) => segment > 0)
    .toSorted((a, b) => a - b)
}
