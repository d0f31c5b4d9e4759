/** A container that holds memory, a file and a connection (test/fixtures/programs/holder.c), and its cgroup. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type WorkloadFacts } from '../../../src/detect/anomaly.js'
import { findCgroupMount } from '../../../src/workload/cgroup-mount.js'
import { scanCgroups } from '../../../src/workload/cgroup-scan.js'
import { containerOf } from '../../../src/workload/container-path.js'
import { workloadOf } from '../response-requests.js'
import { containerName, type ContainerSpec } from './container-runtime.js'
import { BUSYBOX, extended, imageOf } from './images.js'
import { podman } from './podman.js'
import { buildProgram } from './programs.js'
import { until } from './until.js'

const HOLDER = extended(BUSYBOX, 'holder', (root) =>
  buildProgram('holder', join(root, 'bin/holder')),
)

export interface HeldContainer {
  readonly name: string
  readonly workload: WorkloadFacts
  readonly mount: string
  /** Below the mount. */
  readonly cgroupPath: string
  /** Absolute. */
  readonly directory: string
  /** The first process: the holder, unless another command was given. */
  readonly pid: number
  readonly exited: Promise<void>
  /** What `cgroup.events` says. */
  isFrozen(): boolean
}

/** Starts it and waits until it holds everything; it goes with the test. */
export async function heldContainer(
  t: Test,
  args: readonly string[] = [],
  spec: Partial<ContainerSpec> = {},
): Promise<HeldContainer> {
  const runtime = podman()
  const image = await imageOf(runtime, HOLDER, 'respond')
  const name = containerName('respond')
  t.teardown(() => runtime.remove(name))
  const running = runtime.launch({ image, name, command: ['/bin/holder', ...args], ...spec })
  await until('the holder to be ready', () => {
    if (running.child.exitCode !== null) throw new Error(`the container ended: ${running.stderr()}`)
    return running.stdout().includes('ready')
  })
  const id = (await runtime.mustCli(['inspect', '--format', '{{.Id}}', name])).stdout.trim()
  const mount = await findCgroupMount()
  const found = (await scanCgroups(mount)).find(({ path }) => containerOf(path)?.containerId === id)
  if (found === undefined) throw new Error('the container has no cgroup')
  const directory = join(mount, found.path)
  return {
    name,
    workload: { ...workloadOf(id), containerName: name, imageName: image, cgroupId: found.id },
    mount,
    cgroupPath: found.path,
    directory,
    pid: Number(readFileSync(join(directory, 'cgroup.procs'), 'utf8').split('\n', 1)[0]),
    exited: running.exited,
    isFrozen: () => /^frozen 1$/m.test(readFileSync(join(directory, 'cgroup.events'), 'utf8')),
  }
}
