/**
 * Starting one command inside its cgroup. The launcher is a shell that joins the cgroup and then execs the command, so
 * that the command's own exec is the first in that cgroup, and nothing of plimsoll's process is ever seen in it.
 */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { failure } from '../errors.js'
import type { CommandCgroup } from './command-cgroup.js'
import { findExecutable } from './executable.js'

/**
 * Environment and working directory of the command: the caller says all of it, nothing is inherited by accident.
 * Standard input, output and error are plimsoll's own.
 */
export interface CommandOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
}

/** How a process ended: exactly one of the two is not null. */
export interface CommandExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A command that runs. */
export interface RunningCommand {
  readonly pid: number
  /** Absolute path of what was executed. */
  readonly executable: string
  /** Settles when the process itself has ended (others may still be in the cgroup); never rejects. */
  readonly exited: Promise<CommandExit>
  /** Sends a signal to the process; false when it has ended. */
  signal(name: NodeJS.Signals): boolean
}

/** Exit status of the launcher when it could not join the cgroup; env(1) and timeout(1) use it for their own failures. */
export const LAUNCHER_FAILED = 125

/**
 * `$0` is the cgroup, the rest the command. The command has a slash in it, so exec neither searches PATH nor takes a
 * leading hyphen for an option; a script without `#!` is run by the shell, as it would be from a prompt.
 */
const LAUNCHER = `echo $$ > "$0"/cgroup.procs || exit ${LAUNCHER_FAILED}; exec "$@"`

/**
 * Starts `argv` in the cgroup. Throws `COMMAND_NOT_FOUND` (exit 127) or `COMMAND_NOT_EXECUTABLE` (126) before anything
 * was started or joined. Resolves when the launcher runs; the command's own exec follows within milliseconds.
 */
export async function startCommand(
  argv: readonly string[],
  cgroup: Pick<CommandCgroup, 'path'>,
  options: CommandOptions,
): Promise<RunningCommand> {
  const [name = '', ...args] = argv
  const found = await findExecutable(name, options.env['PATH'], options.cwd)
  if (found.kind === 'not-found') throw failure('COMMAND_NOT_FOUND', { command: name })
  if (found.kind === 'not-executable') {
    throw failure('COMMAND_NOT_EXECUTABLE', { command: found.path, problem: found.problem })
  }
  const child = spawn('/bin/sh', ['-c', LAUNCHER, cgroup.path, found.path, ...args], {
    stdio: 'inherit',
    env: { ...options.env },
    cwd: options.cwd,
  })
  const exited = exitOf(child)
  try {
    await once(child, 'spawn')
  } catch (thrown) {
    const problem = thrown instanceof Error ? thrown.message : String(thrown)
    throw failure('COMMAND_NOT_EXECUTABLE', { command: found.path, problem }, thrown)
  }
  return {
    // Node sets it before it reports the spawn.
    pid: child.pid ?? 0,
    executable: found.path,
    exited,
    signal: (signal) => child.kill(signal),
  }
}

function exitOf(child: ChildProcess): Promise<CommandExit> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      resolve({ code, signal })
    })
  })
}
