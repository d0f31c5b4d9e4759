/**
 * The files below a directory that a container writes to, with hashes of their content. The container chose the names and may
 * go on changing them: every step goes from an open directory to a name in it without following links, so that nothing
 * outside is ever read, and only regular files are opened. Bounded in entries, depth and bytes.
 */
import { createHash } from 'node:crypto'
import { constants, type BigIntStats } from 'node:fs'
import { type FileHandle, lstat, open, opendir, readlink } from 'node:fs/promises'
import { byteStringOf, bytesOf, displayOf, type ByteString } from '../bytes.js'

/** Milliseconds since the epoch; ids and mode as lstat has them. */
export interface ChangedFile {
  /** Below the directory, printable. */
  readonly path: string
  readonly type: 'file' | 'directory' | 'link' | 'deleted' | 'device' | 'fifo' | 'socket'
  readonly bytes: number
  /** Octal permissions. */
  readonly mode: string
  readonly uid: number
  readonly gid: number
  readonly mtimeMs: number
  readonly ctimeMs: number
  /** Of a file's whole content. */
  readonly sha256?: string
  /** Why there is no hash. */
  readonly notHashed?: string
  /** Of a link, printable. */
  readonly target?: string
}

export interface ChangedFiles {
  readonly files: readonly ChangedFile[]
  /** What was left out, and why; printable. */
  readonly notes: readonly string[]
}

export interface ChangedLimits {
  readonly maxEntries: number
  readonly maxDepth: number
  /** Longer files are listed without a hash. */
  readonly maxFileBytes: number
  /** Over all hashed files. */
  readonly maxHashedBytes: number
}

export const CHANGED_LIMITS: ChangedLimits = {
  maxEntries: 16_384,
  // Each level holds a descriptor.
  maxDepth: 64,
  maxFileBytes: 64 * 1024 * 1024,
  maxHashedBytes: 512 * 1024 * 1024,
}

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants
const CHUNK_BYTES = 256 * 1024

/** What lies below the directory, in no particular order. Never rejects: what cannot be read is a note. */
export async function changedFilesIn(
  directory: ByteString,
  limits: ChangedLimits = CHANGED_LIMITS,
): Promise<ChangedFiles> {
  const walk = new Walk(limits)
  try {
    const root = await open(Buffer.from(bytesOf(directory)), O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    await walk.enter(root, '' as ByteString, 0)
  } catch (thrown) {
    walk.note(`the upper layer cannot be read: ${problemOf(thrown)}`)
  }
  return { files: walk.files, notes: [...walk.notes] }
}

class Walk {
  readonly files: ChangedFile[] = []
  readonly notes = new Set<string>()
  readonly #limits: ChangedLimits
  #hashedBytes = 0

  constructor(limits: ChangedLimits) {
    this.#limits = limits
  }

  note(text: string): void {
    // A set, and of few texts, so that a container cannot make it grow.
    this.notes.add(text)
  }

  /** Lists what is in the open directory, and closes it. */
  async enter(directory: FileHandle, path: ByteString, depth: number): Promise<void> {
    try {
      // Not a name but the open directory itself, which cannot be replaced.
      const here = `/proc/self/fd/${directory.fd}`
      for await (const entry of await opendir(here, { encoding: 'buffer' as BufferEncoding })) {
        if (this.files.length >= this.#limits.maxEntries) {
          this.note(`more than ${this.#limits.maxEntries} entries: the others are left out`)
          return
        }
        await this.#visit(here, entry.name as unknown as Buffer, path, depth)
      }
    } catch (thrown) {
      this.note(`a directory could not be read to its end: ${problemOf(thrown)}`)
    } finally {
      await directory.close()
    }
  }

  async #visit(here: string, name: Buffer, parent: ByteString, depth: number): Promise<void> {
    const at = Buffer.concat([Buffer.from(`${here}/`), name])
    const path = `${parent}/${byteStringOf(name)}` as ByteString
    try {
      const stat = await lstat(at, { bigint: true })
      const record = recordOf(path, stat)
      if (stat.isFile()) this.files.push({ ...record, ...(await this.#hashed(at, stat)) })
      else if (stat.isSymbolicLink()) {
        const target = displayOf(byteStringOf(await readlink(at, { encoding: 'buffer' })))
        this.files.push({ ...record, target })
      } else this.files.push(record)
      if (!stat.isDirectory()) return
      if (depth >= this.#limits.maxDepth) {
        this.note(
          `directories more than ${this.#limits.maxDepth} deep: what is in them is left out`,
        )
        return
      }
      await this.enter(await open(at, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), path, depth + 1)
    } catch {
      this.note('some entries went away or changed while they were read')
    }
  }

  async #hashed(at: Buffer, { size, ino, dev }: BigIntStats): Promise<Partial<ChangedFile>> {
    const { maxFileBytes, maxHashedBytes } = this.#limits
    if (size > maxFileBytes) return { notHashed: `longer than ${maxFileBytes} bytes` }
    if (this.#hashedBytes + Number(size) > maxHashedBytes) {
      return { notHashed: `more than ${maxHashedBytes} bytes in all` }
    }
    // Not blocking: a fifo may have taken its place.
    const file = await open(at, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    try {
      const opened = await file.stat({ bigint: true })
      if (!opened.isFile() || opened.ino !== ino || opened.dev !== dev) {
        return { notHashed: 'replaced while it was read' }
      }
      const hash = createHash('sha256')
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
      for (let hashed = 0; ;) {
        const { bytesRead } = await file.read(chunk, 0, chunk.length, null)
        if (bytesRead === 0) return { sha256: hash.digest('hex') }
        hash.update(chunk.subarray(0, bytesRead))
        hashed += bytesRead
        this.#hashedBytes += bytesRead
        if (hashed > maxFileBytes) return { notHashed: 'growing while it was read' }
      }
    } finally {
      await file.close()
    }
  }
}

function recordOf(path: ByteString, stat: BigIntStats): ChangedFile {
  return {
    path: displayOf(path),
    type: typeOf(stat),
    bytes: Number(stat.size),
    mode: (Number(stat.mode) & 0o7777).toString(8).padStart(4, '0'),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mtimeMs: Number(stat.mtimeMs),
    ctimeMs: Number(stat.ctimeMs),
  }
}

function typeOf(stat: BigIntStats): ChangedFile['type'] {
  if (stat.isFile()) return 'file'
  if (stat.isDirectory()) return 'directory'
  if (stat.isSymbolicLink()) return 'link'
  if (stat.isFIFO()) return 'fifo'
  if (stat.isSocket()) return 'socket'
  // A whiteout of overlayfs: the image's file of that name was deleted.
  return stat.isCharacterDevice() && stat.rdev === 0n ? 'deleted' : 'device'
}

/** The code alone: the message would name a descriptor. */
function problemOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unexpected failure'
}
