/**
 * Which container a cgroup belongs to, read off its path alone. Knows how Docker, podman, containerd and CRI-O name their
 * cgroups with the systemd and the cgroupfs driver, with and without Kubernetes. Pure.
 *
 * The outermost container wins: what runs in a container that itself runs containers is that container's behaviour, and
 * the inner ids mean nothing to this host's runtimes.
 */

/** Container runtimes whose cgroups are recognised. */
export type ContainerRuntime = 'docker' | 'podman' | 'containerd' | 'crio'

/** A container as its cgroup path names it. */
export interface ContainerPath {
  readonly runtime: ContainerRuntime
  /** 64 lower-case hexadecimal digits. */
  readonly containerId: string
  /** Path of the container's own cgroup: the given path or an ancestor of it. */
  readonly scopePath: string
}

const RUNTIME_OF_PREFIX: Readonly<Record<string, ContainerRuntime>> = {
  docker: 'docker',
  libpod: 'podman',
  // podman run --cgroups=split, which is what quadlet units use
  'libpod-payload': 'podman',
  'cri-containerd': 'containerd',
  nerdctl: 'containerd',
  crio: 'crio',
}

/**
 * `docker-ID.scope` (systemd driver), `libpod-ID` (cgroupfs driver) and `SLICE:cri-containerd:ID` (a systemd path that
 * was given to the cgroupfs driver). Monitors (`libpod-conmon-ID`, `crio-conmon-ID`) have a prefix that is not listed.
 */
const NAMED = /^(?:[^/]*:)?([a-z]+(?:-[a-z]+)?)[-:]([0-9a-f]{64})(?:\.scope)?$/

/** The cgroupfs driver of Docker and containerd: the id alone, below a parent that tells whose it is. */
const BARE = /^[0-9a-f]{64}$/

/** The container that the cgroup at `path` (below the cgroup2 mount) belongs to; undefined for everything else. */
export function containerOf(path: string): ContainerPath | undefined {
  const segments = path.split('/')
  for (let at = 0; at < segments.length; at++) {
    const segment = segments[at] ?? ''
    const found = named(segment) ?? bare(segment, segments.slice(0, at))
    if (found !== undefined) return { ...found, scopePath: segments.slice(0, at + 1).join('/') }
  }
  return undefined
}

type Named = Omit<ContainerPath, 'scopePath'>

function named(segment: string): Named | undefined {
  const match = NAMED.exec(segment)
  const prefix = match?.[1] ?? ''
  const containerId = match?.[2]
  if (containerId === undefined || !Object.hasOwn(RUNTIME_OF_PREFIX, prefix)) return undefined
  const runtime = RUNTIME_OF_PREFIX[prefix]
  return runtime && { runtime, containerId }
}

function bare(segment: string, ancestors: readonly string[]): Named | undefined {
  if (!BARE.test(segment)) return undefined
  const parent = ancestors.at(-1) ?? ''
  // A pod of podman has a bare id of its own; its containers are the `libpod-ID` below.
  if (parent === 'libpod_parent') return undefined
  // containerd: `k8s.io` and `default` are its namespaces, kubepods is where the kubelet tells it to be. Any other parent
  // is a --cgroup-parent of Docker, as CI runners and ECS use it.
  const isContainerd =
    parent === 'k8s.io' ||
    parent === 'default' ||
    ancestors.some((name) => name === 'kubepods' || name.startsWith('kubepods.slice'))
  return { runtime: isContainerd ? 'containerd' : 'docker', containerId: segment }
}
