/**
 * Pages of the operator log. A page token is the place in the file where the next page begins, with its direction: the log is only
 * ever added to, so that places stay what they are, and a page costs no more than what is in it.
 */
import type { FileHandle } from 'node:fs/promises'
import { byteStringOf, displayOf } from '../../bytes.js'
import { asProblem, failure, PlimsollError } from '../../errors.js'
import { detailsOf, type OperatorEntry, parseLine } from './entry.js'
import {
  bytesAt,
  linesBefore,
  linesOf,
  type LogLine,
  openLog,
  operatorLogPath,
} from './log-file.js'

export interface PageRequest {
  /** At most so many; 0 means 100, more than 500 means 500. */
  readonly pageSize: number
  /** Of the page before; empty for the first. */
  readonly pageToken: string
  /** The latest first. */
  readonly descending: boolean
}

/** A line that is no entry is listed as one of phase `damaged`, so that nothing is left out: sequence 0, its text in `details`. */
export type ListedEntry = Omit<OperatorEntry, 'phase'> & { readonly phase: string }

export interface LogPage {
  readonly entries: readonly ListedEntry[]
  /** Empty after the last. */
  readonly nextPageToken: string
}

const PAGE_DEFAULT = 100
const PAGE_LIMIT = 500
/** Clients take messages of 4 MiB. */
const PAGE_BYTES = 2 * 1024 * 1024
const SHOWN_BYTES = 1024

const TOKEN = /^([ad])(0|[1-9]\d{0,15})$/

/** A page of the log of the state directory. Throws `BAD_REQUEST` for a token that no page had, and `AUDIT_UNREADABLE`. */
export async function operatorLogPage(
  stateDirectory: string,
  request: PageRequest,
): Promise<LogPage> {
  const path = operatorLogPath(stateDirectory)
  let file: FileHandle | undefined
  try {
    file = await openLog(path)
    if (file !== undefined) return await pageOf(file, request)
    if (request.pageToken !== '') throw noToken()
    return { entries: [], nextPageToken: '' }
  } catch (thrown) {
    if (thrown instanceof PlimsollError) throw thrown
    throw failure('AUDIT_UNREADABLE', { path, problem: asProblem(thrown) }, thrown)
  } finally {
    await file?.close()
  }
}

async function pageOf(file: FileHandle, request: PageRequest): Promise<LogPage> {
  const { descending } = request
  const limit = Math.min(request.pageSize || PAGE_DEFAULT, PAGE_LIMIT)
  const start = await startOf(file, request)
  const lines = descending ? linesBefore(file, start) : linesOf(file, start)
  const entries: ListedEntry[] = []
  let bytes = 0
  for await (const line of lines) {
    // What is not finished is being written, or will be put on record as cut off.
    if (!line.isEnded) break
    if (entries.length === limit || bytes + line.bytes.length > PAGE_BYTES) {
      const next = descending ? `d${line.end}` : `a${line.offset}`
      return { entries, nextPageToken: next }
    }
    entries.push(entryOf(line))
    bytes += line.bytes.length
  }
  return { entries, nextPageToken: '' }
}

async function startOf(file: FileHandle, { pageToken, descending }: PageRequest): Promise<number> {
  const { size } = await file.stat()
  if (pageToken === '') return descending ? endOfLines(file, size) : 0
  const [, direction, digits] = TOKEN.exec(pageToken) ?? []
  const offset = Number(digits)
  const isSame = direction === (descending ? 'd' : 'a')
  if (!isSame || offset > size || !(await isBetweenLines(file, offset))) throw noToken()
  return offset
}

async function isBetweenLines(file: FileHandle, offset: number): Promise<boolean> {
  return offset === 0 || (await bytesAt(file, offset - 1, 1))[0] === 0x0a
}

/** Behind the last newline. */
async function endOfLines(file: FileHandle, size: number): Promise<number> {
  for (let end = size; end > 0;) {
    const from = Math.max(0, end - 64 * 1024)
    const newline = (await bytesAt(file, from, end - from)).lastIndexOf(0x0a)
    if (newline >= 0) return from + newline + 1
    end = from
  }
  return 0
}

function entryOf({ bytes }: LogLine): ListedEntry {
  const entry = parseLine(bytes)
  if (typeof entry !== 'string') return entry
  const text = displayOf(byteStringOf(bytes.subarray(0, SHOWN_BYTES)))
  const nothing = { actor: '', action: '', target: '', reason: '', previous: '', hash: '' }
  return {
    ...nothing,
    sequence: 0,
    atMs: 0,
    phase: 'damaged',
    details: detailsOf({ problem: entry, text }),
  }
}

function noToken(): PlimsollError {
  return failure('BAD_REQUEST', { field: 'page_token', problem: 'no page ended with it' })
}
