/**
 * What a runtime leaves behind in the v1 hierarchies of a hybrid host: it makes a container's cgroup in each of them, with
 * the directories above it, and takes away only the lowest.
 */
import { readFile, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { unescapeOctal } from './cgroup-mount.js'

/** Mount points of v1 hierarchies in the text of `/proc/PID/mountinfo`; proc_pid_mountinfo(5). */
export function parseV1Mounts(mountinfo: string): readonly string[] {
  return mountinfo.split('\n').flatMap((line) => {
    const fields = line.split(' ')
    const separator = fields.indexOf('-', 6)
    const isV1 = separator > 0 && fields[separator + 1] === 'cgroup'
    return isV1 && fields[4] !== undefined ? [unescapeOctal(fields[4])] : []
  })
}

/** Mount points of v1 hierarchies on this host. Never rejects. */
export async function v1Mounts(): Promise<readonly string[]> {
  return parseV1Mounts(await readFile('/proc/self/mountinfo', 'utf8').catch(() => ''))
}

/**
 * Removes the cgroup at `path` (below each v1 mount) and those above it, as far as they are empty. What is in use, or not
 * there, is left alone. Never rejects.
 */
export async function removeEmptyV1(path: string): Promise<void> {
  for (const mount of await v1Mounts()) {
    for (let below = path; below !== '/' && below !== '.'; below = dirname(below)) {
      await rmdir(join(mount, below)).catch(() => undefined)
    }
  }
}
