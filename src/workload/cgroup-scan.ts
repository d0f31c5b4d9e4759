/**
 * One walk over the cgroup2 tree: every cgroup's id and path. Bounded, because a container may make cgroups without end.
 */
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** A cgroup: its id, which is the inode of its directory, and its path below the mount, `/` first. */
export interface ScannedCgroup {
  readonly id: number
  readonly path: string
}

/** What a walk may see at most. */
export interface ScanLimits {
  readonly maxCgroups: number
  /** Levels below the mount. */
  readonly maxDepth: number
}

const LIMITS: ScanLimits = { maxCgroups: 65_536, maxDepth: 32 }

/**
 * The cgroups below `mount`, breadth first, so that a bound cuts off the deepest. Cgroups that go away meanwhile are left
 * out; never rejects. Cost: one readdir and one lstat per cgroup.
 */
export async function scanCgroups(
  mount: string,
  limits: ScanLimits = LIMITS,
): Promise<readonly ScannedCgroup[]> {
  const found: ScannedCgroup[] = []
  let level: readonly string[] = ['/']
  for (let depth = 0; level.length > 0 && depth <= limits.maxDepth; depth++) {
    const next: string[] = []
    for (const path of level) {
      const id = await inodeOf(join(mount, path))
      if (id === undefined) continue
      if (found.length === limits.maxCgroups) return found
      found.push({ id, path })
      next.push(...(await childrenOf(mount, path)))
    }
    level = next
  }
  return found
}

async function childrenOf(mount: string, parent: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(join(mount, parent), { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory()).map((entry) => join(parent, entry.name))
  } catch {
    return []
  }
}

async function inodeOf(path: string): Promise<number | undefined> {
  try {
    return (await lstat(path)).ino
  } catch {
    return undefined
  }
}
