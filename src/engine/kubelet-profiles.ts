/** Localhost profiles where a kubelet looks for them: `ROOT/seccomp/plimsoll/NAME.json`, by the node's own files. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Baseline } from '../baseline/baseline.js'
import { asProblem, failure } from '../errors.js'
import type { BuiltProfile } from '../seccomp/build.js'
import { isMissing, makeDirectory, removeFile } from './owned-file.js'
import { provenancePath, writeProfile } from './profile.js'

export const DEFAULT_KUBELET_ROOT = '/var/lib/kubelet'

/** What `localhostProfile` is relative to, and the folder below it. */
const FOLDER = 'plimsoll'

function folderOf(root: string): string {
  return join(root, 'seccomp', FOLDER)
}

/** As the securityContext of a pod names it. */
export function localhostProfile(name: string): string {
  return `${FOLDER}/${name}.json`
}

/** Writes the profile with its provenance and returns its path. Throws `FILE_UNWRITABLE` and as `writeProfile` does. */
export async function writeKubeletProfile(
  root: string,
  name: string,
  built: BuiltProfile,
  baseline: Baseline,
): Promise<string> {
  const path = join(folderOf(root), `${name}.json`)
  await makeDirectory(folderOf(root))
  await writeProfile(path, built, baseline)
  return path
}

/** Removes the profile and its provenance; false if it is not there. Throws `FILE_UNWRITABLE`. */
export async function removeKubeletProfile(root: string, name: string): Promise<boolean> {
  const path = join(folderOf(root), `${name}.json`)
  const isRemoved = await removeFile(path)
  await removeFile(provenancePath(path))
  return isRemoved
}

/** The names, sorted; none where there is no folder. Throws `FILE_UNREADABLE`. */
export async function kubeletProfiles(root: string): Promise<readonly string[]> {
  const path = folderOf(root)
  try {
    return (await readdir(path))
      .filter((name) => name.endsWith('.json') && !name.endsWith('.provenance.json'))
      .map((name) => name.slice(0, -'.json'.length))
      .toSorted()
  } catch (thrown) {
    if (isMissing(thrown)) return []
    throw failure('FILE_UNREADABLE', { path, problem: asProblem(thrown) }, thrown)
  }
}
