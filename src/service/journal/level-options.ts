/** What a journal on disk is opened with, and the bounds that it has where none are given. */
import type { probeDisk } from './disk-problem.js'
import type { Bounds } from './entry-ring.js'
import type { openStore } from './open-store.js'

/** What the journal needs of time; the engine's clock has it. */
export interface JournalClock {
  nowMs(): number
  /** Resolves after `ms`, or at once when `signal` is aborted; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export interface Retention {
  readonly maxAgeMs: number
  /** Of events before LevelDB compresses them; the directory may be some tens of MiB larger. */
  readonly maxBytes: number
}

export interface LevelJournalOptions {
  /** Made if it is not there. */
  readonly directory: string
  readonly clock: JournalClock
  readonly retention?: Partial<Retention>
  /** Of events that wait to be written. */
  readonly pendingLimit?: Bounds
  /** Of events in memory for readers. */
  readonly ringLimit?: Bounds
  /** Other ways to the disk, for tests of one that fails. */
  readonly openStore?: typeof openStore
  readonly probeDisk?: typeof probeDisk
}

const MIB = 1024 * 1024
const DAY_MS = 24 * 60 * 60 * 1000

export const RETENTION: Retention = { maxAgeMs: 30 * DAY_MS, maxBytes: 512 * MIB }
export const PENDING_LIMIT: Bounds = { count: 65_536, bytes: 64 * MIB }
export const RING_LIMIT: Bounds = { count: 4096, bytes: 32 * MIB }
/** Of one commit: what it takes is what readers wait, and LevelDB has a copy of it. */
export const COMMIT_LIMIT: Bounds = { count: 1024, bytes: 4 * MIB }
