/**
 * The control files of one cgroup v2 directory: who is in it, killing all of them, taking it away. Functions of a path,
 * because a cgroup that another process left behind is cleaned up in the same way as one's own. Source:
 * Documentation/admin-guide/cgroup-v2.rst, "Core Interface Files".
 */
import { constants, readFile, readdir, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { failure } from '../errors.js'

/** A killed process leaves its cgroup when it is reaped by the kernel: mostly at once, under load a little later. */
const RETRY_MS = 20
const RETRIES = 150

/** Bound on rounds of killing where the kernel cannot kill a cgroup at once and a fork bomb may race us. */
const KILL_ROUNDS = 100

/** Whether any process is in the cgroup or below it; false for one that is gone. */
export async function isPopulated(path: string): Promise<boolean> {
  try {
    return /^populated 1$/m.test(await readFile(join(path, 'cgroup.events'), 'utf8'))
  } catch (thrown) {
    if (isGone(thrown)) return false
    throw cgroupFailure(path, thrown)
  }
}

/** Kills every process in the cgroup and below it. Nothing to do is success. */
export async function killCgroup(path: string): Promise<void> {
  try {
    // Nobody may read it: to ask for that would take CAP_DAC_OVERRIDE.
    await writeFile(join(path, 'cgroup.kill'), '1', { flag: constants.O_WRONLY })
  } catch (thrown) {
    if (codeOf(thrown) !== 'ENOENT') throw cgroupFailure(path, thrown)
    // Before Linux 5.14 there is no cgroup.kill; or the cgroup is gone, which the rounds find out.
    await killMembersOf(path)
  }
}

/** As `killCgroup`, where the kernel cannot (before Linux 5.14): its members one by one, until nobody is left. */
export async function killMembersOf(path: string): Promise<void> {
  for (let round = 0; round < KILL_ROUNDS && (await isPopulated(path)); round++) {
    await killMembers(path)
    await sleep(RETRY_MS)
  }
}

/**
 * Removes the cgroup and those that its processes made below it, waiting up to three seconds for killed processes to
 * leave. Gone already is success. Throws `CGROUP_FAILED` when something still lives in it.
 */
export async function removeCgroup(path: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await removeOnce(path)
      return
    } catch (thrown) {
      if (isGone(thrown)) return
      if (codeOf(thrown) !== 'EBUSY' || attempt === RETRIES) throw cgroupFailure(path, thrown)
    }
    await sleep(RETRY_MS)
  }
}

/** Any failure of a call on that cgroup as an error of the catalogue. */
export function cgroupFailure(path: string, thrown: unknown): Error {
  const problem = thrown instanceof Error ? thrown.message : String(thrown)
  return failure('CGROUP_FAILED', { path, problem }, thrown)
}

/** Whether the call failed because the cgroup is not there (ENODEV: it went away while its file was open). */
export function isGone(thrown: unknown): boolean {
  const code = codeOf(thrown)
  return code === 'ENOENT' || code === 'ENODEV'
}

/** The errno name of a failed system call. */
export function codeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : undefined
}

async function removeOnce(path: string): Promise<void> {
  for (const child of await childrenOf(path)) await removeOnce(child)
  await rmdir(path)
}

async function killMembers(path: string): Promise<void> {
  for (const child of await childrenOf(path)) await killMembers(child)
  let members: string
  try {
    members = await readFile(join(path, 'cgroup.procs'), 'utf8')
  } catch (thrown) {
    if (isGone(thrown)) return
    throw cgroupFailure(path, thrown)
  }
  for (const line of members.split('\n')) {
    const pid = Number(line)
    // 0 stands for a process of another pid namespace, and kill(0) would be our own group.
    if (!(pid > 1)) continue
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It ended meanwhile.
    }
  }
}

async function childrenOf(path: string): Promise<readonly string[]> {
  const entries = await readdir(path, { withFileTypes: true })
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(path, entry.name))
}
