/** Killing a container's processes and seeing them gone, also where it was frozen before. */
import { isPopulated, killCgroup } from '../workload/cgroup-files.js'
import type { Clock } from '../workload/clock.js'
import { type Freezer, isRequested, request } from './freezer.js'

const WAIT_MS = 3000
const STEP_MS = 5

/**
 * Kills everything in the cgroup at `directory`; false where something lives on after three seconds. A v2 freezer lets the
 * signal through; the v1 one does not, so that it is thawed once the signal waits: no instruction runs in between.
 */
export async function killContainer(
  directory: string,
  v1: Freezer | undefined,
  clock: Clock,
): Promise<boolean> {
  await killCgroup(directory)
  if (v1 !== undefined) {
    try {
      if (isRequested(v1)) request(v1, false)
    } catch {
      // The container has ended already.
    }
  }
  const startedMs = performance.now()
  while (await isPopulated(directory)) {
    if (performance.now() - startedMs > WAIT_MS) return false
    await clock.sleep(STEP_MS)
  }
  return true
}
