/**
 * Values of the database, and back. An event is `SHA-256, 8 bytes of it | WatchResponse`, because LevelDB does not check what it
 * reads; everything else is JSON. What cannot be read is undefined. Pure.
 */
import { createHash } from 'node:crypto'
import { plimsoll } from '../../gen/plimsoll.js'
import { cursorText } from './cursor.js'
import type { JournalEntry, JournalEvent } from './journal.js'
import { sequenceOf } from './journal-keys.js'

/** Of all rows. A database with a higher number is left alone. */
export const FORMAT = 1

/** What is told once, when the journal is made. */
export interface JournalRow {
  readonly format: number
  readonly epoch: string
}

/** What the journal keeps; written with every change. With nothing in it, `first` is `last` + 1. */
export interface Kept {
  readonly first: number
  readonly last: number
  /** Of all events with their keys, as they were before LevelDB compressed them. */
  readonly bytes: number
}

/** What was last told of an anomaly, and in which event. */
export interface LatestRow {
  readonly sequence: number
  readonly count: number
  readonly lastSeenMs: number
}

/** Key and value. */
export type Row = [Uint8Array, Uint8Array]

const { WatchResponse } = plimsoll.v1
const CHECKSUM_BYTES = 8
/** Field 1, length-delimited: what the bytes of a message with a cursor begin with. */
const CURSOR_TAG = 0x0a

/** The event without its cursor, encoded. Throws on values that no message has. */
export function encodedEvent(event: JournalEvent): Uint8Array {
  return WatchResponse.encode(event).finish()
}

/** The event at its place: `encoded` with the cursor ahead, which is how the message with it is encoded. */
export function entryAt(
  place: { readonly epoch: string; readonly sequence: number },
  event: JournalEvent,
  encoded: Uint8Array,
): JournalEntry {
  const cursor = cursorText(place)
  const head = Buffer.from(`\0\0${cursor}`, 'latin1')
  head.writeUInt8(CURSOR_TAG, 0)
  head.writeUInt8(cursor.length, 1)
  const bytes = Buffer.concat([head, encoded])
  return { sequence: place.sequence, message: { ...event, cursor }, bytes }
}

export function entryRow({ bytes }: JournalEntry): Buffer {
  return Buffer.concat([checksumOf(bytes), bytes])
}

/** The event in a row; its message has plain numbers, as that of an event which was appended. */
export function entryOf(sequence: number, row: Uint8Array): JournalEntry | undefined {
  const bytes = row.subarray(CHECKSUM_BYTES)
  if (!checksumOf(bytes).equals(row.subarray(0, CHECKSUM_BYTES))) return undefined
  try {
    const message = WatchResponse.toObject(WatchResponse.decode(bytes), { longs: Number })
    return { sequence, message, bytes }
  } catch {
    return undefined
  }
}

/** Up to the first hole behind the first event that can be read. */
export function unbroken(rows: readonly Row[]): readonly JournalEntry[] {
  const entries: JournalEntry[] = []
  for (const [key, value] of rows) {
    const entry = entryOf(sequenceOf(key), value)
    const before = entries.at(-1)
    if (entry === undefined && before !== undefined) break
    if (entry === undefined) continue
    if (before !== undefined && entry.sequence !== before.sequence + 1) break
    entries.push(entry)
  }
  return entries
}

export function jsonRow(row: JournalRow | Kept | LatestRow | number): Buffer {
  return Buffer.from(JSON.stringify(row))
}

export function journalOf(row: Uint8Array): JournalRow | undefined {
  const { format, epoch } = fieldsOf(row)
  if (typeof format !== 'number' || typeof epoch !== 'string') return undefined
  return { format, epoch }
}

export function keptOf(row: Uint8Array): Kept | undefined {
  const { first, last, bytes } = fieldsOf(row)
  return isWhole(first) && isWhole(last) && isWhole(bytes) ? { first, last, bytes } : undefined
}

export function latestOf(row: Uint8Array): LatestRow | undefined {
  const { sequence, count, lastSeenMs } = fieldsOf(row)
  if (!isWhole(sequence) || !isWhole(count) || !isWhole(lastSeenMs)) return undefined
  return { sequence, count, lastSeenMs }
}

export function numberIn(row: Uint8Array): number | undefined {
  const value = parsed(row)
  return isWhole(value) ? value : undefined
}

function checksumOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest().subarray(0, CHECKSUM_BYTES)
}

function fieldsOf(row: Uint8Array): Readonly<Record<string, unknown>> {
  const value = parsed(row)
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function parsed(row: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(row).toString('utf8')) as unknown
  } catch {
    return undefined
  }
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
