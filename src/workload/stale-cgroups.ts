/**
 * Cleaning up after a plimsoll that was killed: its command may still run, unwatched, in a cgroup that nobody will
 * remove. Only what is provably ownerless is touched.
 */
import { readdir, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { cgroupFailure, isGone, killCgroup, removeCgroup } from './cgroup-files.js'
import { ownerOf, PARENT_NAME } from './command-cgroup.js'
import type { ProcessIdentity } from './process-stat.js'
import { isAlive, ownIdentity } from './process-stat.js'

/**
 * Kills what is in the command cgroups below `mount` whose maker no longer runs, removes them, and then the parent if
 * nothing else is left in it. Gives the names of those removed. Cgroups made in another pid namespace than `self`'s are
 * left alone: from here, nobody can tell whether their maker lives. Throws `CGROUP_FAILED` when one cannot be removed.
 */
export async function cleanUpStale(
  mount: string,
  self: ProcessIdentity = ownIdentity(),
): Promise<readonly string[]> {
  const parent = join(mount, PARENT_NAME)
  const removed: string[] = []
  for (const name of await namesIn(parent)) {
    const owner = ownerOf(name)
    if (owner === undefined || owner.pidNamespace !== self.pidNamespace || isAlive(owner)) continue
    await killCgroup(join(parent, name))
    await removeCgroup(join(parent, name))
    removed.push(name)
  }
  await removeIfEmpty(parent)
  return removed
}

/** Removes the parent of all command cgroups if it has none left; to be called after a command's own was removed. */
export async function removeEmptyParent(mount: string): Promise<void> {
  await removeIfEmpty(join(mount, PARENT_NAME))
}

async function removeIfEmpty(parent: string): Promise<void> {
  try {
    await rmdir(parent)
  } catch {
    // Another one's cgroup is in it (EBUSY), or it is gone or not ours to remove: all of these are fine.
  }
}

async function namesIn(parent: string): Promise<readonly string[]> {
  try {
    return await readdir(parent)
  } catch (thrown) {
    if (isGone(thrown)) return []
    throw cgroupFailure(parent, thrown)
  }
}
