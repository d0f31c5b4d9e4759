/** Applies the profile of a baseline: builds it, checks it, puts it where hook and runtime find it, says what changed. */
import type { Baseline } from '../baseline/baseline.js'
import { contentHashOf } from '../baseline/content-hash.js'
import { failure } from '../errors.js'
import type { BuiltProfile } from '../seccomp/build.js'
import { isErrnoOnlyChange } from '../seccomp/errno-change.js'
import { profileDiff, type ProfileDiff } from '../seccomp/profile-diff.js'
import { serializeProfile } from '../seccomp/profile.js'
import { VERSION } from '../version.js'
import { parseExact } from '../workload/json-splice.js'
import {
  type AppliedAnswer,
  type AppliedRecord,
  readApplied,
  sha256Hex,
  writeApplied,
} from './applied.js'
import { checkProfile, type ProfileOptions, profileOf } from './profile.js'
import { originsOfBuilt } from './profile-origins.js'

export interface ApplyOptions {
  /** The state directory. */
  readonly state: string
  readonly profile: ProfileOptions
  /** Apply what is not sealed too. */
  readonly unsealed: boolean
  /** Write nothing. */
  readonly dryRun: boolean
  readonly nowMs: number
}

export interface AppliedNow {
  readonly record: AppliedRecord
  readonly built: BuiltProfile
  /** What was applied before. */
  readonly before: AppliedAnswer
  /** Against that; undefined if there was none, or a damaged one. */
  readonly diff: ProfileDiff | undefined
  /** crun may go on with the filter that it compiled before. */
  readonly isErrnoOnly: boolean
}

/** The profile of the image of a container whose baseline is sealed. Throws `NO_CONTAINER_IMAGE` and `NOT_SEALED`. */
export function appliedProfileOf(
  baseline: Baseline,
  options: ProfileOptions,
  unsealed: boolean,
): BuiltProfile {
  const { image, decisions } = baseline
  if (image.kind !== 'container') throw failure('NO_CONTAINER_IMAGE', { image: image.name })
  if (decisions.seal === undefined && !unsealed) throw failure('NOT_SEALED', { image: image.name })
  return profileOf(baseline, options)
}

/** Applies it. Throws as `appliedProfileOf`, `PROFILE_EMPTY`, `PROFILE_INVALID`, `FILE_UNWRITABLE`. */
export async function applyProfile(baseline: Baseline, options: ApplyOptions): Promise<AppliedNow> {
  const { state, profile: choices } = options
  const built = appliedProfileOf(baseline, choices, options.unsealed)
  const { image } = baseline
  checkProfile(`${state} for ${image.name}`, built)
  const document = serializeProfile(built.profile)
  const before = await readApplied(state, image.digest)
  const record: AppliedRecord = {
    image: { name: image.name, digest: image.digest },
    baseline: {
      revision: baseline.revision,
      contentHash: contentHashOf(baseline),
      isSealed: baseline.decisions.seal !== undefined,
    },
    strength: choices.strength,
    assumeNoNewPrivileges: choices.assumeNoNewPrivileges,
    sha256: sha256Hex(document),
    atMs: options.nowMs,
    plimsoll: VERSION,
  }
  const origins = originsOfBuilt(built)
  if (!options.dryRun) await writeApplied(state, { record, document, origins })
  if (before.kind !== 'applied') {
    return { record, built, before, diff: undefined, isErrnoOnly: false }
  }
  const was = parseExact(before.document)
  const is = parseExact(document)
  const diff = profileDiff({ document: was, origins: before.origins }, { document: is, origins })
  return { record, built, before, diff, isErrnoOnly: isErrnoOnlyChange(was, is) }
}
