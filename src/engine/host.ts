/** The host that the engine runs on: its clock, its bpftrace, its probes and its runtimes. Everything impure in one place. */
import { readFile } from 'node:fs/promises'
import { release, setPriority } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ItemKind } from '../baseline/item-key.js'
import { FIRST_KINDS } from '../baseline/kinds.js'
import { failure } from '../errors.js'
import type { Version } from '../sensor/dialect.js'
import { type Check, isTracepoint, sensorChecks } from '../sensor/preflight.js'
import { OPTIONAL_PROBES, probeFileOf } from '../sensor/probe-files.js'
import { type ProbeName, programOf } from '../sensor/program.js'
import { bpftraceVersion } from '../sensor/supervisor.js'
import { PACKAGE_ROOT } from '../version.js'
import { findCgroupMount } from '../workload/cgroup-mount.js'
import type { Clock } from '../workload/clock.js'
import { DockerClient, dockerSocketOf } from '../workload/docker.js'
import { PodmanClient } from '../workload/podman.js'
import { ContainerResolver } from '../workload/resolver.js'

/** The real clock. */
export const CLOCK: Clock = {
  nowMs: () => Date.now(),
  sleep: async (ms, signal) => {
    await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined)
  },
}

/** Below this, a busy host has its own programs wait for ours: high, but not what the kernel's own threads have. */
const PRIORITY = -10

/**
 * Has this process, and what it starts from now on, go before others where processors are short: a container that takes all of
 * them must not delay what is said of it. Where that is not allowed nothing changes.
 */
export function raisePriority(): void {
  try {
    setPriority(PRIORITY)
  } catch {
    // Without CAP_SYS_NICE; late is better than not at all.
  }
}

/** The bpftrace to run: `$PLIMSOLL_BPFTRACE`, else the one on the PATH. */
export function bpftracePath(env: NodeJS.ProcessEnv): string {
  return env['PLIMSOLL_BPFTRACE'] || 'bpftrace'
}

/** Everything that the sensor needs, as `doctor` shows it. */
export async function hostChecks(env: NodeJS.ProcessEnv): Promise<readonly Check[]> {
  return [...(await sensorChecks(bpftracePath(env))), await cgroupCheck()]
}

async function cgroupCheck(): Promise<Check> {
  const mount = await findCgroupMount().catch(() => undefined)
  return {
    name: 'cgroup2',
    ok: mount !== undefined,
    found: mount ?? 'not mounted',
    remedy: 'Mount it before containers start: mount -t cgroup2 none /sys/fs/cgroup/unified.',
  }
}

/** Throws `NOT_READY` naming the first check that fails. */
export async function requireSensor(env: NodeJS.ProcessEnv): Promise<void> {
  const failed = (await hostChecks(env)).find((check) => !check.ok)
  if (failed) {
    throw failure('NOT_READY', {
      problem: `${failed.name}: ${failed.found}`,
      remedy: failed.remedy,
    })
  }
}

/** The assembled program of those probes for that bpftrace, without the optional ones that this host has no tracepoint for. */
export async function sensorProgram(
  version: Version,
  probes: readonly ProbeName[],
): Promise<string> {
  const texts: Partial<Record<ProbeName, string>> = {}
  for (const [name, file] of await probeFiles(version, probes)) {
    texts[name] = await readFile(join(PACKAGE_ROOT, 'probes', `${file}.bt`), 'utf8')
  }
  return programOf(texts)
}

/** Kinds of items that those probes look for on this host: what they do not look for is not known to be absent. */
export async function observedKinds(
  version: Version,
  probes: readonly ProbeName[],
): Promise<readonly ItemKind[]> {
  const files = await probeFiles(version, probes)
  return [
    ...FIRST_KINDS,
    ...(files.has('capability') ? ['capability' as const] : []),
    ...(files.has('io-uring') ? ['io_uring' as const] : []),
  ]
}

/** The file of each probe that this host can have, without its ending. */
async function probeFiles(
  version: Version,
  probes: readonly ProbeName[],
): Promise<ReadonlyMap<ProbeName, string>> {
  const there = new Set<string>()
  for (const { tracepoint } of OPTIONAL_PROBES.flatMap(({ files }) => files)) {
    if (await isTracepoint(tracepoint)) there.add(tracepoint)
  }
  const files = new Map<ProbeName, string>()
  for (const name of probes) {
    const file = probeFileOf(name, version, (tracepoint) => there.has(tracepoint))
    if (file !== undefined) files.set(name, file)
  }
  return files
}

/** Kernel release and bpftrace version of this host. */
export async function hostVersions(
  env: NodeJS.ProcessEnv,
): Promise<{ readonly kernel: string; readonly bpftrace: string }> {
  return { kernel: release(), bpftrace: await bpftraceVersion(bpftracePath(env)) }
}

/** Asks this host's docker and podman. */
export function hostResolver(env: NodeJS.ProcessEnv): ContainerResolver {
  const socket = dockerSocketOf(env['DOCKER_HOST'])
  return new ContainerResolver({
    ...(socket === undefined ? {} : { docker: new DockerClient(() => CLOCK.nowMs(), socket) }),
    podman: new PodmanClient({ nowMs: () => CLOCK.nowMs() }),
    clock: CLOCK,
  })
}
