/**
 * Runs programs for the live tests: one call, one result with everything that is needed to say why it failed. No shell,
 * bounded time, bounded output. Nothing here knows plimsoll or containers.
 */
import { spawn, type ChildProcess } from 'node:child_process'

/** How a program ended and what it said. */
export interface Finished {
  /** The program and its arguments, for messages. */
  readonly command: string
  /** Exit code, or null if a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** All of stdin; without it stdin is empty. */
  readonly input?: string
  /** The program is killed after this time; default one minute. */
  readonly timeoutMs?: number
}

/** A program that runs; its output so far can be asked for. */
export interface Running {
  readonly pid: number
  readonly child: ChildProcess
  stdout(): string
  stderr(): string
  /** Settles when the program has ended, although others may still hold its output open. */
  readonly exited: Promise<void>
  /** Settles when the program has ended and its output has been read; never rejects. */
  readonly finished: Promise<Finished>
}

const TIMEOUT_MS = 60_000
const OUTPUT_LIMIT = 32 * 1024 * 1024

/** Starts a program whose stdin stays open. Throws if it cannot be started. */
export function start(file: string, args: readonly string[], options: RunOptions = {}): Running {
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  // Without a pid the start failed; the reason arrives as an event and ends up in `stderr`.
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout = (stdout + text).slice(-OUTPUT_LIMIT)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-OUTPUT_LIMIT)
  })
  // A program may end before it has read its input.
  child.stdin.on('error', () => undefined)
  const exited = new Promise<void>((resolve) => {
    child.on('exit', () => resolve()).on('error', () => resolve())
  })
  const finished = new Promise<Finished>((resolve) => {
    const command = [file, ...args].join(' ')
    child.on('error', (error) => {
      resolve({ command, code: 127, signal: null, stdout, stderr: stderr + error.message })
    })
    child.on('close', (code, signal) => resolve({ command, code, signal, stdout, stderr }))
  })
  return {
    pid: child.pid ?? 0,
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    exited,
    finished,
  }
}

/** Runs a program to its end, whatever that is. */
export async function run(
  file: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  const running = start(file, args, options)
  running.child.stdin?.end(options.input ?? '')
  const timer = setTimeout(() => running.child.kill('SIGKILL'), options.timeoutMs ?? TIMEOUT_MS)
  const finished = await running.finished
  clearTimeout(timer)
  return finished
}

/** Runs a program that has to succeed; throws with its stderr if it does not. */
export async function mustRun(
  file: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  const finished = await run(file, args, options)
  if (finished.code !== 0) throw new Error(failureOf(finished))
  return finished
}

/** What went wrong, for a test's message. */
export function failureOf(finished: Finished): string {
  const how = finished.signal ?? `exit ${String(finished.code)}`
  return `${finished.command}: ${how}\n${finished.stderr.slice(-4000)}`
}
