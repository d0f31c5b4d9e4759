/**
 * Running a helper program for its output: no shell, no standard input, bounded in time (the caller's signal) and size.
 * For short questions to a runtime's command line; the sensor's long-lived process is not started here.
 */
import { execFile } from 'node:child_process'

/** How the program ended, and what it wrote. `code` is the exit status, or undefined when it did not run to its end. */
export interface ProcessOutput {
  readonly code: number | undefined
  readonly stdout: string
  /** What went wrong: the last line of standard error, or why it could not run. */
  readonly problem: string
}

/** Runs a program with arguments to its end. */
export type RunProcess = (
  file: string,
  args: readonly string[],
  signal: AbortSignal,
) => Promise<ProcessOutput>

const MAX_OUTPUT_BYTES = 4 * 1024 * 1024

/** Runs the program; never rejects. Killed with SIGKILL when `signal` is aborted or the output exceeds 4 MiB. */
export const runBounded: RunProcess = (file, args, signal) =>
  new Promise((resolve) => {
    const options = { signal, maxBuffer: MAX_OUTPUT_BYTES, killSignal: 'SIGKILL' } as const
    const child = execFile(file, args, options, (error, stdout, stderr) => {
      if (error === null) return resolve({ code: 0, stdout, problem: '' })
      const code = typeof error.code === 'number' ? error.code : undefined
      const lastLine = stderr.trimEnd().split('\n').at(-1) ?? ''
      return resolve({ code, stdout, problem: (lastLine || error.message).slice(0, 300) })
    })
    child.stdin?.end()
  })
