/**
 * Writing to a unix datagram socket, which Node cannot, through logger(1) of util-linux (package bsdutils): a process per
 * batch, which gets the lines on its standard input, with their priorities in front.
 */
import { spawn } from 'node:child_process'
import type { SinkClock } from './target.js'

export interface LoggerOptions {
  readonly socketPath: string
  readonly tag: string
  /** Bytes that a message has at most. */
  readonly limit: number
  readonly timeoutMs: number
  readonly clock: SinkClock
}

const ERROR_BYTES = 1024

/**
 * Resolves when logger has written all lines. Rejects if it cannot be run, says that something went wrong (it ends with 0 even
 * if a message was not sent), or takes too long.
 */
export async function logLines(
  lines: readonly string[],
  { socketPath, tag, limit, timeoutMs, clock }: LoggerOptions,
  signal: AbortSignal,
): Promise<void> {
  const child = spawn(
    'logger',
    [
      '--socket',
      socketPath,
      '--socket-errors=on',
      '--prio-prefix',
      '--tag',
      tag,
      '--size',
      String(limit),
    ],
    {
      stdio: ['pipe', 'ignore', 'pipe'],
      signal,
      killSignal: 'SIGKILL',
      env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    },
  )
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    if (said.length < ERROR_BYTES) said += chunk.toString('utf8')
  })
  const cancel = clock.after(timeoutMs, () => child.kill('SIGKILL'))
  try {
    await new Promise<void>((resolve, reject) => {
      child.on('error', (error: NodeJS.ErrnoException) =>
        reject(error.code === 'ENOENT' ? new Error(NO_LOGGER, { cause: error }) : error),
      )
      child.on('close', (code, killed) => {
        const problem = said.trim().split('\n')[0] ?? ''
        if (code === 0 && problem === '') resolve()
        else
          reject(
            new Error(
              problem ||
                (killed ? `logger took longer than ${timeoutMs} ms` : `logger ended with ${code}`),
            ),
          )
      })
      // It may end without reading all.
      child.stdin.on('error', () => undefined)
      child.stdin.end(lines.map((line) => `${line}\n`).join(''))
    })
  } finally {
    cancel()
  }
}

const NO_LOGGER =
  'it is a datagram socket, which needs the program logger (package bsdutils or util-linux); without it, use syslog:udp: or syslog:tcp:'
