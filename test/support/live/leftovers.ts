/**
 * What plimsoll must not leave behind: bpftrace processes and cgroups. Processes are recognised by a mark in the
 * environment that they inherit, so that those of other sessions on the machine are never counted, nor killed.
 */
import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { rmdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { until } from './until.js'

/** The name of the environment variable that marks everything a session starts. */
export const MARK = 'PLIMSOLL_TEST_SESSION'

/** Pids of the bpftrace processes that carry the mark. */
export function bpftraceOf(mark: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => isBpftrace(pid) && environmentOf(pid).includes(`${MARK}=${mark}`))
}

/** Paths of the cgroups that a plimsoll with one of these pids made and that still exist. */
export function cgroupsOf(pids: readonly number[]): readonly string[] {
  const parent = commonParent()
  return childrenOf(parent)
    .filter((name) => pids.includes(Number(/^run-\d+-(\d+)-\d+-\d+$/.exec(name)?.[1])))
    .map((name) => join(parent, name))
}

/**
 * True if the directory above all those cgroups is gone, or in use. Another plimsoll may be between making it and using
 * it, so that only one which stays empty is left over.
 */
export function isParentTidy(): boolean {
  return !existsSync(commonParent()) || childrenOf(commonParent()).length > 0
}

/** Ends everything in these cgroups and removes them. */
export async function removeCgroups(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    writeFileSync(join(path, 'cgroup.kill'), '1')
    await until(`an empty ${path}`, () => isRemoved(path))
  }
}

function isRemoved(path: string): boolean {
  try {
    rmdirSync(path)
  } catch {
    // Busy until the last process is gone.
  }
  return !existsSync(path)
}

function commonParent(): string {
  return join(cgroup2Mount(), 'plimsoll')
}

function childrenOf(parent: string): readonly string[] {
  if (!existsSync(parent)) return []
  return readdirSync(parent, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
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
