/** A profile in the format that was asked for, and that on disk. */
import type { Baseline } from '../baseline/baseline.js'
import type { BuiltProfile } from '../seccomp/build.js'
import { exportSpo } from '../seccomp/export-spo.js'
import { exportSystemd } from '../seccomp/export-systemd.js'
import type { ProfileExport, ProfileFormat } from '../seccomp/export.js'
import { kubernetesNameOf } from '../seccomp/kubernetes-name.js'
import { serializeProfile } from '../seccomp/profile.js'
import { checkProfile, writeProfile, writeProvenance } from './profile.js'
import { writeWhole } from './write-file.js'

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
