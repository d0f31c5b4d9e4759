/**
 * What plimsoll must not leave behind: bpftrace processes and cgroups. Processes are recognised by a mark in the
 * environment that they inherit, so that those of other sessions on the machine are never counted, nor killed.
 */
import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { basename, join } from 'node:path'

/** The name of the environment variable that marks everything a session starts. */
export const MARK = 'PLIMSOLL_TEST_SESSION'

/** Pids of the bpftrace processes that carry the mark. */
export function bpftraceOf(mark: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => isBpftrace(pid) && environmentOf(pid).includes(`${MARK}=${mark}`))
}

/**
 * cgroups of commands that a plimsoll with one of these pids started and that still exist, and their common parent if
 * nobody has anything in it any more. Paths, for messages.
 */
export function cgroupsOf(pids: readonly number[]): readonly string[] {
  const parent = join(cgroup2Mount(), 'plimsoll')
  if (!existsSync(parent)) return []
  const children = readdirSync(parent, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
  if (children.length === 0) return [parent]
  return children
    .filter((name) => pids.includes(Number(/^run-\d+-(\d+)-/.exec(name)?.[1])))
    .map((name) => join(parent, name))
}

/** Where the cgroup2 file system is mounted. */
export function cgroup2Mount(): string {
  const line = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .find((text) => text.includes(' - cgroup2 '))
  const mount = line?.split(' ')[4]
  if (mount === undefined) throw new Error('no cgroup2 mount')
  return mount
}

function isBpftrace(pid: number): boolean {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`)).startsWith('bpftrace')
  } catch {
    return false
  }
}

function environmentOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0')
  } catch {
    // It has ended meanwhile.
    return []
  }
}
