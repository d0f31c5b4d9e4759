/**
 * podman as the live tests call it: with runc, whose behaviour is the same on pure and hybrid cgroup layouts, the cgroupfs
 * driver, which needs no systemd, and limits that can be set without CAP_SYS_RESOURCE.
 */
import { writeFileSync } from 'node:fs'
import { ContainerRuntime } from './container-runtime.js'

/** The machine's podman. Has no state of its own: images and containers live in podman's storage. */
export function podman(): ContainerRuntime {
  return podmanWith([])
}

/** The same with further flags before the subcommand; the last of a kind counts. */
export function podmanWith(flags: readonly string[]): ContainerRuntime {
  return new ContainerRuntime({
    name: 'podman',
    program: 'podman',
    globalFlags: ['--runtime', 'runc', '--cgroup-manager=cgroupfs', ...flags],
    runFlags: ['--pids-limit=-1', '--ulimit=nofile=1024:1024', '--ulimit=nproc=4096:4096'],
    env: {},
  })
}

/** The same as a configuration at `path`, for those who call podman themselves; gives the environment that names it. */
export function podmanConf(path: string): Readonly<Record<string, string>> {
  writeFileSync(
    path,
    `[containers]
netns = "none"
pids_limit = -1
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
`,
  )
  return { CONTAINERS_CONF: path }
}
