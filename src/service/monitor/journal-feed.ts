/**
 * The journal as many readers share it: its end is looked up once for all, readers at the same place get the same list, and
 * only a few read from disk at a time, since each page that is read has to be decoded on this thread.
 */
import type { JournalEntry, JournalReader, JournalState } from '../journal/journal.js'
import { cursorText } from '../journal/cursor.js'
import { Gate } from './gate.js'

const READS_AT_A_TIME = 2

export class JournalFeed {
  readonly #journal: JournalReader
  readonly #reads = new Gate(READS_AT_A_TIME)
  #state: JournalState
  /** The last answer of `recent`, and to what. */
  #memo: { after: number; limit: number; entries: readonly JournalEntry[] | undefined } | undefined

  constructor(journal: JournalReader) {
    this.#journal = journal
    this.#state = journal.state()
  }

  get epoch(): string {
    return this.#journal.epoch
  }

  /** As it was when `refresh` was last called. */
  get state(): JournalState {
    return this.#state
  }

  /** To be called when the journal tells of something. */
  refresh(): void {
    this.#state = this.#journal.state()
    this.#memo = undefined
  }

  cursorOf(sequence: number): string {
    return cursorText({ epoch: this.#journal.epoch, sequence })
  }

  /** As `JournalReader.recent`. */
  recent(after: number, limit: number): readonly JournalEntry[] | undefined {
    const memo = this.#memo
    if (memo !== undefined && memo.after === after && memo.limit === limit) return memo.entries
    const entries = this.#journal.recent(after, limit)
    this.#memo = { after, limit, entries }
    return entries
  }

  /** As `JournalReader.read`, once it is its turn; empty without reading if `isUnwanted` by then. */
  read(
    after: number,
    limit: number,
    isUnwanted: () => boolean = () => false,
  ): Promise<readonly JournalEntry[]> {
    return this.#reads.run(async () => (isUnwanted() ? [] : await this.#journal.read(after, limit)))
  }
}
