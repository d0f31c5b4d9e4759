/**
 * The v1 freezer of a container, for hosts whose kernel has no `cgroup.freeze`, and for finding out that somebody else froze
 * the container there: on hybrid hosts `podman pause` does.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { unescapeOctal } from '../workload/cgroup-mount.js'
import { containerOf } from '../workload/container-path.js'
import type { Freezer } from './freezer.js'

/** Mount point of the v1 freezer in the text of `/proc/PID/mountinfo`; undefined where there is none. */
export function parseFreezerMount(mountinfo: string): string | undefined {
  for (const line of mountinfo.split('\n')) {
    const fields = line.split(' ')
    const separator = fields.indexOf('-', 6)
    if (separator < 0 || fields[separator + 1] !== 'cgroup' || fields[3] !== '/') continue
    const controllers = fields[separator + 3]?.split(',') ?? []
    if (controllers.includes('freezer') && fields[4] !== undefined) return unescapeOctal(fields[4])
  }
  return undefined
}

/** Path of the freezer cgroup in the text of `/proc/PID/cgroup`, below its mount. */
export function parseFreezerPath(cgroups: string): string | undefined {
  for (const line of cgroups.split('\n')) {
    const match = /^\d+:([^:]*):(\/.*)$/.exec(line)
    if (match?.[1]?.split(',').includes('freezer')) return match[2]
  }
  return undefined
}

/**
 * The freezer of the container that the process is in. Undefined where there is none, and where the process is in a freezer
 * cgroup that is not that container's: freezing it would stop others.
 */
export function v1Freezer(pid: number, containerId: string): Freezer | undefined {
  try {
    const mount = parseFreezerMount(readFileSync('/proc/self/mountinfo', 'utf8'))
    const path = parseFreezerPath(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))
    const container = path === undefined ? undefined : containerOf(path)
    if (mount === undefined || container?.containerId !== containerId) return undefined
    const directory = join(mount, container.scopePath)
    return existsSync(join(directory, 'freezer.state'))
      ? { hierarchy: 'v1', path: directory }
      : undefined
  } catch {
    return undefined
  }
}
