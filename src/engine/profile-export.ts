/** A profile in the format that was asked for, and that on disk. */
import type { Baseline } from '../baseline/baseline.js'
import { type ImageIdentity, imageKeyOf } from '../baseline/image-identity.js'
import type { BuiltProfile } from '../seccomp/build.js'
import { exportSpo } from '../seccomp/export-spo.js'
import { exportSystemd } from '../seccomp/export-systemd.js'
import type { ProfileExport, ProfileFormat } from '../seccomp/export.js'
import { kubernetesNameOf } from '../seccomp/kubernetes-name.js'
import { serializeProfile } from '../seccomp/profile.js'
import { writeWhole } from '../write-file.js'
import {
  checkProfile,
  profileOf,
  type ProfileOptions,
  writeProfile,
  writeProvenance,
} from './profile.js'

/** A profile as it was built, and as it is written. */
export interface ExportedProfile {
  readonly built: BuiltProfile
  readonly exported: ProfileExport
  /** All that is to be said of it; plain sentences. */
  readonly notes: readonly string[]
}

/** The profile of the baseline in that format; `name` as of `exportOf`. Throws `PROFILE_EMPTY`. Pure. */
export function exportedProfile(
  baseline: Baseline,
  options: ProfileOptions,
  format: ProfileFormat,
  name?: string,
): ExportedProfile {
  const built = profileOf(baseline, options)
  const exported = exportOf(built, baseline, format, name)
  // No runtime starts a unit, so its drop-in has nothing of their floors.
  const floorNotes = format === 'systemd' ? [] : built.floorNotes
  return { built, exported, notes: [...floorNotes, ...built.notes, ...exported.notes] }
}

const SUFFIX: Readonly<Record<ProfileFormat, string>> = {
  oci: 'json',
  spo: 'yaml',
  systemd: 'conf',
}

/** A name for people, safe as a file name, with enough of the digest to tell images apart. */
export function exportFileName(image: ImageIdentity, format: ProfileFormat): string {
  const name = image.name.replaceAll(/[^A-Za-z0-9._-]+/g, '_').replace(/^[._]+/, '')
  const digits = imageKeyOf(image).split('-')[1]?.slice(0, 12) ?? ''
  return `${name.slice(0, 80)}-${digits}.${SUFFIX[format]}`
}

/** `built` in that format. `name` is the object's in Kubernetes; without one it is made from the image's name. Pure. */
export function exportOf(
  built: BuiltProfile,
  baseline: Baseline,
  format: ProfileFormat,
  name?: string,
): ProfileExport {
  switch (format) {
    case 'oci':
      return {
        text: serializeProfile(built.profile),
        allowed: [...built.origins.keys()],
        notes: [],
      }
    case 'spo': {
      const { image } = baseline
      return exportSpo(built.profile, name ?? kubernetesNameOf(image.name, image.digest))
    }
    case 'systemd':
      return exportSystemd(built)
  }
}

/**
 * Writes what `exportOf` gave to `path`, with its provenance beside it; a drop-in without, as it lies in a directory of
 * systemd's. Throws as `writeProfile` does.
 */
export async function writeExport(
  path: string,
  built: BuiltProfile,
  baseline: Baseline,
  format: ProfileFormat,
  exported: ProfileExport,
): Promise<void> {
  if (format === 'oci') return writeProfile(path, built, baseline)
  checkProfile(path, built)
  await writeWhole(path, exported.text)
  if (format === 'spo') {
    const notes = [...built.notes, ...exported.notes]
    await writeProvenance(path, { ...built, notes }, baseline)
  }
}
