/**
 * What a container takes of its host, from its cgroup's own files: of v2 where its controllers are, else of the v1 hierarchies
 * in which runtimes make the same path. Memory is that of processes alone: the page cache grows with whatever is read,
 * and says nothing of what an image does. Sources: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/{memory,cpuacct,pids}.rst.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { unescapeOctal } from './cgroup-mount.js'

/** What was read at one moment; undefined for what no controller counts. */
export interface ResourceReading {
  /** Anonymous memory, in bytes. */
  readonly memoryBytes: number | undefined
  /** Processor time since the cgroup was made, in microseconds. */
  readonly cpuUs: number | undefined
  /** Processes and threads. */
  readonly pids: number | undefined
}

/** Where the controllers are mounted. */
export interface ControllerMounts {
  /** cgroup2 */
  readonly unified: string
  /** v1 mount points by controller: `memory`, `cpuacct`, `pids`. */
  readonly v1: Readonly<Record<string, string>>
}

const V1_CONTROLLERS = ['memory', 'cpuacct', 'pids']

/** v1 controllers in the text of `/proc/PID/mountinfo`, by name; proc_pid_mountinfo(5). */
export function parseV1Controllers(mountinfo: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const line of mountinfo.split('\n')) {
    const fields = line.split(' ')
    const separator = fields.indexOf('-', 6)
    const point = fields[4]
    if (separator < 0 || fields[separator + 1] !== 'cgroup' || point === undefined) continue
    for (const option of fields[separator + 3]?.split(',') ?? []) {
      if (V1_CONTROLLERS.includes(option)) found[option] ??= unescapeOctal(point)
    }
  }
  return found
}

/** The controllers of this host, given where cgroup2 is mounted. Never rejects. */
export async function controllerMounts(unified: string): Promise<ControllerMounts> {
  const mountinfo = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '')
  return { unified, v1: parseV1Controllers(mountinfo) }
}

/** What the cgroup at `path` (below each mount) takes now. Never rejects. Cost: three to six small reads. */
export async function readResources(
  mounts: ControllerMounts,
  path: string,
): Promise<ResourceReading> {
  const v2 = (file: string): Promise<string> => textOf(join(mounts.unified, path, file))
  const v1 = (controller: string, file: string): Promise<string> => {
    const mount = mounts.v1[controller]
    return mount === undefined ? Promise.resolve('') : textOf(join(mount, path, file))
  }
  const [memory, cpu, pids] = await Promise.all([
    v2('memory.stat').then(
      async (text) => field(text, 'anon') ?? field(await v1('memory', 'memory.stat'), 'total_rss'),
    ),
    // cpu.stat of v2 is there without its controller.
    v2('cpu.stat').then(
      async (text) => field(text, 'usage_usec') ?? micros(await v1('cpuacct', 'cpuacct.usage')),
    ),
    v2('pids.current').then(
      async (text) => numberIn(text) ?? numberIn(await v1('pids', 'pids.current')),
    ),
  ])
  return { memoryBytes: memory, cpuUs: cpu, pids }
}

async function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
}

function field(text: string, name: string): number | undefined {
  const found = new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]
  return found === undefined ? undefined : Number(found)
}

function numberIn(text: string): number | undefined {
  return /^\d+\n?$/.test(text) ? Number(text) : undefined
}

/** v1 counts in nanoseconds. */
function micros(text: string): number | undefined {
  const ns = numberIn(text)
  return ns === undefined ? undefined : Math.floor(ns / 1000)
}
