/** Files that may be missing, which is an answer and no failure. */
import { mkdir, readFile, unlink } from 'node:fs/promises'
import { asProblem, failure } from '../errors.js'

/** Whether that is what the file system throws for a name that is not there. */
export function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && (thrown as NodeJS.ErrnoException).code === 'ENOENT'
}

/** The text of the file; undefined if it is not there. Throws `FILE_UNREADABLE`. */
export async function textAt(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (thrown) {
    if (isMissing(thrown)) return undefined
    throw failure('FILE_UNREADABLE', { path, problem: asProblem(thrown) }, thrown)
  }
}

/** Removes the file; false if it is not there. Throws `FILE_UNWRITABLE`. */
export async function removeFile(path: string): Promise<boolean> {
  try {
    await unlink(path)
    return true
  } catch (thrown) {
    if (isMissing(thrown)) return false
    throw failure('FILE_UNWRITABLE', { path, problem: asProblem(thrown) }, thrown)
  }
}

/** Makes the directory and those above it. Throws `FILE_UNWRITABLE`. */
export async function makeDirectory(path: string, mode = 0o755): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode })
  } catch (thrown) {
    throw failure('FILE_UNWRITABLE', { path, problem: asProblem(thrown) }, thrown)
  }
}
