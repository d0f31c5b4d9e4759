/**
 * The manifest of a bundle: every file with its length and SHA-256, and the facts of the incident. It is written last, so a
 * bundle without one was not finished. Its own hash stands beside it, for `sha256sum -c manifest.sha256`, in the record, and in
 * the result that goes to the journal; only a copy elsewhere proves that not the whole bundle was replaced.
 */
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import { join } from 'node:path'
import { asProblem } from '../errors.js'
import { elementsAt, memberAt, parseJson, stringAt } from '../workload/json-fields.js'
import { type IncidentFacts, isRecord, RECORD_FILE } from './incident-record.js'

export const MANIFEST_FILE = 'manifest.json'
export const MANIFEST_HASH_FILE = 'manifest.sha256'
export const MANIFEST_FORMAT = 1

export interface ManifestFile {
  /** Below the bundle's directory; `/` between its parts. */
  readonly name: string
  readonly bytes: number
  readonly sha256: string
}

export interface Manifest {
  readonly format: number
  readonly incident: IncidentFacts
  /** The action that the bundle was made for. */
  readonly actor: string
  readonly reason: string
  readonly startedMs: number
  readonly endedMs: number
  /** What is missing from the bundle, and why; printable. */
  readonly notes: readonly string[]
  readonly files: readonly ManifestFile[]
}

/** `altered` names the first file that is wrong. */
export type Verification =
  | {
      readonly kind: 'intact'
      readonly files: number
      readonly bytes: number
      readonly manifestSha256: string
    }
  | { readonly kind: 'altered'; readonly file: string; readonly problem: string }
  | { readonly kind: 'unfinished'; readonly problem: string }

const CHUNK_BYTES = 256 * 1024
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}(?:\/[A-Za-z0-9][A-Za-z0-9._-]{0,127})?$/
/** Beside the record, which changes while the incident lives: of it the facts are compared. */
const UNSEALED = new Set([MANIFEST_FILE, MANIFEST_HASH_FILE])

export function sha256Of(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

/** The text of the file beside the manifest. */
export function manifestHashText(manifestSha256: string): string {
  return `${manifestSha256}  ${MANIFEST_FILE}\n`
}

/**
 * Whether the bundle in `directory` is what was written. With `expected`, the manifest's hash from the journal, also whether it
 * is that bundle. Files that the manifest does not name count as altered. Never rejects.
 */
export async function verifyBundle(directory: string, expected?: string): Promise<Verification> {
  const manifest = await contentOf(directory, MANIFEST_FILE)
  if (typeof manifest !== 'string') {
    return {
      kind: 'unfinished',
      problem: 'there is no manifest: no bundle was written, or not to its end',
    }
  }
  const manifestSha256 = sha256Of(manifest)
  const beside = await contentOf(directory, MANIFEST_HASH_FILE)
  if (beside !== manifestHashText(manifestSha256)) {
    return altered(MANIFEST_FILE, `its hash is not the one in ${MANIFEST_HASH_FILE}`)
  }
  if (expected !== undefined && expected !== manifestSha256) {
    return altered(MANIFEST_FILE, `its hash is ${manifestSha256}, not ${expected}`)
  }
  const json = parseJson(manifest)
  if (memberAt(json, 'format') !== MANIFEST_FORMAT) return altered(MANIFEST_FILE, 'unknown format')
  const names = new Set<string>()
  let bytes = 0
  for (const file of elementsAt(json, 'files')) {
    const name = stringAt(file, 'name') ?? ''
    const problem = NAME.test(name)
      ? await problemOf(directory, name, stringAt(file, 'sha256'), memberAt(file, 'bytes'))
      : 'the manifest names a file outside of the bundle'
    if (problem !== undefined) return altered(name, problem)
    names.add(name)
    bytes += Number(memberAt(file, 'bytes'))
  }
  const record = parseJson((await contentOf(directory, RECORD_FILE)) ?? '')
  if (!isDeepStrictEqual(memberAt(record, 'facts'), memberAt(json, 'incident'))) {
    return altered(RECORD_FILE, 'its facts are not those of the manifest')
  }
  if (memberAt(record, 'bundle', 'manifestSha256') !== manifestSha256) {
    return altered(RECORD_FILE, 'it records another manifest')
  }
  const stranger = await strangerIn(directory, names)
  if (stranger !== undefined) return altered(stranger, 'the manifest does not name it')
  return { kind: 'intact', files: names.size, bytes, manifestSha256 }
}

function altered(file: string, problem: string): Verification {
  return { kind: 'altered', file, problem }
}

async function problemOf(
  directory: string,
  name: string,
  sha256: string | undefined,
  bytes: unknown,
): Promise<string | undefined> {
  try {
    const found = await hashFile(join(directory, name))
    if (found.bytes !== bytes) return `it has ${found.bytes} bytes, not ${String(bytes)}`
    return found.sha256 === sha256 ? undefined : 'its content was changed'
  } catch (thrown) {
    return asProblem(thrown)
  }
}

/** Length and hash of a file that is no link. */
export async function hashFile(path: string): Promise<{ bytes: number; sha256: string }> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const hash = createHash('sha256')
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
    for (let bytes = 0; ;) {
      const { bytesRead } = await file.read(chunk, 0, chunk.length, null)
      if (bytesRead === 0) return { bytes, sha256: hash.digest('hex') }
      hash.update(chunk.subarray(0, bytesRead))
      bytes += bytesRead
    }
  } finally {
    await file.close()
  }
}

async function contentOf(directory: string, name: string): Promise<string | undefined> {
  try {
    const file = await open(join(directory, name), constants.O_RDONLY | constants.O_NOFOLLOW)
    try {
      return await file.readFile('utf8')
    } finally {
      await file.close()
    }
  } catch {
    return undefined
  }
}

async function strangerIn(
  directory: string,
  names: ReadonlySet<string>,
): Promise<string | undefined> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) {
      const inside = await readdir(join(directory, entry.name))
      const stranger = inside
        .map((name) => `${entry.name}/${name}`)
        .find((name) => !names.has(name))
      if (stranger !== undefined) return stranger
    } else if (!names.has(entry.name) && !UNSEALED.has(entry.name) && !isRecord(entry.name)) {
      return entry.name
    }
  }
  return undefined
}
