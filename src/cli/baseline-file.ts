/** Baselines that lie in files of the user's, outside any store. */
import { createReadStream } from 'node:fs'
import type { Baseline } from '../baseline/baseline.js'
import { decodeBaseline, FILE_LIMIT_BYTES } from '../baseline/codec.js'
import { asProblem, failure } from '../errors.js'

/**
 * The baseline that `baseline export` wrote to the file, which may be a pipe. Throws `FILE_UNREADABLE` or `STORE_DAMAGED`.
 */
export async function readBaselineFile(path: string): Promise<Baseline> {
  const bytes = await bounded(path).catch((thrown: unknown) => {
    throw failure('FILE_UNREADABLE', { path, problem: asProblem(thrown) }, thrown)
  })
  const decoded = decodeBaseline(bytes)
  if ('problem' in decoded) throw failure('STORE_DAMAGED', { path, problem: decoded.problem })
  return decoded.baseline
}

/** Of a file beyond the limit of the codec only so many bytes that the codec sees it is too long. */
async function bounded(path: string): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  // `end` is the last byte that is read, so this is one more than the limit.
  const stream = createReadStream(path, { end: FILE_LIMIT_BYTES })
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
