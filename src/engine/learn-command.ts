/** Learning one command, in a cgroup of its own; nothing is left behind, whatever happens. */
import type { ImageIdentity } from '../baseline/image-identity.js'
import { byteStringOfText } from '../bytes.js'
import { failure } from '../errors.js'
import { createCommandCgroup, type CommandCgroup } from '../workload/command-cgroup.js'
import { identityOfCommand } from '../workload/command-identity.js'
import { startCommand, type RunningCommand } from '../workload/command.js'
import { findExecutable } from '../workload/executable.js'
import { exitStatusOf } from '../workload/exit-status.js'
import { removeEmptyParent } from '../workload/stale-cgroups.js'
import type { Selection } from './input.js'
import { type Learned, type LearnOptions, observe, prepareHost } from './learn.js'

export interface CommandOptions extends LearnOptions {
  readonly argv: readonly string[]
  readonly cwd: string
  /** Told when the command runs, to forward signals to it; returns what ends that. */
  readonly onStarted: (command: RunningCommand, kill: () => void) => () => void
}

export interface LearnedCommand extends Learned {
  /** Status of the command, as a shell gives it. */
  readonly status: number
  /** Processes that the command left behind and that were ended with it. */
  readonly leftBehind: boolean
}

interface Outcome {
  readonly status: number
  readonly leftBehind: boolean
}

/** Time between SIGTERM and the end of everything in the cgroup. */
const GRACE_MS = 5000

/** As a shell reports a command that Ctrl-C ended: 128 + SIGINT. */
const INTERRUPTED: Outcome = { status: 130, leftBehind: false }

const NO_CONTAINERS: Selection = { all: false, image: '', container: '' }

/**
 * Runs and learns one command. Throws before it is started if it cannot be found or nothing can be observed; if `stop`
 * comes before it is started, it never is.
 */
export async function learnCommand(options: CommandOptions): Promise<LearnedCommand> {
  const { argv, cwd, env } = options
  const image = await commandImage(argv, cwd, env)
  const mount = await prepareHost(env)
  const cgroup = await createCommandCgroup(mount)
  try {
    const { observer, finish } = await observe(options, {
      mount,
      selection: NO_CONTAINERS,
      cgroupId: cgroup.id,
    })
    try {
      if (options.stop.aborted) return { ...(await finish()), ...INTERRUPTED }
      observer.feed.give({ kind: 'command', cgroupId: cgroup.id, image })
      const outcome = await runIn(cgroup, options)
      return { ...(await finish()), ...outcome }
    } finally {
      await observer.detach()
    }
  } finally {
    await cgroup.kill().catch(() => undefined)
    await cgroup.remove()
    await removeEmptyParent(mount)
  }
}

async function commandImage(
  argv: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<ImageIdentity> {
  const name = argv[0] ?? ''
  const found = await findExecutable(name, env['PATH'], cwd)
  if (found.kind === 'not-found') throw failure('COMMAND_NOT_FOUND', { command: name })
  if (found.kind === 'not-executable') {
    throw failure('COMMAND_NOT_EXECUTABLE', { command: found.path, problem: found.problem })
  }
  const identity = await identityOfCommand(found.path, argv)
  return { ...identity, entrypoint: identity.entrypoint.map((word) => byteStringOfText(word)) }
}

async function runIn(cgroup: CommandCgroup, options: CommandOptions): Promise<Outcome> {
  const command = await startCommand(options.argv, cgroup, { env: options.env, cwd: options.cwd })
  const kill = (): void => void cgroup.kill().catch(() => undefined)
  const release = options.onStarted(command, kill)
  let insist: NodeJS.Timeout | undefined
  const end = (): void => {
    command.signal('SIGTERM')
    insist = setTimeout(kill, GRACE_MS)
  }
  options.stop.addEventListener('abort', end, { once: true })
  if (options.stop.aborted) end()
  try {
    const exit = await command.exited
    const leftBehind = await cgroup.populated().catch(() => false)
    if (leftBehind) await cgroup.kill()
    return { status: exitStatusOf(exit), leftBehind }
  } finally {
    release()
    clearTimeout(insist)
    options.stop.removeEventListener('abort', end)
  }
}
