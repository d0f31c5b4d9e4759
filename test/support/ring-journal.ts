/** A journal in memory for many readers: it looks nothing up and keeps the latest events only. */
import type { JournalEntry } from '../../src/service/journal/journal.js'
import { MemoryJournal } from './memory-journal.js'

export class RingJournal extends MemoryJournal {
  readonly #kept: number

  constructor(kept: number) {
    super()
    this.#kept = kept
  }

  override tell(): void {
    const last = this.entries.at(-1)?.sequence ?? 0
    if (this.entries.length >= this.#kept * 2) this.forget(last - this.#kept)
    super.tell()
  }

  override recent(after: number, limit: number): readonly JournalEntry[] | undefined {
    const at = after + 1 - (this.entries[0]?.sequence ?? 1)
    return at < 0 ? undefined : this.entries.slice(at, at + limit)
  }
}
