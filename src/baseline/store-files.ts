/**
 * Revision files of one image's directory: reading, and publishing a new one so that it is either there in full or not at
 * all, and never in the place of another.
 */
import * as nodeFs from 'node:fs/promises'
import { join } from 'node:path'
import { FILE_LIMIT_BYTES } from './codec.js'

/** The part of `node:fs/promises` that the store uses. */
export type StoreFs = Pick<
  typeof nodeFs,
  'mkdir' | 'open' | 'readdir' | 'link' | 'unlink' | 'rmdir' | 'stat'
>

/** The file system of the host. */
export const HOST_FS: StoreFs = nodeFs

const REVISION = /^([1-9]\d{0,14})\.plb$/
const TEMPORARY = /^\.tmp-/
/** A temporary file that is older than a new one by this much was left by a crash. */
const STALE_MS = 3_600_000

export function revisionPath(directory: string, revision: number): string {
  return join(directory, `${revision}.plb`)
}

/** The revisions in the directory, ascending; none if there is no directory. Other files are not ours and are ignored. */
export async function revisionsIn(fs: StoreFs, directory: string): Promise<number[]> {
  return (await namesIn(fs, directory))
    .map((name) => Number(REVISION.exec(name)?.[1]))
    .filter((revision) => revision > 0)
    .sort((a, b) => a - b)
}

/** The names in the directory; none if there is no directory. */
export async function namesIn(fs: StoreFs, directory: string): Promise<string[]> {
  try {
    return await fs.readdir(directory)
  } catch (error) {
    if (isCode(error, 'ENOENT')) return []
    throw error
  }
}

/** The bytes of the file; of one beyond the limit of the codec only so many that the codec sees it is too long. */
export async function readBounded(fs: StoreFs, path: string): Promise<Uint8Array> {
  const file = await fs.open(path, 'r')
  try {
    const { size } = await file.stat()
    const bytes = Buffer.alloc(Math.min(size, FILE_LIMIT_BYTES + 1))
    let filled = 0
    while (filled < bytes.length) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return bytes.subarray(0, filled)
  } finally {
    await file.close()
  }
}

/**
 * Writes the bytes as that revision: temporary file, fsync, link to its name; `syncDirectory` is what is left to do.
 * `link` and not `rename`, because it fails where the name is taken; that is what makes two writers of one revision
 * impossible. Returns false, with nothing changed, if the revision exists.
 */
export async function publish(
  fs: StoreFs,
  directory: string,
  revision: number,
  bytes: Uint8Array,
  unique: string,
): Promise<boolean> {
  const temporary = join(directory, `.tmp-${unique}`)
  try {
    await writeDurably(fs, temporary, bytes)
    await fs.link(temporary, revisionPath(directory, revision))
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false
    throw error
  } finally {
    // What cannot be removed now is found by `removeStale` later; the outcome of the save does not hang on it.
    await fs.unlink(temporary).catch(() => undefined)
  }
  return true
}

/** Makes names in the directory durable. */
export async function syncDirectory(fs: StoreFs, directory: string): Promise<void> {
  const handle = await fs.open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Removes temporary files of writers that crashed; `nowMs` is the clock of the file system. */
export async function removeStale(fs: StoreFs, directory: string, nowMs: number): Promise<void> {
  for (const name of await namesIn(fs, directory)) {
    if (!TEMPORARY.test(name)) continue
    const path = join(directory, name)
    // Another writer may be done with its file at any moment.
    const facts = await fs.stat(path).catch(() => undefined)
    if (facts !== undefined && nowMs - facts.mtimeMs > STALE_MS) await unlinkIfThere(fs, path)
  }
}

export async function unlinkIfThere(fs: StoreFs, path: string): Promise<void> {
  try {
    await fs.unlink(path)
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error
  }
}

export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code
}

async function writeDurably(fs: StoreFs, path: string, bytes: Uint8Array): Promise<void> {
  const file = await fs.open(path, 'wx', 0o600)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}
