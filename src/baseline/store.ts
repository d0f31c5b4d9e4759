/**
 * Baselines on disk:
 *
 *   DIR/baselines/container-<64 hex>/7.plb      newest revision: what counts
 *                                    6.plb ...  up to nine older ones, to go back to
 *
 * A revision is published once and never changed. A save continues the revision that was loaded; if another one is there
 * by now, it is refused instead of losing what the other writer learned. Damaged files are reported and left alone: they are
 * never skipped in favour of an older revision, overwritten, or pruned.
 */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { failure, PlimsollError } from '../errors.js'
import type { Baseline } from './baseline.js'
import { decodeBaseline, encodeBaseline } from './codec.js'
import { type ImageIdentity, imageKeyOf } from './image-identity.js'
import { matchesOf } from './reference.js'
import * as files from './store-files.js'

/** Revisions of an image that are kept. */
export const REVISIONS_KEPT = 10

/** One image in the store; `path` is its newest revision. */
export type StoreEntry = StoredEntry | DamagedEntry

export interface StoredEntry {
  readonly kind: 'baseline'
  readonly key: string
  readonly path: string
  readonly image: ImageIdentity
  readonly baseline: Baseline
}

export interface DamagedEntry {
  readonly kind: 'damaged'
  readonly key: string
  readonly path: string
  readonly problem: string
}

const KEY = /^(?:container|command)-[0-9a-f]{64}$/

export class BaselineStore {
  readonly #root: string
  readonly #fs: files.StoreFs
  /** Saves of one process queue up here, so that two ticks never race each other. */
  #lastSave: Promise<unknown> = Promise.resolve()

  /** `dir` is the state directory; it is made when something is saved. */
  constructor(dir: string, fs: files.StoreFs = files.HOST_FS) {
    this.#root = join(dir, 'baselines')
    this.#fs = fs
  }

  /**
   * Stores the baseline as the next revision and sets `baseline.revision` to it. The state at the time of the call's turn
   * is what is stored. Throws `BASELINE_CONFLICT` if the stored revision is not the one that this baseline continues,
   * `STORE_UNWRITABLE` if writing fails; `baseline.revision` then still names the newest stored revision.
   */
  save(baseline: Baseline): Promise<void> {
    const saved = this.#lastSave.then(() => this.#save(baseline))
    this.#lastSave = saved.catch(() => undefined)
    return saved
  }

