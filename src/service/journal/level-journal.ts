/**
 * The journal on disk. One loop writes: all that waits goes in one synced commit, then into the ring, then readers are told.
 *
 * When the disk refuses, events go on waiting (bounded, see `pending-events`), the database stays open for readers for as long as it
 * is of no use to open it again, and the loop tries until it is written. A commit that failed may still have reached the disk:
 * what is found there afterwards decides, so that nothing is written twice.
 *
 * A journal can begin without its disk. Its epoch is then `UNKNOWN_EPOCH`, and nothing can be read until the disk was: the
 * epoch that is found there, or made there, is the one that counts.
 */
import { failure, PlimsollError } from '../../errors.js'
import { UNKNOWN_EPOCH } from './cursor.js'
import { diskProblem, Trouble } from './disk-problem.js'
import { EntryRing } from './entry-ring.js'
import { JournalDisk } from './journal-disk.js'
import type { Journal, JournalEntry, JournalEvent, JournalState, KeptAnomaly } from './journal.js'
import { entryAt, type Kept } from './journal-rows.js'
import { type Commit, holds, type JournalStore } from './journal-store.js'
import {
  COMMIT_LIMIT,
  type LevelJournalOptions,
  PENDING_LIMIT,
  RETENTION,
  RING_LIMIT,
} from './level-options.js'
import type { Opened, OpenedStore } from './open-store.js'
import { PendingEvents } from './pending-events.js'
import { Pruning } from './pruning.js'
import { ReaderPositions } from './reader-positions.js'

/** How often it is looked whether something is too old. */
const AGE_CHECK_MS = 60_000
const CLOSED = 'it is closed'

export class LevelJournal implements Journal {
  readonly #options: LevelJournalOptions
  readonly #pruning: Pruning
  readonly #disk: JournalDisk
  readonly #pending: PendingEvents
  readonly #positions: ReaderPositions
  readonly #listeners = new Set<() => void>()
  readonly #trouble = new Trouble()
  readonly #closing = new AbortController()
  #ring: EntryRing
  #opened: Opened | undefined
  #epoch = UNKNOWN_EPOCH
  #kept: Kept = { first: 1, last: 0, bytes: 0 }
  /** A commit whose outcome is not known: of the oldest events that wait. */
  #attempt: Commit | undefined
  #closed: Promise<void> | undefined
  #working: Promise<void> | undefined

  private constructor(options: LevelJournalOptions) {
    const { directory, pendingLimit = PENDING_LIMIT } = options
    this.#options = options
    this.#pruning = new Pruning({ ...RETENTION, ...options.retention })
    this.#disk = new JournalDisk(options)
    this.#pending = new PendingEvents(pendingLimit)
    this.#positions = new ReaderPositions(directory)
    this.#ring = this.#ringFrom(0)
  }

  /**
   * The journal in that directory, which only one process can have open. Rejects with `JOURNAL_IN_USE`, and with
   * `JOURNAL_UNREADABLE` for one of a newer plimsoll. Where the disk does not let it be opened or made, it begins all the same,
   * with `state().problem`, and tries again by itself.
   */
  static async open(options: LevelJournalOptions): Promise<LevelJournal> {
    const journal = new LevelJournal(options)
    try {
      await journal.#open()
    } catch (thrown) {
      if (thrown instanceof PlimsollError) throw thrown
      journal.#fail(thrown)
    }
    void journal.#watchAge()
    journal.#wake()
    return journal
  }

  /** What was found when it was opened; undefined until it could be. */
  get opened(): Opened | undefined {
    return this.#opened
  }

  get epoch(): string {
    return this.#epoch
  }

  state(): JournalState {
    const { first, last, bytes } = this.#kept
    return {
      problem: this.#trouble.problem,
      first: first > last ? 0 : first,
      last,
      pending: this.#pending.count,
      lost: this.#pending.lost,
      bytes,
    }
  }

