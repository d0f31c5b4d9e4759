/** Writes the files of a bundle, each on disk before the next, counts and hashes them, and seals them with the manifest. */
import { mkdir, open, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { recordText, syncDirectory, writeDurably } from './durable.js'
import {
  hashFile,
  type Manifest,
  MANIFEST_FILE,
  MANIFEST_HASH_FILE,
  type ManifestFile,
  manifestHashText,
  sha256Of,
} from './manifest.js'

/** What is left for others on the file system of the incidents. */
const RESERVED_BYTES = 256 * 1024 * 1024

export class BundleWriter {
  readonly #directory: string
  readonly #maxBytes: number
  readonly #files: ManifestFile[] = []
  readonly #notes = new Set<string>()
  #bytes = 0

  /** `directory` exists; all files together have at most `maxBytes`. */
  constructor(directory: string, maxBytes: number) {
    this.#directory = directory
    this.#maxBytes = maxBytes
  }

  get bytesLeft(): number {
    return this.#maxBytes - this.#bytes
  }

  /** Says in the manifest what is missing. */
  note(text: string): void {
    this.#notes.add(text)
  }

  /** Throws where the file system is so full that a bundle may be the last straw. */
  async checkSpace(): Promise<void> {
    const { bavail, bsize } = await statfs(this.#directory)
    if (bavail * bsize < RESERVED_BYTES + this.#maxBytes) {
      throw new Error(
        `less than ${RESERVED_BYTES + this.#maxBytes} bytes are free on the file system`,
      )
    }
  }

  /** Writes the file, or notes that it is left out because the bundle is full; false then. */
  async write(name: string, content: string | Uint8Array): Promise<boolean> {
    const bytes = Buffer.byteLength(content)
    if (bytes > this.bytesLeft) {
      this.note(`${name} is left out: the bundle has its ${this.#maxBytes} bytes`)
      return false
    }
    const path = join(this.#directory, name)
    if (name.includes('/')) await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const file = await open(path, 'w', 0o600)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    this.#files.push({ name, bytes, sha256: sha256Of(content) })
    this.#bytes += bytes
    return true
  }

  /** Takes a file in that is there already. */
  async adopt(name: string): Promise<void> {
    const { bytes, sha256 } = await hashFile(join(this.#directory, name))
    this.#files.push({ name, bytes, sha256 })
    this.#bytes += bytes
  }

  /** Writes the manifest, and gives its hash. */
  async seal(
    facts: Omit<Manifest, 'files' | 'notes'>,
  ): Promise<{ manifestSha256: string; files: number; bytes: number; notes: readonly string[] }> {
    for (const { name } of this.#files) {
      if (name.includes('/')) await syncDirectory(dirname(join(this.#directory, name)))
    }
    const notes = [...this.#notes]
    const text = recordText({ ...facts, notes, files: this.#files })
    const manifestSha256 = sha256Of(text)
    await writeDurably(join(this.#directory, MANIFEST_HASH_FILE), manifestHashText(manifestSha256))
    await writeDurably(join(this.#directory, MANIFEST_FILE), text)
    return { manifestSha256, files: this.#files.length, bytes: this.#bytes, notes }
  }
}

/** A JSON array that stops growing at so many bytes. */
export class BoundedList {
  readonly #texts: string[] = []
  #bytes = 0
  #leftOut = 0
  readonly #maxBytes: number

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** How many did not fit. */
  get leftOut(): number {
    return this.#leftOut
  }

  add(value: unknown): void {
    const text = recordText(value).trimEnd()
    const bytes = Buffer.byteLength(text) + 2
    if (this.#leftOut > 0 || this.#bytes + bytes > this.#maxBytes) this.#leftOut++
    else {
      this.#texts.push(text)
      this.#bytes += bytes
    }
  }

  text(): string {
    return `[\n${this.#texts.join(',\n')}\n]\n`
  }
}
