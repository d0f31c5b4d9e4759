/**
 * Ways to interrupt a process that waits, without its knowing: each takes hold of it, makes sure of that, and lets it go.
 * A wait of which some time is left is then resumed by the kernel through restart_syscall.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ContainerRuntime } from './container-runtime.js'
import { cgroup2Mount } from './leftovers.js'
import { until } from './until.js'

/** A container's first process. */
export interface Target {
  readonly runtime: ContainerRuntime
  readonly name: string
  readonly pid: number
}

export type Disturbance = (target: Target) => Promise<void>

/** `S` for one that sleeps, `T` for one that is stopped, ...: proc_pid_stat(5), field 3. */
export function stateOf(pid: number): string {
  return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.[0] ?? ''
}

/** SIGSTOP and SIGCONT. */
export async function stopAndContinue({ pid }: Target): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  await until('the process to stop', () => stateOf(pid) === 'T')
  process.kill(pid, 'SIGCONT')
}

/** The engine's pause, with whatever freezer its runtime uses here. */
export async function pauseAndResume({ runtime, name }: Target): Promise<void> {
  await runtime.mustCli(['pause', name])
  const { stdout } = await runtime.mustCli(['inspect', '--format', '{{.State.Status}}', name])
  if (stdout.trim() !== 'paused') throw new Error(`${name} is ${stdout.trim()}`)
  await runtime.mustCli(['unpause', name])
}

/** The freezer of the v2 hierarchy, by hand. */
export async function freezeAndThaw({ pid }: Target): Promise<void> {
  const path = /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? ''
  const cgroup = join(cgroup2Mount(), path)
  const isFrozen = (): boolean =>
    /^frozen 1$/m.test(readFileSync(join(cgroup, 'cgroup.events'), 'utf8'))
  writeFileSync(join(cgroup, 'cgroup.freeze'), '1')
  await until('the cgroup to freeze', isFrozen)
  writeFileSync(join(cgroup, 'cgroup.freeze'), '0')
  await until('the cgroup to thaw', () => !isFrozen())
}
