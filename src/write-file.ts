/** Writes a file whole or not at all. */
import { randomUUID } from 'node:crypto'
import { open, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { asProblem, failure } from './errors.js'

/**
 * Puts `content` at `path` on disk: a reader sees the old file or the new one, also after a crash. Replaces what is there.
 * `mode` is the file's, whatever the umask; without it 0644 less the umask. Throws `FILE_UNWRITABLE`; then `path` is as it was.
 */
export async function writeWhole(
  path: string,
  content: string | Uint8Array,
  mode?: number,
): Promise<void> {
  const draft = `${path}.${randomUUID()}.tmp`
  try {
    const file = await open(draft, 'wx', 0o644)
    try {
      await file.writeFile(content)
      if (mode !== undefined) await file.chmod(mode)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
    const directory = await open(dirname(path), 'r')
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  } catch (thrown) {
    await unlink(draft).catch(() => undefined)
    throw failure('FILE_UNWRITABLE', { path, problem: asProblem(thrown) }, thrown)
  }
}
