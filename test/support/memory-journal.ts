/** A journal without a disk, for tests of what reads it: durable when the test says so, and forgetful when the test says so. */
import { plimsoll } from '../../src/gen/plimsoll.js'
import { cursorText } from '../../src/service/journal/cursor.js'
import type {
  Journal,
  JournalEntry,
  JournalEvent,
  JournalState,
  KeptAnomaly,
} from '../../src/service/journal/journal.js'

export class MemoryJournal implements Journal {
  readonly epoch: string
  readonly entries: JournalEntry[] = []
  readonly positions = new Map<string, number>()
  /** Sequences up to this one are only on disk, as far as readers are told. */
  onDiskOnly = 0
  problem: string | undefined
  readonly #listeners = new Set<() => void>()
  #last = 0

  constructor(epoch = '0123456789abcdef') {
    this.epoch = epoch
  }

  append(event: JournalEvent): void {
    const sequence = ++this.#last
    const cursor = cursorText({ epoch: this.epoch, sequence })
    const message = { ...event, cursor }
    const bytes = plimsoll.v1.WatchResponse.encode(message).finish()
    this.entries.push({ sequence, message, bytes })
    this.tell()
  }

  /** Lets go of everything up to that sequence. */
  forget(sequence: number): void {
    const kept = this.entries.filter((entry) => entry.sequence > sequence)
    this.entries.splice(0, this.entries.length, ...kept)
  }

  tell(): void {
    for (const listener of this.#listeners) listener()
  }

  get subscribers(): number {
    return this.#listeners.size
  }

  state(): JournalState {
    const first = this.entries[0]?.sequence ?? 0
    const last = this.entries.at(-1)?.sequence ?? 0
    return { problem: this.problem, first, last, pending: 0, lost: 0, bytes: 0 }
  }

  recent(after: number, limit: number): readonly JournalEntry[] | undefined {
    const from = this.entries[0]?.sequence ?? this.#last + 1
    if (after < this.onDiskOnly || after + 1 < from) return undefined
    return this.#after(after, limit)
  }

  async read(after: number, limit: number): Promise<readonly JournalEntry[]> {
    return this.#after(after, limit)
  }

  async anomaly(id: string): Promise<KeptAnomaly | undefined> {
    const told = this.entries.filter(({ message }) => message.anomaly?.id === id)
    const [first] = told
    const anomaly = first?.message.anomaly
    if (first === undefined || anomaly == null) return undefined
    const { count = 0, lastSeenMs = 0 } = told.at(-1)?.message.anomaly ?? anomaly
    return { anomaly: { ...anomaly, count, lastSeenMs }, sequence: first.sequence }
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async flushed(): Promise<void> {}

  async position(name: string): Promise<number | undefined> {
    return this.positions.get(name)
  }

  async setPosition(name: string, sequence: number): Promise<void> {
    this.positions.set(name, sequence)
  }

  async close(): Promise<void> {}

  #after(after: number, limit: number): readonly JournalEntry[] {
    return this.entries.filter(({ sequence }) => sequence > after).slice(0, limit)
  }
}
