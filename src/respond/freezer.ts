/**
 * Freezing a cgroup with all that is below it, through the kernel's files: `cgroup.freeze` (v2, since Linux 5.2), or the v1
 * freezer where that is missing. A frozen process keeps memory, files and sockets and runs no instruction.
 *
 * The request is one synchronous write, so that it leaves before anything else is done; waiting for it is asynchronous.
 * Sources: Documentation/admin-guide/cgroup-v2.rst; cgroup-v1/freezer-subsystem.rst.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as yieldOnce } from 'node:timers/promises'
import type { Clock } from '../workload/clock.js'

/** The files of one cgroup that freeze it. */
export interface Freezer {
  readonly hierarchy: 'v2' | 'v1'
  /** Absolute path of the directory. */
  readonly path: string
}

/** Most freezes are over within a millisecond: until then it is looked at whenever the event loop comes round. */
const SPIN_MS = 25
const STEP_MS = 2

/** v2 is there. A cgroup that is gone has no freezer. */
export function v2Freezer(directory: string): Freezer | undefined {
  return existsSync(join(directory, 'cgroup.freeze'))
    ? { hierarchy: 'v2', path: directory }
    : undefined
}

/** Whether it was asked to freeze, by whomever. Throws where the cgroup is gone. */
export function isRequested({ hierarchy, path }: Freezer): boolean {
  return hierarchy === 'v2'
    ? readFileSync(join(path, 'cgroup.freeze'), 'utf8').trim() === '1'
    : readFileSync(join(path, 'freezer.self_freezing'), 'utf8').trim() === '1'
}

/** Whether every process in it and below it has stopped. Throws where the cgroup is gone. */
export function isFrozen({ hierarchy, path }: Freezer): boolean {
  return hierarchy === 'v2'
    ? /^frozen 1$/m.test(readFileSync(join(path, 'cgroup.events'), 'utf8'))
    : readFileSync(join(path, 'freezer.state'), 'utf8').trim() === 'FROZEN'
}

/** Asks the kernel; returns at once. Asking again changes nothing. Throws where the cgroup is gone or not ours to freeze. */
export function request({ hierarchy, path }: Freezer, frozen: boolean): void {
  if (hierarchy === 'v2') {
    writeFileSync(join(path, 'cgroup.freeze'), frozen ? '1' : '0', { flag: 'r+' })
  } else {
    writeFileSync(join(path, 'freezer.state'), frozen ? 'FROZEN' : 'THAWED', { flag: 'r+' })
  }
}

/**
 * Waits until it is frozen, or no longer is; false when `timeoutMs` have passed. A process in an uninterruptible sleep (a
 * dead NFS server) cannot be frozen before it wakes; the request stays. Throws where the cgroup is gone.
 */
export async function reached(
  freezer: Freezer,
  frozen: boolean,
  clock: Clock,
  timeoutMs: number,
): Promise<boolean> {
  const startedMs = performance.now()
  while (isFrozen(freezer) !== frozen) {
    const elapsedMs = performance.now() - startedMs
    if (elapsedMs > timeoutMs) return false
    if (elapsedMs < SPIN_MS) {
      await yieldOnce()
      continue
    }
    // v1 gives up on processes that were forking meanwhile, and has to be asked again.
    if (freezer.hierarchy === 'v1') request(freezer, frozen)
    await clock.sleep(STEP_MS)
  }
  return true
}
