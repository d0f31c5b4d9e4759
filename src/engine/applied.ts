/**
 * Profiles that are applied, as the hook of podman and the runtime of Docker find them:
 *
 *   DIR/applied/<64 hex>.plp      by digest of the image: the document, and what it was made from
 *
 * The directory is there from the first installation on, so that a state directory which went missing is told from one
 * without profiles. A damaged file is a failure, never a profile and never none.
 */
import { createHash } from 'node:crypto'
import { open as openFile, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { open, seal } from '../envelope.js'
import { asProblem, failure } from '../errors.js'
import { memberAt, parseJson, stringAt } from '../workload/json-fields.js'
import { writeWhole } from '../write-file.js'
import { isMissing, makeDirectory, removeFile } from './owned-file.js'

/** What an applied profile rests on. */
export interface AppliedRecord {
  readonly image: { readonly name: string; readonly digest: string }
  readonly baseline: {
    readonly revision: number
    readonly contentHash: string
    readonly isSealed: boolean
  }
  readonly strength: string
  /** It lets containers start only that run with no_new_privileges. */
  readonly assumeNoNewPrivileges: boolean
  /** SHA-256 of the document's bytes, in hexadecimal. */
  readonly sha256: string
  readonly atMs: number
  /** Version. */
  readonly plimsoll: string
}

export interface Applied {
  readonly record: AppliedRecord
  /** The seccomp document, as it was serialised. */
  readonly document: string
  /** Why each name is allowed, by name. */
  readonly origins: Readonly<Record<string, readonly string[]>>
}

/** `none`: there is no profile for that image. */
export type AppliedAnswer =
  | ({ readonly kind: 'applied' } & Applied)
  | { readonly kind: 'none' }
  | { readonly kind: 'failed'; readonly path: string; readonly problem: string }

const MAGIC = 'PLIMAPPL'
const VERSION = 1
const FILE = /^([0-9a-f]{64})\.plp$/

/** Where the profiles of that state directory are. */
export function appliedDirectory(state: string): string {
  return join(state, 'applied')
}

/** Makes the directory. Throws `FILE_UNWRITABLE`. */
export function makeAppliedDirectory(state: string): Promise<void> {
  return makeDirectory(appliedDirectory(state), 0o700)
}

/** The profile for the image of that digest. Never rejects. Cost: one read, one hash. */
export async function readApplied(state: string, digest: string): Promise<AppliedAnswer> {
  const path = pathOf(state, digest)
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (thrown) {
    if (isMissing(thrown)) return missing(state)
    return { kind: 'failed', path, problem: reasonOf(thrown) }
  }
  const opened = open(MAGIC, VERSION, bytes, 'apply the profile again')
  if ('problem' in opened) return { kind: 'failed', path, problem: opened.problem }
  const applied = parseApplied(Buffer.from(opened.payload).toString('utf8'))
  if (applied === undefined) return { kind: 'failed', path, problem: 'it is not understood' }
  if (applied.record.image.digest !== digest) {
    const problem = `it is misplaced: it is for ${applied.record.image.digest}`
    return { kind: 'failed', path, problem }
  }
  return { kind: 'applied', ...applied }
}

/**
 * Not in the system's own words: engines look for those in what a runtime says ("no such file or directory", "not a
 * directory", "permission denied") and then blame the container's command or its mounts.
 */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it is missing',
  ENOTDIR: 'its path leads through a file',
  EISDIR: 'it is a directory',
  EACCES: 'plimsoll may not read it',
}

function reasonOf(thrown: unknown): string {
  const code = thrown instanceof Error ? ((thrown as NodeJS.ErrnoException).code ?? '') : ''
  return (Object.hasOwn(REASONS, code) ? REASONS[code] : undefined) ?? asProblem(thrown)
}

/** No file is no profile only where the directory can be read. */
async function missing(state: string): Promise<AppliedAnswer> {
  const path = appliedDirectory(state)
  try {
    await (await openFile(path, 'r')).close()
    return { kind: 'none' }
  } catch (thrown) {
    return { kind: 'failed', path, problem: reasonOf(thrown) }
  }
}

/** Puts the profile in place, on disk when this returns. Throws `FILE_UNWRITABLE`. */
export async function writeApplied(state: string, applied: Applied): Promise<void> {
  await makeAppliedDirectory(state)
  const payload = Buffer.from(JSON.stringify(applied), 'utf8')
  await writeWhole(pathOf(state, applied.record.image.digest), seal(MAGIC, VERSION, payload), 0o600)
}

/** Takes it away; false if there is none. Throws `FILE_UNWRITABLE`. */
export function removeApplied(state: string, digest: string): Promise<boolean> {
  return removeFile(pathOf(state, digest))
}

/** Every digest that has a file, sorted; none where there is no directory. Throws `STORE_UNREADABLE`. */
export async function appliedDigests(state: string): Promise<readonly string[]> {
  const path = appliedDirectory(state)
  try {
    const names = await readdir(path)
    return names
      .flatMap((name) => FILE.exec(name)?.[1] ?? [])
      .toSorted()
      .map((hex) => `sha256:${hex}`)
  } catch (thrown) {
    if (isMissing(thrown)) return []
    throw failure('STORE_UNREADABLE', { path, problem: asProblem(thrown) }, thrown)
  }
}

export function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function pathOf(state: string, digest: string): string {
  return join(appliedDirectory(state), `${digest.replace(/^sha256:/, '')}.plp`)
}

/** The checksum was right, so that only another plimsoll's idea of the format can be wrong here. */
function parseApplied(text: string): Applied | undefined {
  const found = parseJson(text)
  const record = memberAt(found, 'record')
  const document = stringAt(found, 'document')
  const isComplete =
    document !== undefined &&
    stringAt(record, 'sha256') === sha256Hex(document) &&
    stringAt(record, 'image', 'digest') !== undefined &&
    stringAt(record, 'image', 'name') !== undefined &&
    typeof memberAt(record, 'assumeNoNewPrivileges') === 'boolean' &&
    typeof memberAt(record, 'baseline', 'revision') === 'number' &&
    typeof memberAt(found, 'origins') === 'object'
  return isComplete ? (found as Applied) : undefined
}
