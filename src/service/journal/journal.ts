/**
 * What the rest of the service knows of the journal: an ordered, durable record of events that is written at one place and
 * read at many. `level-journal` keeps it on disk.
 *
 *   append --> pending (bounded) --> disk, synced --> ring of the latest --> readers
 *
 * An event is seen by no reader before it is durable. Sequences begin at 1 and have no holes within an epoch; what could not
 * be written is itself an event, a gap.
 */
import type { plimsoll } from '../../gen/plimsoll.js'

/** What is appended: the event of a `WatchResponse`, and when it happened. The cursor is set by the journal. */
export type JournalEvent = Omit<plimsoll.v1.WatchResponse.$Properties, 'cursor'>

/** An event in the journal. Not to be changed. */
export interface JournalEntry {
  readonly sequence: number
  /** Complete, with its cursor. */
  readonly message: plimsoll.v1.WatchResponse.$Properties
  /** The same, encoded: what is on disk, and what is sent to those who want all fields. */
  readonly bytes: Uint8Array
}

/** How the journal is. */
export interface JournalState {
  /** Why it cannot be written, in a line; undefined while it can. */
  readonly problem: string | undefined
  /** Of the oldest and the newest event that is kept; both 0 where there is none. */
  readonly first: number
  readonly last: number
  /** Events that wait to be written. */
  readonly pending: number
  /** Events that found no room to wait since the journal was last writable. */
  readonly lost: number
  /** On disk, about. */
  readonly bytes: number
}

export interface JournalReader {
  /**
   * Names this journal for as long as it exists; 16 hexadecimal digits. `UNKNOWN_EPOCH` of `cursor` for as long as the disk did
   * not let it be opened: nothing can be read then, and what changes that calls back listeners.
   */
  readonly epoch: string
  state(): JournalState
  /**
   * At most `limit` events with sequences above `after`, in their order, from memory; undefined if some of them are only on
   * disk. Empty where there are none yet. O(`limit`).
   */
  recent(after: number, limit: number): readonly JournalEntry[] | undefined
  /**
   * The same from disk. If the first sequence is not `after` + 1, those between are not kept any more. Fewer than `limit` do not
   * mean that there are no more: it ends before damaged ones, and begins behind them the next time. Rejects with
   * `JOURNAL_UNREADABLE`.
   */
  read(after: number, limit: number): Promise<readonly JournalEntry[]>
  /** The first occurrence of the anomaly, and its latest count; undefined if it is not kept. Rejects likewise. */
  anomaly(id: string): Promise<KeptAnomaly | undefined>
  /** Calls back after events became durable, and when `state().problem` changes, until the returned function is called. */
  subscribe(listener: () => void): () => void
}

export interface KeptAnomaly {
  /** State NEW, with its timeline, `count` and `lastSeenMs` as they were last told. */
  readonly anomaly: plimsoll.v1.Anomaly.$Properties
  /** Of its first occurrence. */
  readonly sequence: number
}

export interface Journal extends JournalReader {
  /**
   * Takes an event; returns at once. One without `atMs` gets the time. What finds no room is counted, and told by a gap once there
   * is room again. After `close` nothing is taken.
   */
  append(event: JournalEvent): void
  /** Resolves when everything that was appended before is durable, or found to be impossible to write for now. */
  flushed(): Promise<void>
  /** Where a reader of that name (a sink) was; undefined for a new one. */
  position(name: string): Promise<number | undefined>
  /** Remembers that; durable when it resolves. Rejects with `JOURNAL_UNWRITABLE`. */
  setPosition(name: string, sequence: number): Promise<void>
  /** Writes what can be written, and lets go of the store. */
  close(): Promise<void>
}