  /**
   * The newest revision of what `ref` means; see `find`. Throws `STORE_DAMAGED` if that file is damaged, whatever older
   * revisions there are.
   */
  async load(ref: string): Promise<Baseline> {
    return baselineOf(await this.#match(ref))
  }

  /**
   * That revision of what `ref` means; see `find`. Throws `REVISION_NOT_FOUND` if it is not kept, `STORE_DAMAGED` if its file
   * is damaged.
   */
  async loadRevision(ref: string, revision: number): Promise<Baseline> {
    const key = await this.find(ref)
    const directory = join(this.#root, key)
    const kept = await reading(directory, () => files.revisionsIn(this.#fs, directory))
    if (!kept.includes(revision)) {
      throw failure('REVISION_NOT_FOUND', { image: ref, revision, kept: kept.join(', ') })
    }
    return baselineOf(await this.#entryAt(key, revision))
  }

  /** The newest revision of the image, or undefined if it has none. Throws `STORE_DAMAGED`. */
  async loadImage(image: Pick<ImageIdentity, 'kind' | 'digest'>): Promise<Baseline | undefined> {
    const entry = await this.#entryOf(imageKeyOf(image))
    return entry === undefined ? undefined : baselineOf(entry)
  }

  /** All images by key, the damaged ones with what is wrong. Reads every newest file. */
  async list(): Promise<StoreEntry[]> {
    const names = await reading(this.#root, () => files.namesIn(this.#fs, this.#root))
    const entries: StoreEntry[] = []
    for (const key of names.filter((name) => KEY.test(name)).sort()) {
      const entry = await this.#entryOf(key)
      if (entry !== undefined) entries.push(entry)
    }
    return entries
  }

  /** The newest revision of every image, by key. Reads directories only: cheap enough to see every few seconds what changed. */
  async newest(): Promise<ReadonlyMap<string, number>> {
    const names = await reading(this.#root, () => files.namesIn(this.#fs, this.#root))
    const newest = new Map<string, number>()
    for (const key of names.filter((name) => KEY.test(name)).sort()) {
      const directory = join(this.#root, key)
      const revision = (await reading(directory, () => files.revisionsIn(this.#fs, directory))).at(
        -1,
      )
      if (revision !== undefined) newest.set(key, revision)
    }
    return newest
  }

  /**
   * The key of what `ref` means: a key, a digest or at least 6 digits of one, or a name with or without tag and registry.
   * Throws `BASELINE_NOT_FOUND`, `BASELINE_AMBIGUOUS`, or `STORE_DAMAGED` if nothing matches but a file that cannot
   * be read may be the one.
   */
  async find(ref: string): Promise<string> {
    return (await this.#match(ref)).key
  }

  /** Deletes all revisions of what `ref` means, damaged or not, and returns its key. The newest goes last. */
  async remove(ref: string): Promise<string> {
    const { key } = await this.#match(ref)
    const directory = join(this.#root, key)
    await writing(directory, async () => {
      for (const revision of await files.revisionsIn(this.#fs, directory)) {
        await files.unlinkIfThere(this.#fs, files.revisionPath(directory, revision))
      }
      await this.#fs.rmdir(directory).catch((error: unknown) => {
        // Something else lies there; an image without revisions is gone all the same.
        if (!files.isCode(error, 'ENOTEMPTY')) throw error
      })
    })
    return key
  }

  async #match(ref: string): Promise<StoreEntry> {
    const entries = await this.list()
    const [match, ...others] = matchesOf(ref, entries)
    if (match === undefined) {
      const damaged = entries.find((entry) => entry.kind === 'damaged')
      if (damaged !== undefined) baselineOf(damaged)
      throw failure('BASELINE_NOT_FOUND', { ref })
    }
    if (others.length > 0) {
      const candidates = [match, ...others].map(labelOf).join(', ')
      throw failure('BASELINE_AMBIGUOUS', { ref, count: others.length + 1, candidates })
    }
    return match
  }

  async #entryOf(key: string): Promise<StoreEntry | undefined> {
    const directory = join(this.#root, key)
    const revisions = await reading(directory, () => files.revisionsIn(this.#fs, directory))
    const revision = revisions.at(-1)
    return revision === undefined ? undefined : this.#entryAt(key, revision)
  }

  async #entryAt(key: string, revision: number): Promise<StoreEntry> {
    const path = files.revisionPath(join(this.#root, key), revision)
    const decoded = decodeBaseline(await reading(path, () => files.readBounded(this.#fs, path)))
    if ('problem' in decoded) return { kind: 'damaged', key, path, problem: decoded.problem }
    const { baseline } = decoded
    if (imageKeyOf(baseline.image) !== key || baseline.revision !== revision) {
      const found = `revision ${baseline.revision} of ${imageKeyOf(baseline.image)}`
      return { kind: 'damaged', key, path, problem: `it is misplaced: it holds ${found}` }
    }
    return { kind: 'baseline', key, path, image: baseline.image, baseline }
  }

  async #save(baseline: Baseline): Promise<void> {
    const directory = join(this.#root, imageKeyOf(baseline.image))
    const expected = baseline.revision
    const next = expected + 1
    const bytes = encodeBaseline(baseline, next)
    await writing(directory, async () => {
      await this.#fs.mkdir(directory, { recursive: true, mode: 0o700 })
      const found = (await files.revisionsIn(this.#fs, directory)).at(-1) ?? 0
      if (found !== expected) throw conflict(baseline, found)
      const isOurs = await files.publish(this.#fs, directory, next, bytes, randomUUID())
      if (!isOurs) throw conflict(baseline, next)
      baseline.revision = next
      await files.syncDirectory(this.#fs, directory)
      // The directory itself is new.
      if (found === 0) await files.syncDirectory(this.#fs, this.#root)
      await this.#tidy(directory, next)
    })
  }

  /** Prunes old revisions and the leavings of crashes. A damaged file stays: it may be all that is left of something. */
  async #tidy(directory: string, newest: number): Promise<void> {
    const { mtimeMs } = await this.#fs.stat(files.revisionPath(directory, newest))
    await files.removeStale(this.#fs, directory, mtimeMs)
    const revisions = await files.revisionsIn(this.#fs, directory)
    for (const revision of revisions.slice(0, -REVISIONS_KEPT)) {
      const path = files.revisionPath(directory, revision)
      if ('problem' in decodeBaseline(await files.readBounded(this.#fs, path))) continue
      await files.unlinkIfThere(this.#fs, path)
    }
  }
}

function baselineOf(entry: StoreEntry): Baseline {
  if (entry.kind === 'baseline') return entry.baseline
  throw failure('STORE_DAMAGED', { path: entry.path, problem: entry.problem })
}

function labelOf(entry: StoreEntry): string {
  const short = entry.key.slice(0, entry.key.indexOf('-') + 13)
  return entry.kind === 'baseline' ? `${entry.image.name} (${short})` : short
}

function conflict(baseline: Baseline, found: number): PlimsollError {
  const { image, revision } = baseline
  return failure('BASELINE_CONFLICT', { image: image.name, expected: revision, found })
}

function reading<T>(path: string, work: () => Promise<T>): Promise<T> {
  return wrapped('STORE_UNREADABLE', path, work)
}

function writing<T>(path: string, work: () => Promise<T>): Promise<T> {
  return wrapped('STORE_UNWRITABLE', path, work)
}

async function wrapped<T>(
  code: 'STORE_UNREADABLE' | 'STORE_UNWRITABLE',
  path: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof PlimsollError) throw error
    const problem = error instanceof Error ? error.message : String(error)
    throw failure(code, { path, problem }, error)
  }
}
