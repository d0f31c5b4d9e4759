/** Reading files whose size nobody vouches for: those of procfs, and those that a container wrote. */
import { type FileHandle, open } from 'node:fs/promises'

export interface BoundedBytes {
  readonly bytes: Buffer
  /** There was more. */
  readonly cut: boolean
}

const CHUNK_BYTES = 64 * 1024

/** The first `limit` bytes of the file. Throws as `open` and `read` do. */
export async function readBounded(path: string, limit: number): Promise<BoundedBytes> {
  const file = await open(path, 'r')
  try {
    return await readHandle(file, limit)
  } finally {
    await file.close()
  }
}

/** The first `limit` bytes; as UTF-16 units of one byte each. Empty where it cannot be read: a process may end at any time. */
export async function textOf(path: string, limit: number): Promise<string> {
  try {
    return (await readBounded(path, limit)).bytes.toString('latin1')
  } catch {
    return ''
  }
}

async function readHandle(file: FileHandle, limit: number): Promise<BoundedBytes> {
  const chunks: Buffer[] = []
  let size = 0
  // One byte beyond the limit tells whether there is more.
  while (size <= limit) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, limit + 1 - size))
    const { bytesRead } = await file.read(chunk, 0, chunk.length, null)
    if (bytesRead === 0) break
    chunks.push(chunk.subarray(0, bytesRead))
    size += bytesRead
  }
  const bytes = Buffer.concat(chunks)
  return { bytes: bytes.subarray(0, limit), cut: bytes.length > limit }
}
