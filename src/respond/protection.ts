/**
 * Who is never acted upon: whatever is no container, init, plimsoll itself, the container runtimes, and what the policy
 * protects. Asked before every action, also before one that a person wants.
 *
 * A runtime is recognised by its program in the host's mount namespace: a container that names its program `conmon` is not
 * spared, and neither is one that runs a dockerd of its own.
 */
import { readFileSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'
import type { WorkloadFacts } from '../detect/anomaly.js'
import { quoted } from '../errors.js'
import { containerOf, type ContainerPath } from '../workload/container-path.js'

/** Why the policy protects the workload; undefined where it does not. */
export type Protects = (workload: WorkloadFacts) => string | undefined

export type Target =
  | { readonly kind: 'container'; readonly container: ContainerPath }
  | { readonly kind: 'protected'; readonly why: string }

const RUNTIMES = [
  'containerd',
  'conmon',
  'conmonrs',
  'crio',
  'cri-dockerd',
  'dockerd',
  'k3s',
  'kubelet',
  'podman',
]
/** The check is for hosts that put a monitor into the container's cgroup: it is among the first there. */
const PIDS_LOOKED_AT = 256

/** The container that the cgroup path (below the mount) belongs to, or why nothing is done to it. Looks at no process. */
export function targetOf(
  path: string,
  workload: WorkloadFacts,
  protects: Protects = () => undefined,
): Target {
  const container = path.split('/').includes('..') ? undefined : containerOf(path)
  if (container === undefined) {
    const what = path === '/' || path === '' ? 'the root cgroup' : `cgroup ${quoted(path)}`
    return { kind: 'protected', why: `${what} is no container's` }
  }
  if (workload.containerId !== '' && workload.containerId !== container.containerId) {
    return { kind: 'protected', why: `cgroup ${quoted(path)} is another container's` }
  }
  const byPolicy = protects(workload)
  if (byPolicy !== undefined)
    return { kind: 'protected', why: `protected by policy: ${quoted(byPolicy)}` }
  const own = ownCgroup()
  if (own === container.scopePath || own.startsWith(`${container.scopePath}/`)) {
    return { kind: 'protected', why: 'plimsoll itself runs in it' }
  }
  return { kind: 'container', container }
}

/** Why a container with these processes is left alone; undefined where it is not. */
export function protectedMember(pids: readonly number[], ownPid = process.pid): string | undefined {
  if (pids.includes(ownPid)) return 'plimsoll itself runs in it'
  if (pids.includes(1)) return 'init runs in it'
  // plimsoll's own too: it may have been started in a namespace of its own, as a systemd unit is.
  const hostMounts = [linkOf('/proc/1/ns/mnt'), linkOf('/proc/self/ns/mnt')]
  for (const pid of pids.slice(0, PIDS_LOOKED_AT)) {
    const mounts = linkOf(`/proc/${pid}/ns/mnt`)
    if (mounts === undefined || !hostMounts.includes(mounts)) continue
    const program = basename(linkOf(`/proc/${pid}/exe`) ?? '').replace(/ \(deleted\)$/, '')
    if (RUNTIMES.includes(program) || program.startsWith('containerd-shim')) {
      return `the container runtime's ${quoted(program)} (pid ${pid}) runs in it`
    }
  }
  return undefined
}

/** plimsoll's own cgroup below the mount; empty where it cannot be told. */
function ownCgroup(): string {
  try {
    return /^0::(\/.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? ''
  } catch {
    return ''
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}