  append(event: JournalEvent): void {
    if (this.#closing.signal.aborted) return
    const nowMs = this.#options.clock.nowMs()
    this.#pending.add({ ...event, atMs: event.atMs ?? nowMs }, nowMs)
    this.#wake()
  }

  recent(after: number, limit: number): readonly JournalEntry[] | undefined {
    return this.#ring.after(after, limit)
  }

  async read(after: number, limit: number): Promise<readonly JournalEntry[]> {
    try {
      return await this.#ask((store) => store.read(after, this.#ring.last, limit))
    } catch (thrown) {
      const recent = this.#opened === undefined ? undefined : this.recent(after, limit)
      return recent ?? this.#unreadable(thrown)
    }
  }

  async anomaly(id: string): Promise<KeptAnomaly | undefined> {
    try {
      return await this.#ask((store) => store.anomaly(id))
    } catch (thrown) {
      return this.#ring.anomaly(id) ?? this.#unreadable(thrown)
    }
  }

  subscribe(listener: () => void): () => void {
    const own = (): void => listener()
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  async flushed(): Promise<void> {
    if (this.#closed !== undefined) await this.#closed
    else if (this.#trouble.problem === undefined) await this.#pending.whenWritten()
  }

  async position(name: string): Promise<number | undefined> {
    if (this.#opened === undefined) this.#unreadable(this.#trouble.problem)
    return this.#positions.of(name)
  }

  async setPosition(name: string, sequence: number): Promise<void> {
    const problem = this.#closing.signal.aborted ? CLOSED : this.#trouble.problem
    if (problem !== undefined) throw this.#positions.unwritable(problem)
    const written = this.#positions.set(name, sequence)
    this.#wake()
    await written
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close())
  }

  async #close(): Promise<void> {
    this.#closing.abort()
    this.#wake()
    await this.#working
    await this.#disk.close()
    this.#positions.fail(CLOSED)
    this.#pending.giveUp()
  }

  #wake(): void {
    this.#working ??= this.#work()
  }

  async #work(): Promise<void> {
    // What is appended in one go is one commit.
    await Promise.resolve()
    while (this.#hasWork()) {
      const isLastTry = this.#closing.signal.aborted
      if (this.#trouble.problem !== undefined && !isLastTry) {
        await this.#options.clock.sleep(this.#trouble.retryMs, this.#closing.signal)
      }
      try {
        await this.#step()
      } catch (thrown) {
        this.#fail(thrown)
        if (isLastTry) break
      }
    }
    // Nothing may be awaited between the last look and this.
    this.#working = undefined
  }

  #hasWork(): boolean {
    if (this.#trouble.problem !== undefined || this.#pending.count > 0) return true
    if (this.#positions.isWaiting) return true
    return this.#pruning.isDue(this.#kept) && !this.#closing.signal.aborted
  }

  async #step(): Promise<void> {
    const store = this.#trouble.problem === undefined ? this.#disk.store : await this.#open()
    if (store === undefined) return
    const attempt = this.#formed(store)
    if (attempt.entries.length > 0 || attempt.positions.size > 0) {
      this.#attempt = attempt
      await store.commit(attempt)
      this.#written(store, attempt)
    }
    await this.#pruning.afterCommit(store, bytesOf(attempt), this.#options.clock.nowMs())
    this.#kept = { ...store.kept, last: this.#ring.last }
    if (this.#trouble.over()) this.#tell()
  }

  /** The oldest that wait, at the places behind the last. */
  #formed({ epoch, kept }: JournalStore): Commit {
    let sequence = Math.max(kept.last, this.#kept.last)
    const entries = this.#pending
      .oldest(COMMIT_LIMIT)
      .map(({ event, encoded }) => entryAt({ epoch, sequence: ++sequence }, event, encoded))
    return { entries, positions: this.#positions.take() }
  }

  #written({ kept }: JournalStore, { entries }: Commit): void {
    this.#attempt = undefined
    this.#kept = kept
    this.#ring.add(entries)
    this.#pending.drop(entries.length)
    this.#pending.tellOfLoss(this.#options.clock.nowMs())
    this.#positions.written()
    if (entries.length > 0) this.#tell()
  }

  async #watchAge(): Promise<void> {
    const { clock } = this.#options
    while (!this.#closing.signal.aborted) {
      this.#pruning.checkAge()
      this.#wake()
      await clock.sleep(AGE_CHECK_MS, this.#closing.signal)
    }
  }

  #fail(thrown: unknown): void {
    const isNews = this.#trouble.met(thrown)
    this.#positions.fail(diskProblem(thrown))
    this.#pending.giveUp()
    if (isNews) this.#tell()
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }

  async #open(): Promise<JournalStore> {
    const next = this.#ring.all()[0]?.sequence ?? this.#ring.last + 1
    const { isDamaged } = this.#trouble
    const isKnown = this.#epoch !== UNKNOWN_EPOCH
    const origin = isKnown ? { epoch: this.#epoch, next, isDamaged } : undefined
    return await this.#disk.open(origin, (opened) => this.#adopt(opened))
  }

  async #adopt({ store, opened }: OpenedStore): Promise<void> {
    if (store.epoch !== this.#epoch) this.#begin(store, opened)
    else if (opened.kind !== 'continued') await this.#restore(store, opened)
    const attempt = this.#attempt
    if (attempt !== undefined && (await holds(store, attempt))) this.#written(store, attempt)
    this.#attempt = undefined
    // At the start, or where another process had the journal meanwhile.
    if (store.kept.last > this.#ring.last) this.#ring = this.#ringFrom(store.kept.last)
    this.#kept = { ...store.kept, last: this.#ring.last }
  }

  /** The database says which journal this is. */
  #begin(store: JournalStore, opened: Opened): void {
    this.#opened = opened
    this.#epoch = store.epoch
    this.#kept = store.kept
    this.#positions.begin(store.positions)
    this.#ring = this.#ringFrom(store.kept.last)
  }

  /** The database was lost while this journal ran: it goes on in another one, with what is in memory. */
  async #restore(store: JournalStore, opened: Opened): Promise<void> {
    this.#opened = opened
    this.#trouble.replaced()
    await store.commit({ entries: this.#ring.all(), positions: this.#positions.all() })
  }

  #ringFrom(last: number): EntryRing {
    return new EntryRing(this.#options.ringLimit ?? RING_LIMIT, last)
  }

  #ask<T>(question: (store: JournalStore) => Promise<T>): Promise<T> {
    return this.#disk.ask(question, () => this.#trouble.problem ?? 'it is not open')
  }

  #unreadable(thrown: unknown): never {
    const { directory: path } = this.#options
    throw failure('JOURNAL_UNREADABLE', { path, problem: diskProblem(thrown) }, thrown)
  }
}

function bytesOf({ entries }: Commit): number {
  return entries.reduce((sum, { bytes }) => sum + bytes.length, 0)
}
