/**
 * Notes of containers that were made without the profile that was meant for them, or refused: one JSON line each, appended by
 * the hook and the runtime, read by whoever raises anomalies. The two sides meet in this file only, and either may be
 * missing: the file is bounded, and what does not fit is dropped.
 *
 * A reader that has read a long file moves it aside, so that there is room again; a writer that still had it open is read
 * with the next poll.
 */
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { memberAt, parseJson, stringAt } from '../workload/json-fields.js'

export const DEFAULT_SPOOL = '/run/plimsoll/unapplied.jsonl'

/** `started` without its profile, `refused`, or started without it because an annotation says so: `off`. */
export const OUTCOMES = ['started', 'refused', 'off'] as const
export type Outcome = (typeof OUTCOMES)[number]

/** Texts are whatever engine and image say: shown only escaped. Empty for what is not known. */
export interface UnappliedNote {
  readonly atMs: number
  readonly outcome: Outcome
  readonly containerId: string
  readonly imageDigest: string
  readonly imageName: string
  readonly reason: string
}

/** What was read. */
export interface UnappliedNotes {
  readonly notes: readonly UnappliedNote[]
  /** Lines that are no notes. */
  readonly garbage: number
  /** It had no room for more: notes may be missing. */
  readonly isFull: boolean
}

/** No note is appended to a file of this size. */
export const SPOOL_BYTES = 1024 * 1024
/** A reader moves a file of this size aside. */
const ROTATE_BYTES = SPOOL_BYTES / 4
/** Longest text of a note, in characters; a line stays below the size that one `write` appends whole. */
const TEXT_CHARACTERS = 512

/** Appends a note; returns why it could not, if so. Never throws. */
export function noteUnapplied(path: string, note: UnappliedNote): string | undefined {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW
    const file = openSync(path, flags, 0o600)
    try {
      if (fstatSync(file).size >= SPOOL_BYTES) return `${path} is full`
      writeSync(file, `${JSON.stringify(bounded(note))}\n`)
      return undefined
    } finally {
      closeSync(file)
    }
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown)
  }
}

/** All notes that are there; none where there is no file. Throws what the file system throws. */
export function readUnapplied(path: string): UnappliedNotes {
  return new UnappliedTail(path, { rotates: false }).poll()
}

/** Reads on from where it was. One that rotates has to be the only one of its file that does. */
export class UnappliedTail {
  readonly #path: string
  readonly #rotates: boolean
  #place: Place = START
  /** Where the file that was moved aside is read on. */
  #aside: Place | undefined

  /** `rotates: false` leaves the file where it is, however long. Begins with what is there already. */
  constructor(path: string, { rotates = true }: { readonly rotates?: boolean } = {}) {
    this.#path = path
    this.#rotates = rotates
  }

  /** What came since the last call. Throws what the file system throws, but for a file that is not there. */
  poll(): UnappliedNotes {
    const notes: UnappliedNote[] = []
    let garbage = 0
    const take = (path: string, place: Place): Place => {
      const read = readLines(path, place)
      for (const line of read.lines) {
        const note = noteOf(line)
        if (note === undefined) garbage++
        else notes.push(note)
      }
      return read.place
    }
    const aside = `${this.#path}.read`
    if (this.#aside !== undefined) {
      take(aside, this.#aside)
      this.#aside = undefined
      unlinkIfThere(aside)
    }
    this.#place = take(this.#path, this.#place)
    const isFull = this.#place.at >= SPOOL_BYTES
    if (this.#rotates && this.#place.at >= ROTATE_BYTES) {
      renameSync(this.#path, aside)
      this.#aside = this.#place
      this.#place = START
    }
    return { notes, garbage, isFull }
  }
}

/** A position in a file; another file under its name, or a shorter one, is read from its start. */
interface Place {
  readonly inode: number
  readonly at: number
}

const START: Place = { inode: 0, at: 0 }

/** The whole lines from `place` on. What has no end yet is left for the next time. */
function readLines(path: string, place: Place): { lines: readonly string[]; place: Place } {
  const file = openIfThere(path)
  if (file === undefined) return { lines: [], place: START }
  try {
    const { ino, size } = fstatSync(file)
    const from = ino === place.inode && place.at <= size ? place.at : 0
    // Writers stop at the bound, each at most one line late; a longer file is not theirs.
    const chunk = Buffer.alloc(Math.min(size - from, 2 * SPOOL_BYTES))
    const filled = chunk.length === 0 ? 0 : readSync(file, chunk, 0, chunk.length, from)
    const end = chunk.subarray(0, filled).lastIndexOf('\n') + 1
    const text = chunk.toString('utf8', 0, end)
    return { lines: text.split('\n').filter(Boolean), place: { inode: ino, at: from + end } }
  } finally {
    closeSync(file)
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (thrown) {
    if (isMissing(thrown)) return undefined
    throw thrown
  }
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path)
  } catch (thrown) {
    if (!isMissing(thrown)) throw thrown
  }
}

function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && (thrown as NodeJS.ErrnoException).code === 'ENOENT'
}

function noteOf(line: string): UnappliedNote | undefined {
  const found = parseJson(line)
  const outcome = OUTCOMES.find((one) => one === stringAt(found, 'outcome'))
  const atMs = memberAt(found, 'atMs')
  if (outcome === undefined || typeof atMs !== 'number') return undefined
  const text = (name: string): string => stringAt(found, name) ?? ''
  return bounded({
    atMs,
    outcome,
    containerId: text('containerId'),
    imageDigest: text('imageDigest'),
    imageName: text('imageName'),
    reason: text('reason'),
  })
}

function bounded(note: UnappliedNote): UnappliedNote {
  const cut = (text: string): string => text.slice(0, TEXT_CHARACTERS)
  return {
    atMs: note.atMs,
    outcome: note.outcome,
    containerId: cut(note.containerId),
    imageDigest: cut(note.imageDigest),
    imageName: cut(note.imageName),
    reason: cut(note.reason),
  }
}
