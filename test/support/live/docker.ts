/**
 * A docker daemon of the test's own: private data, private socket, no firewall rules and no bridge, so that it neither
 * needs nor touches a daemon that the machine may have.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { ContainerRuntime } from './container-runtime.js'
import { run, start } from './process.js'
import { pathOf } from './requirements.js'
import { until } from './until.js'

/** No firewall rules, no bridge; vfs because the data directory may itself lie on an overlay. */
const DAEMON_FLAGS = [
  '--iptables=false',
  '--ip6tables=false',
  '--bridge=none',
  '--storage-driver=vfs',
]

/** A daemon, and the way to have it read its configuration again. */
export interface Daemon {
  readonly runtime: ContainerRuntime
  reload(): void
}

/** Starts a daemon and stops it, with all its containers, when `t` ends, however that is. Takes about three seconds. */
export async function docker(t: Test): Promise<ContainerRuntime> {
  return (await dockerDaemon(t)).runtime
}

/** The same with further flags. */
export async function dockerDaemon(t: Test, flags: readonly string[] = []): Promise<Daemon> {
  const home = mkdtempSync(join(tmpdir(), 'plimsoll-docker-'))
  const socket = join(home, 'docker.sock')
  const daemon = start(pathOf('dockerd') ?? 'dockerd', [
    ...DAEMON_FLAGS,
    `--data-root=${join(home, 'data')}`,
    `--exec-root=${join(home, 'run')}`,
    `--pidfile=${join(home, 'docker.pid')}`,
    `--host=unix://${socket}`,
    ...flags,
  ])
  t.teardown(async () => {
    const env = { DOCKER_HOST: `unix://${socket}` }
    const { stdout } = await run('docker', ['ps', '--quiet', '--all'], { env })
    const containers = stdout.split('\n').filter((id) => id !== '')
    if (containers.length > 0) await run('docker', ['rm', '--force', ...containers], { env })
    const containerd = containerdOf(home)
    daemon.child.kill('SIGTERM')
    await daemon.finished
    // dockerd stops its containerd; one that outlives it would keep the directory busy.
    if (containerd !== undefined && existsSync(`/proc/${containerd}`)) {
      process.kill(containerd, 'SIGKILL')
    }
    rmSync(home, { recursive: true, force: true, maxRetries: 5 })
  })
  const runtime = new ContainerRuntime({
    name: 'docker',
    program: 'docker',
    globalFlags: [],
    runFlags: [],
    env: { DOCKER_HOST: `unix://${socket}` },
  })
  await until(
    'dockerd',
    async () => {
      if (daemon.child.exitCode !== null)
        throw new Error(`dockerd: ${daemon.stderr().slice(-2000)}`)
      return existsSync(socket) && (await runtime.cli(['version'])).code === 0
    },
    60_000,
  )
  return { runtime, reload: () => void daemon.child.kill('SIGHUP') }
}

/** The pid of the daemon's own containerd, if it has one. */
function containerdOf(home: string): number | undefined {
  const path = join(home, 'run/containerd/containerd.pid')
  return existsSync(path) ? Number(readFileSync(path, 'utf8')) : undefined
}
