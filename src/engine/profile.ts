/** From a baseline to a profile on disk: built, checked, written, with the reasons beside it. */
import { readFile } from 'node:fs/promises'
import { BASELINE_LINEAGES, type Baseline } from '../baseline/baseline.js'
import { imageKeyOf } from '../baseline/image-identity.js'
import { displayOf } from '../bytes.js'
import { failure } from '../errors.js'
import type { ArgumentCall } from '../kernel/arguments.js'
import { type BuiltProfile, buildProfile } from '../seccomp/build.js'
import { DEFAULT_ARGUMENTS } from '../seccomp/argument-rules.js'
import type { Runtime } from '../seccomp/floor-tables.js'
import { isErrnoOnlyChange } from '../seccomp/errno-change.js'
import type { ObservedCall } from '../seccomp/observed-call.js'
import { serializeProfile, type Strength } from '../seccomp/profile.js'
import { problemsOf } from '../seccomp/validate.js'
import { VERSION } from '../version.js'
import { jsonText } from './json-text.js'
import { writeWhole } from './write-file.js'

export interface ProfileOptions {
  readonly strength: Strength
  /** Empty: the union of all known runtimes. */
  readonly runtimes: readonly Runtime[]
  readonly assumeNoNewPrivileges: boolean
  /** Calls that are let through by the value of their argument; none is a choice too. */
  readonly arguments: readonly ArgumentCall[]
  /** Whether to allow what newer builds make of the observed calls as well. */
  readonly families: boolean
}

export const DEFAULT_PROFILE: ProfileOptions = {
  strength: 'enforce',
  runtimes: [],
  assumeNoNewPrivileges: false,
  arguments: DEFAULT_ARGUMENTS,
  families: true,
}

/** The profile of a baseline. Throws `PROFILE_EMPTY`. Pure. */
export function profileOf(baseline: Baseline, options: ProfileOptions): BuiltProfile {
  return buildProfile({ ...options, calls: callsOf(baseline) })
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
  const { state, reasons } = baseline.completeness()
  return {
    plimsoll: VERSION,
    image: { name: baseline.image.name, digest: baseline.image.digest },
    baseline: { key: imageKeyOf(baseline.image), revision: baseline.revision },
    runs: baseline.runCount,
    completeness: { state, reasons },
    verified: false,
    notes: built.notes,
    syscalls: Object.fromEntries(built.origins),
  }
}

/** What the baseline knows of system calls, as the builder takes it. */
export function callsOf(baseline: Baseline): readonly ObservedCall[] {
  return BASELINE_LINEAGES.flatMap((lineage) =>
    baseline.syscalls(lineage).map(({ abi, nr, count, runs, programs }) => {
      const values = baseline.argumentValues(lineage, abi, nr)
      return {
        abi,
        nr,
        lineage,
        count,
        runs,
        programs: programs.map(displayOf),
        ...(values && { values }),
      }
    }),
  )
}
