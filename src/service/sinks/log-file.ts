/**
 * A file of lines that is only appended to, of our own making or left by a run before:
 *
 *   PATH   PATH.1   PATH.2 ... PATH.keep      the newest first; each but the last line of none is torn
 *
 * It is opened again when it was moved away or removed, as logrotate does. Symbolic links and everything that is no regular
 * file are refused. Not safe for two writers that rotate.
 */
import { constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'

/** What of `node:fs/promises` it takes. */
export type FileSystem = Pick<
  typeof import('node:fs/promises'),
  'open' | 'lstat' | 'rename' | 'unlink'
>

export interface LogFileOptions {
  /** Absolute. */
  readonly path: string
  /** Bytes that a file has at most, unless a single line is longer. */
  readonly maxBytes: number
  /** How many rotated files are kept. */
  readonly keep: number
  /** Of files that are made here, whatever the umask is. */
  readonly mode: number
  readonly fs: FileSystem
}

const { O_RDWR, O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants
/** O_NONBLOCK: a FIFO must not hold us up until it is found to be one. */
const FLAGS = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
/** Longer than any line of ours. */
const TAIL_BYTES = 1 << 20
const NEWLINE = 0x0a

interface Open {
  readonly handle: FileHandle
  readonly dev: number
  readonly ino: number
}

export class LogFile {
  readonly #options: LogFileOptions
  #open: Open | undefined

  constructor(options: LogFileOptions) {
    this.#options = options
  }

  /**
   * Appends whole lines (each with its newline) and resolves with how many, when they are on disk: those that fit into the
   * current file, or else one file's worth after rotating. Rejects with the error of the file system; what was written of the
   * lines by then is taken back if possible.
   */
  async append(lines: readonly string[]): Promise<number> {
    try {
      let open = await this.#current()
      let { size } = await open.handle.stat()
      const { maxBytes } = this.#options
      let fitting = fit(lines, maxBytes - size)
      if (fitting === 0 && size > 0) {
        await this.#rotate()
        open = await this.#current()
        ;({ size } = await open.handle.stat())
        fitting = fit(lines, maxBytes - size)
      }
      const count = Math.max(1, fitting)
      await write(open.handle, Buffer.from(lines.slice(0, count).join('')), size)
      return count
    } catch (thrown) {
      await this.close()
      throw thrown
    }
  }

  /** Never rejects. */
  async close(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    await open?.handle.close().catch(() => undefined)
  }

  /** The file that is at the path now. */
  async #current(): Promise<Open> {
    const { path, fs } = this.#options
    if (this.#open !== undefined) {
      const found = await fs.lstat(path).catch(() => undefined)
      if (found?.dev === this.#open.dev && found.ino === this.#open.ino) return this.#open
      await this.close()
    }
    const handle = await this.#opened()
    try {
      const stat = await handle.stat()
      if (!stat.isFile()) throw new Error(`${path} is no regular file`)
      await mend(handle, stat.size)
      this.#open = { handle, dev: stat.dev, ino: stat.ino }
      return this.#open
    } catch (thrown) {
      await handle.close()
      throw thrown
    }
  }

  async #opened(): Promise<FileHandle> {
    const { path, fs, mode } = this.#options
    try {
      const handle = await fs.open(path, FLAGS | O_CREAT | O_EXCL, 0o600)
      await handle.chmod(mode)
      await this.#syncDirectory()
      return handle
    } catch (thrown) {
      if (codeOf(thrown) !== 'EEXIST') throw thrown
    }
    return fs.open(path, FLAGS).catch((thrown: unknown) => {
      if (codeOf(thrown) !== 'ELOOP') throw thrown
      throw new Error(`${path} is a symbolic link`, { cause: thrown })
    })
  }

  async #rotate(): Promise<void> {
    const { path, keep, fs } = this.#options
    await this.close()
    if (keep === 0) await fs.unlink(path)
    for (let nr = keep; nr > 0; nr--) {
      const from = nr === 1 ? path : `${path}.${nr - 1}`
      await fs.rename(from, `${path}.${nr}`).catch((thrown: unknown) => {
        if (codeOf(thrown) !== 'ENOENT') throw thrown
      })
    }
    await this.#syncDirectory()
  }

  async #syncDirectory(): Promise<void> {
    const directory = await this.#options.fs.open(dirname(this.#options.path), constants.O_RDONLY)
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  }
}

/** How many of the lines, from the first, have room in so many bytes. */
function fit(lines: readonly string[], room: number): number {
  let bytes = 0
  const tooMany = lines.findIndex((line) => (bytes += Buffer.byteLength(line)) > room)
  return tooMany === -1 ? lines.length : tooMany
}

async function write(handle: FileHandle, bytes: Buffer, sizeBefore: number): Promise<void> {
  try {
    for (let at = 0; at < bytes.length;) {
      const { bytesWritten } = await handle.write(bytes, at)
      at += bytesWritten
    }
    await handle.datasync()
  } catch (thrown) {
    await takeBack(handle, sizeBefore).catch(() => undefined)
    throw thrown
  }
}

async function takeBack(handle: FileHandle, size: number): Promise<void> {
  // Somebody else may have emptied it; then it must not grow again.
  if ((await handle.stat()).size > size) await handle.truncate(size)
}

/**
 * A last line without its end was torn by a crash. What is evidently a part of one of ours is removed, since its event comes
 * again; anything else gets its newline.
 */
async function mend(handle: FileHandle, size: number): Promise<void> {
  const length = Math.min(size, TAIL_BYTES)
  const tail = Buffer.alloc(length)
  const { bytesRead } = await handle.read(tail, 0, length, size - length)
  if (bytesRead === 0 || tail[bytesRead - 1] === NEWLINE) return
  const start = tail.lastIndexOf(NEWLINE, bytesRead - 1) + 1
  const torn = tail.toString('utf8', start, bytesRead)
  const isWholeStart = start > 0 || length === size
  if (isWholeStart && isPartOfOurs(torn)) await handle.truncate(size - (bytesRead - start))
  else await handle.write('\n')
}

const BEGINNING = '{"type":"'

function isPartOfOurs(text: string): boolean {
  if (!text.startsWith(BEGINNING) && !BEGINNING.startsWith(text)) return false
  try {
    JSON.parse(text)
    return false
  } catch {
    return true
  }
}

function codeOf(thrown: unknown): string | undefined {
  return (thrown as NodeJS.ErrnoException).code
}
