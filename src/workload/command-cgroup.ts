/**
 * A cgroup of its own for one command, so that the sensor can watch that command and nothing else. Made before the sensor
 * is attached; the command joins it afterwards.
 *
 *   <cgroup2 mount>/plimsoll/run-<pid namespace>-<pid>-<start time>-<n>
 *
 * The name tells which process made it, so that a later start can clean up after one that was killed. The namespace is
 * part of it because a plimsoll in a container has a pid that means another process outside.
 */
import { lstat, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { failure } from '../errors.js'
import { cgroupFailure, codeOf, isPopulated, killCgroup, removeCgroup } from './cgroup-files.js'
import type { ProcessIdentity } from './process-stat.js'
import { ownIdentity } from './process-stat.js'

/** Name of the directory below the cgroup2 mount that holds all cgroups of commands. */
export const PARENT_NAME = 'plimsoll'

const MAX_ATTEMPTS = 1000

/** The cgroup of one command. */
export interface CommandCgroup {
  /** Inode: the id that the sensor filters by. */
  readonly id: number
  /** Absolute path of the directory. */
  readonly path: string
  /** Kills everything in it. */
  kill(): Promise<void>
  /** Whether anything still runs in it. */
  populated(): Promise<boolean>
  /** Takes it away; waits up to three seconds for killed processes to leave, then throws `CGROUP_FAILED`. */
  remove(): Promise<void>
}

/** Makes an empty cgroup for a command of process `owner` below the cgroup2 `mount`. Throws `CGROUP_FAILED`. */
export async function createCommandCgroup(
  mount: string,
  owner: ProcessIdentity = ownIdentity(),
): Promise<CommandCgroup> {
  const parent = join(mount, PARENT_NAME)
  for (let n = 0; n < MAX_ATTEMPTS; n++) {
    const path = join(parent, nameOf(owner, n))
    try {
      // Each time anew: another plimsoll that ends takes the empty parent away.
      await makeParent(parent)
      await mkdir(path)
      return cgroupAt(path, (await lstat(path)).ino)
    } catch (thrown) {
      const code = codeOf(thrown)
      if (code !== 'EEXIST' && code !== 'ENOENT') throw cgroupFailure(path, thrown)
    }
  }
  throw failure('CGROUP_FAILED', { path: parent, problem: 'no free name is left' })
}

/** The maker that the name of a command's cgroup tells of; undefined for a name of another form. */
export function ownerOf(name: string): ProcessIdentity | undefined {
  const match = /^run-(\d{1,15})-(\d{1,10})-(\d{1,15})-\d+$/.exec(name)
  if (match === null) return undefined
  return { pidNamespace: Number(match[1]), pid: Number(match[2]), startTime: Number(match[3]) }
}

/** Not `recursive`: the mount must be there, and Node never returns from that in a pseudo file system that refuses. */
async function makeParent(parent: string): Promise<void> {
  try {
    await mkdir(parent)
  } catch (thrown) {
    if (codeOf(thrown) !== 'EEXIST') throw cgroupFailure(parent, thrown)
  }
}

function nameOf(owner: ProcessIdentity, n: number): string {
  return `run-${owner.pidNamespace}-${owner.pid}-${owner.startTime}-${n}`
}

function cgroupAt(path: string, id: number): CommandCgroup {
  return {
    id,
    path,
    kill: () => killCgroup(path),
    populated: () => isPopulated(path),
    remove: () => removeCgroup(path),
  }
}
