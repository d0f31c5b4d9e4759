/** A profile on disk, of whatever origin: its bytes, and the document in them. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { asProblem, failure } from '../errors.js'
import { isObject } from '../seccomp/problem.js'
import type { ProfileSide } from '../seccomp/profile-diff.js'
import { parseJson } from '../workload/json-fields.js'
import { parseExact } from '../workload/json-splice.js'
import { provenancePath } from './profile.js'
import { originsOfProvenance } from './profile-origins.js'

export interface ProfileFile {
  readonly bytes: Uint8Array
  /** What `JSON.parse` made of it. */
  readonly document: unknown
}

/** Largest file that is looked at; profiles are bounded at a tenth of it. */
const MAX_BYTES = 16 * 1024 * 1024

/** Reads it. Throws `FILE_UNREADABLE` also for what is no JSON. */
export async function readProfile(path: string): Promise<ProfileFile> {
  try {
    const bytes = await readFile(path)
    if (bytes.length > MAX_BYTES) throw new Error(`larger than ${MAX_BYTES} bytes`)
    return { bytes, document: JSON.parse(bytes.toString('utf8')) as unknown }
  } catch (thrown) {
    throw failure('FILE_UNREADABLE', { path, problem: asProblem(thrown) }, thrown)
  }
}

/**
 * The profile at `path` for a comparison: no integer is rounded, and the origins are those of the provenance beside it, if
 * there is one. Throws `FILE_UNREADABLE`.
 */
export async function readProfileSide(path: string): Promise<ProfileSide> {
  const { bytes } = await readProfile(path)
  const document = parseExact(Buffer.from(bytes).toString('utf8'))
  const beside = await readFile(provenancePath(path), 'utf8').catch(() => '')
  const origins = originsOfProvenance(parseJson(beside))
  return origins === undefined ? { document } : { document, origins }
}

/** The SHA-256 of those bytes, in hexadecimal. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Every name in a rule of the document, sorted, each once; names of a malformed rule are left out. */
export function namesInProfile(document: unknown): readonly string[] {
  const rules: unknown = isObject(document) ? document['syscalls'] : undefined
  if (!Array.isArray(rules)) return []
  const names = (rules as readonly unknown[]).flatMap((rule): readonly unknown[] => {
    const listed: unknown = isObject(rule) ? rule['names'] : undefined
    return Array.isArray(listed) ? listed : []
  })
  return [...new Set(names.filter((name) => typeof name === 'string'))].toSorted()
}
