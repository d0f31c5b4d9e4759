/** From a baseline to a profile on disk: built, checked, written, with the reasons beside it. */
import { readFile } from 'node:fs/promises'
import type { Baseline } from '../baseline/baseline.js'
import { certificateOf } from '../baseline/certificate.js'
import { imageKeyOf } from '../baseline/image-identity.js'
import { certificateView } from '../baseline/learning-view.js'
import { failure } from '../errors.js'
import type { ArgumentCall } from '../kernel/arguments.js'
import type { Lineage } from '../observation.js'
import { type BuiltProfile, buildProfile, DEFAULT_LINEAGES } from '../seccomp/build.js'
import { DEFAULT_ARGUMENTS } from '../seccomp/argument-rules.js'
import type { Runtime } from '../seccomp/floor-tables.js'
import type { KnownFloor } from '../seccomp/floor.js'
import { isErrnoOnlyChange } from '../seccomp/errno-change.js'
import { serializeProfile, type Strength } from '../seccomp/profile.js'
import { problemsOf } from '../seccomp/validate.js'
import { VERSION } from '../version.js'
import { writeWhole } from '../write-file.js'
import { jsonText } from './json-text.js'
import { profileCalls } from './profile-calls.js'

export interface ProfileOptions {
  /** Lineages that count as the application. */
  readonly lineages: readonly Lineage[]
  readonly strength: Strength
  /** Empty: the union of all known runtimes. */
  readonly runtimes: readonly Runtime[]
  readonly assumeNoNewPrivileges: boolean
  /** Calls that are let through by the value of their argument; none is a choice too. */
  readonly arguments: readonly ArgumentCall[]
  /** Whether to allow what newer builds make of the observed calls as well. */
  readonly families: boolean
  /** Measured floors, as `loadFloors` gives them. */
  readonly floors: readonly KnownFloor[]
}

/** With the floors of the tables; callers put measured ones in their place. */
export const DEFAULT_PROFILE: ProfileOptions = {
  lineages: DEFAULT_LINEAGES,
  strength: 'enforce',
  runtimes: [],
  assumeNoNewPrivileges: false,
  arguments: DEFAULT_ARGUMENTS,
  families: true,
  floors: [],
}

/** The profile of a baseline. Throws `PROFILE_EMPTY`. Pure. */
export function profileOf(baseline: Baseline, options: ProfileOptions): BuiltProfile {
  return buildProfile({ ...options, ...profileCalls(baseline, options.lineages) })
}

/**
 * Writes the profile to `path` and its provenance beside it (see `provenancePath`). Throws `PROFILE_INVALID` before
 * anything is written if the profile is one that a runtime would refuse or misread; `PROFILE_ERRNO_ONLY` if it differs
 * from what is there in the errnos alone; `FILE_UNWRITABLE`.
 */
export async function writeProfile(
  path: string,
  built: BuiltProfile,
  baseline: Baseline,
): Promise<void> {
  checkProfile(path, built)
  const text = serializeProfile(built.profile)
  if (isErrnoOnlyChange(await documentAt(path), JSON.parse(text))) {
    throw failure('PROFILE_ERRNO_ONLY', { path })
  }
  await writeWhole(path, text)
  await writeProvenance(path, built, baseline)
}

/** Throws `PROFILE_INVALID` if `built` is a profile that a runtime would refuse or misread; `path` is for the message. */
export function checkProfile(path: string, built: BuiltProfile): void {
  const problem = problemsOf(built.profile).find((found) => found.severity === 'error')
  if (problem) {
    throw failure('PROFILE_INVALID', { path, problem: `${problem.path}: ${problem.problem}` })
  }
}

/** Writes why each call of the profile at `path` is there to `provenancePath(path)`. Throws `FILE_UNWRITABLE`. */
export async function writeProvenance(
  path: string,
  built: BuiltProfile,
  baseline: Baseline,
): Promise<void> {
  await writeWhole(provenancePath(path), `${jsonText(provenanceOf(built, baseline), 2)}\n`)
}

/** The JSON document at `path`, or undefined where there is none that can be read. */
async function documentAt(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as unknown
  } catch {
    return undefined
  }
}

/** `web.json` has its provenance in `web.provenance.json`. */
export function provenancePath(path: string): string {
  return `${path.replace(/\.json$/, '')}.provenance.json`
}

function provenanceOf(built: BuiltProfile, baseline: Baseline): unknown {
  return {
    plimsoll: VERSION,
    image: { name: baseline.image.name, digest: baseline.image.digest },
    baseline: { key: imageKeyOf(baseline.image), revision: baseline.revision },
    runs: baseline.runCount,
    certificate: certificateView(certificateOf(baseline)),
    verified: false,
    notes: built.notes,
    floor: built.floorNotes,
    syscalls: Object.fromEntries(built.origins),
  }
}
