/**
 * The database while it is open, and the way to open it again once it failed. It stays open for readers for as long as it is of no
 * use to open it again; while that goes on, they wait.
 */
import { PlimsollError } from '../../errors.js'
import { probeDisk } from './disk-problem.js'
import type { JournalStore } from './journal-store.js'
import type { LevelJournalOptions } from './level-options.js'
import { type OpenedStore, openStore, type Origin } from './open-store.js'

/** `plimsoll anomaly ls` may have it open for a moment. */
const LOCKED_TRIES = 5
const LOCKED_RETRY_MS = 250

export class JournalDisk {
  readonly #options: LevelJournalOptions
  #store: JournalStore | undefined
  #opening: Promise<void> | undefined

  constructor(options: LevelJournalOptions) {
    this.#options = options
  }

  /** Undefined until it could be opened, and once it could not be opened again. */
  get store(): JournalStore | undefined {
    return this.#store
  }

  /**
   * Opens it anew, and has `adopt` look at it before any reader does. Rejects with what the disk says, also without having tried:
   * then it is open as before.
   */
  async open(
    origin: Origin | undefined,
    adopt: (opened: OpenedStore) => Promise<void>,
  ): Promise<JournalStore> {
    const { directory, probeDisk: probe = probeDisk } = this.#options
    if (this.#store !== undefined) await probe(directory)
    const opening = this.#open(origin, adopt)
    this.#opening = opening.then(
      () => undefined,
      () => undefined,
    )
    try {
      return await opening
    } finally {
      this.#opening = undefined
    }
  }

  /** What the database answers, which stays open until it did. Rejects with `problem` while it is not open. */
  async ask<T>(question: (store: JournalStore) => Promise<T>, problem: () => string): Promise<T> {
    while (this.#opening !== undefined) await this.#opening
    if (this.#store === undefined) throw new Error(problem())
    return await question(this.#store)
  }

  /** Waits for readers. Never rejects: what is durable is so already. */
  async close(): Promise<void> {
    const store = this.#store
    this.#store = undefined
    await store?.close().catch(() => undefined)
  }

  async #open(
    origin: Origin | undefined,
    adopt: (opened: OpenedStore) => Promise<void>,
  ): Promise<JournalStore> {
    await this.close()
    const opened = await this.#unlocked(origin)
    this.#store = opened.store
    await adopt(opened)
    return opened.store
  }

  async #unlocked(origin: Origin | undefined): Promise<OpenedStore> {
    const { directory, clock, openStore: open = openStore } = this.#options
    for (let tries = 1; ; tries++) {
      try {
        return await open(directory, clock.nowMs(), origin)
      } catch (thrown) {
        const isLocked = thrown instanceof PlimsollError && thrown.code === 'JOURNAL_IN_USE'
        if (!isLocked || tries === LOCKED_TRIES) throw thrown
        await clock.sleep(LOCKED_RETRY_MS)
      }
    }
  }
}
