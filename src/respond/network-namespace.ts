/**
 * The network namespaces that a container's threads are in. Usually one; but a process may make another one for itself,
 * and a single thread too, so all are looked at. Each is held open by a descriptor: it cannot go away, nor be mistaken.
 */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { setImmediate as yieldOnce } from 'node:timers/promises'
import { unescapeOctal } from '../workload/cgroup-mount.js'

/** A namespace that stays as long as the handle is open. */
export interface HeldNamespace {
  readonly inode: number
  readonly handle: FileHandle
}

export interface FoundNamespaces {
  readonly held: readonly HeldNamespace[]
  /** Some thread is in the host's namespace, or plimsoll's: that one is not among them. */
  readonly isHost: boolean
  /** Whether the host's namespace can be told from others; where not, none should be touched. */
  readonly knowsHost: boolean
  /** There are more threads or namespaces than are looked at. */
  readonly truncated: boolean
}

const MAX_THREADS = 16_384
const MAX_NAMESPACES = 64
const YIELD_EVERY = 128

/** The namespaces of these processes; the caller closes the handles. Never rejects. */
export async function namespacesOf(pids: readonly number[]): Promise<FoundNamespaces> {
  // Kernel threads (2 is the first of them) never leave it, and may be looked at where init may not.
  const host = inodeAt('/proc/1/ns/net') ?? inodeAt('/proc/2/ns/net')
  const hosts = [host, inodeAt('/proc/self/ns/net')]
  const knowsHost = host !== undefined
  const held = new Map<number, HeldNamespace>()
  let isHost = false
  let threads = 0
  for (const task of tasksOf(pids)) {
    if (++threads > MAX_THREADS || held.size === MAX_NAMESPACES) {
      return { held: [...held.values()], isHost, knowsHost, truncated: true }
    }
    if (threads % YIELD_EVERY === 0) await yieldOnce()
    const inode = inodeAt(`${task}/ns/net`)
    if (inode === undefined || held.has(inode)) continue
    if (hosts.includes(inode)) isHost = true
    else {
      const namespace = await openNamespace(`${task}/ns/net`, inode)
      if (namespace !== undefined) held.set(inode, namespace)
    }
  }
  return { held: [...held.values()], isHost, knowsHost, truncated: false }
}

/**
 * The namespace of that inode, if one of these processes is in it or if it is mounted somewhere (`ip netns`, podman and
 * docker mount theirs). Undefined where it is gone.
 */
export async function findNamespace(
  inode: number,
  pids: readonly number[],
): Promise<HeldNamespace | undefined> {
  for (const task of tasksOf(pids)) {
    if (inodeAt(`${task}/ns/net`) === inode) return openNamespace(`${task}/ns/net`, inode)
  }
  const point = parseNamespaceMount(textOf('/proc/self/mountinfo'), inode)
  return point === undefined ? undefined : openNamespace(point, inode)
}

/** Where the network namespace of that inode is mounted, in the text of `/proc/PID/mountinfo`. */
export function parseNamespaceMount(mountinfo: string, inode: number): string | undefined {
  for (const line of mountinfo.split('\n')) {
    const fields = line.split(' ')
    if (fields[3] === `net:[${inode}]` && fields[4] !== undefined) return unescapeOctal(fields[4])
  }
  return undefined
}

/** How many processes that are not among `members` share the namespace. One look at every process of the host. */
export async function othersIn(inode: number, members: readonly number[]): Promise<number> {
  const own = new Set(members)
  const pids = namesIn('/proc').filter((name) => /^\d+$/.test(name))
  let others = 0
  for (const [at, pid] of pids.entries()) {
    if (at % YIELD_EVERY === 0) await yieldOnce()
    if (!own.has(Number(pid)) && inodeAt(`/proc/${pid}/ns/net`) === inode) others++
  }
  return others
}

/** The inode of the namespace link at `path`; undefined for a process that is gone. */
export function inodeAt(path: string): number | undefined {
  try {
    const inode = /^[a-z_]+:\[(\d+)\]$/.exec(readlinkSync(path))?.[1]
    return inode === undefined ? undefined : Number(inode)
  } catch {
    return undefined
  }
}

/** First the processes, then their other threads: a bound cuts off the latter. */
function* tasksOf(pids: readonly number[]): Generator<string> {
  for (const pid of pids) yield `/proc/${pid}`
  for (const pid of pids) {
    for (const tid of namesIn(`/proc/${pid}/task`)) {
      if (tid !== String(pid)) yield `/proc/${pid}/task/${tid}`
    }
  }
}

async function openNamespace(path: string, inode: number): Promise<HeldNamespace | undefined> {
  let handle: FileHandle | undefined
  try {
    handle = await open(path, 'r')
    if ((await handle.stat()).ino === inode) return { inode, handle }
  } catch {
    // The process ended meanwhile.
  }
  await handle?.close()
  return undefined
}

function namesIn(path: string): readonly string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
