/**
 * Opens the database of the journal, or makes it. A damaged one is moved aside and never deleted, for LevelDB itself would
 * begin anew over the remains of one that lost its `CURRENT`.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rename } from 'node:fs/promises'
import { ClassicLevel } from 'classic-level'
import { failure } from '../../errors.js'
import { metaKey, POSITIONS, positionName } from './journal-keys.js'
import { FORMAT, jsonRow, journalOf, type Kept, keptOf, numberIn } from './journal-rows.js'
import { isCorruption, type JournalStore, type Level, LevelStore } from './journal-store.js'

/** What was found. */
export type Opened =
  | { readonly kind: 'new' }
  | { readonly kind: 'continued' }
  /** It was damaged, and lies there now. */
  | { readonly kind: 'replaced'; readonly movedTo: string }

/** What a new database goes on from, where one was lost under a journal that is running. */
export interface Origin {
  readonly epoch: string
  /** Of its first event. */
  readonly next: number
  /** Found in use: the database is to be moved aside, whether or not it can be opened. */
  readonly isDamaged?: boolean
}

export interface OpenedStore {
  readonly store: JournalStore
  readonly opened: Opened
}

/** The database cannot be read; the message is the end of a sentence. */
export class Damaged extends Error {
  override readonly name = 'Damaged'
}

/**
 * The database in that directory. Rejects with `JOURNAL_IN_USE`, with `JOURNAL_UNREADABLE` for one of a newer plimsoll, and with
 * what the system says where it can neither be opened nor made now.
 */
export async function openStore(
  directory: string,
  nowMs: number,
  origin?: Origin,
): Promise<OpenedStore> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const first: Origin = origin ?? { epoch: randomBytes(8).toString('hex'), next: 1 }
  try {
    if (first.isDamaged === true) throw new Damaged('it could not be written')
    return await opened(directory, first)
  } catch (thrown) {
    if (!(thrown instanceof Damaged)) throw thrown
  }
  const movedTo = `${directory}.damaged-${new Date(nowMs).toISOString()}`
  await rename(directory, movedTo)
  await mkdir(directory, { mode: 0o700 })
  const { store } = await opened(directory, first)
  return { store, opened: { kind: 'replaced', movedTo } }
}

/** Only to read it: undefined where there is none. Rejects with `Damaged` too, and leaves all as it is. */
export async function openExistingStore(directory: string): Promise<JournalStore | undefined> {
  const names = await namesIn(directory)
  if (!names.some(isOfLevel)) return undefined
  return (await opened(directory, undefined)).store
}

async function opened(directory: string, origin: Origin | undefined): Promise<OpenedStore> {
  const names = await namesIn(directory)
  if (names.some(isOfLevel) && !names.includes('CURRENT')) throw new Damaged('CURRENT is missing')
  const level: Level = new ClassicLevel(directory, { keyEncoding: 'view', valueEncoding: 'view' })
  try {
    await level.open({ createIfMissing: origin !== undefined })
  } catch (thrown) {
    throw openProblem(directory, thrown)
  }
  try {
    return await known(directory, level, origin)
  } catch (thrown) {
    await level.close()
    throw isCorruption(thrown) ? new Damaged((thrown as Error).message) : thrown
  }
}

async function known(
  directory: string,
  level: Level,
  origin: Origin | undefined,
): Promise<OpenedStore> {
  const [row, keptRow] = await level.getMany([metaKey('journal'), metaKey('kept')])
  if (row === undefined && keptRow === undefined && origin !== undefined) {
    const [any] = await level.keys({ limit: 1 }).all()
    if (any !== undefined) throw new Damaged('it has no head')
    return { store: await made(level, origin), opened: { kind: 'new' } }
  }
  const journal = row && journalOf(row)
  if (journal !== undefined && journal.format > FORMAT) {
    const problem = `it has the format ${journal.format} of a newer plimsoll`
    throw failure('JOURNAL_UNREADABLE', { path: directory, problem })
  }
  const kept = keptRow && keptOf(keptRow)
  if (journal === undefined || kept === undefined) throw new Damaged('its head cannot be read')
  const positions = await positionsIn(level)
  const store = new LevelStore(level, journal.epoch, kept, positions)
  return { store, opened: { kind: 'continued' } }
}

async function made(level: Level, { epoch, next }: Origin): Promise<JournalStore> {
  const kept: Kept = { first: next, last: next - 1, bytes: 0 }
  await level.batch(
    [
      { type: 'put', key: metaKey('journal'), value: jsonRow({ format: FORMAT, epoch }) },
      { type: 'put', key: metaKey('kept'), value: jsonRow(kept) },
    ],
    { sync: true },
  )
  return new LevelStore(level, epoch, kept, new Map())
}

async function positionsIn(level: Level): Promise<ReadonlyMap<string, number>> {
  const positions = new Map<string, number>()
  for (const [key, value] of await level.iterator(POSITIONS).all()) {
    const sequence = numberIn(value)
    if (sequence !== undefined) positions.set(positionName(key), sequence)
  }
  return positions
}

/** LevelDB says "No such file" of an open database only if one of its own files is gone. */
function openProblem(directory: string, thrown: unknown): unknown {
  const { code, cause } = thrown as { readonly code?: unknown; readonly cause?: unknown }
  const problem = code === 'LEVEL_DATABASE_NOT_OPEN' && cause !== undefined ? cause : thrown
  const { code: kind, message } = problem as { readonly code?: unknown; readonly message: string }
  if (kind === 'LEVEL_LOCKED') return failure('JOURNAL_IN_USE', { path: directory }, thrown)
  const isDamaged =
    kind === 'LEVEL_CORRUPTION' ||
    (kind === 'LEVEL_IO_ERROR' && message.endsWith('No such file or directory'))
  return isDamaged ? new Damaged(message) : problem
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw thrown
  }
}

/** Files that hold rows, or say where they are. */
function isOfLevel(name: string): boolean {
  return name === 'CURRENT' || /^MANIFEST-\d+$|^\d+\.(log|ldb|sst)$/.test(name)
}
