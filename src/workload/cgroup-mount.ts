/**
 * Where cgroup v2 is mounted. The inode of a directory below that mount is the cgroup id that BPF reports, so a v1
 * hierarchy is of no use here: on hybrid hosts the v2 one is `/sys/fs/cgroup/unified`.
 */
import { readFile } from 'node:fs/promises'
import { failure } from '../errors.js'

/** Mount points in the order of preference: pure v2 and hybrid as systemd mounts them. */
const USUAL = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified']

/**
 * The mount point of cgroup2 in the text of `/proc/PID/mountinfo`, or undefined where there is none.
 *
 * Where there are several (a chroot that has one of its own), one that shows the hierarchy from its root is preferred,
 * then a usual place, then the shortest path. Format: proc_pid_mountinfo(5).
 */
export function parseCgroupMount(mountinfo: string): string | undefined {
  let best: { readonly point: string; readonly rank: number } | undefined
  for (const line of mountinfo.split('\n')) {
    const fields = line.split(' ')
    // Optional fields end with a lone hyphen; the type of the file system comes right after it.
    const separator = fields.indexOf('-', 6)
    const root = fields[3]
    const escaped = fields[4]
    if (separator < 0 || root === undefined || escaped === undefined) continue
    if (fields[separator + 1] !== 'cgroup2') continue
    const point = unescapeOctal(escaped)
    const usual = USUAL.indexOf(point)
    const rank = (root === '/' ? 0 : 10_000) + (usual >= 0 ? usual : 10 + point.length)
    if (best === undefined || rank < best.rank) best = { point, rank }
  }
  return best?.point
}

/** The mount point of cgroup2 on this host. Throws `CGROUP2_MISSING`. */
export async function findCgroupMount(mountinfo = '/proc/self/mountinfo'): Promise<string> {
  const point = parseCgroupMount(await readFile(mountinfo, 'utf8'))
  if (point === undefined) throw failure('CGROUP2_MISSING', {})
  return point
}

/**
 * A path of a mountinfo line as it is: the kernel writes space, tab, newline and backslash as three octal digits (`mangle`
 * in fs/proc_namespace.c).
 */
export function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  )
}
