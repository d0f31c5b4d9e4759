/**
 * Runs bpftrace: starts it, hands its bytes on, notices when it falls silent or dies, starts it again with back-off, and
 * stops it so that its last maps still arrive. The only place that starts bpftrace, through execa. Does not look into the
 * bytes: readiness is in them and is the decoder's to find.
 */
import { execa } from 'execa'
import { failure } from '../errors.js'
import { environmentOf, type Version } from './dialect.js'
import { usefulLine } from './stderr.js'

/** How a bpftrace process ended. */
export interface SensorExit {
  readonly code: number | undefined
  readonly signal: string | undefined
  /** The line of stderr that says why, or empty. */
  readonly reason: string
  /** True if it was asked to stop. */
  readonly expected: boolean
}

/** Told in the order in which things happen; `atMs` is wall-clock. */
export interface SensorListener {
  started(atMs: number, pid: number): void
  bytes(chunk: Uint8Array, atMs: number): void
  ended(atMs: number, exit: SensorExit): void
}

export interface SensorOptions {
  /** Path of the bpftrace binary, and what its `--version` said. */
  readonly bpftrace: string
  readonly version: Version
  /** The assembled program and its positional parameters. */
  readonly program: string
  readonly parameters: readonly string[]
  readonly listener: SensorListener
  readonly nowMs: () => number
}

/** The probes print a heartbeat each second; silence for this long means that bpftrace hangs. */
const SILENCE_MS = 15_000
/** Time for the last maps after SIGINT. */
const STOP_MS = 20_000
const FIRST_BACKOFF_MS = 100
const LAST_BACKOFF_MS = 30_000
/** A process that lived this long starts the back-off over. */
const STABLE_MS = 60_000
const STDERR_LIMIT = 64 * 1024

/** States: idle -> running -> (waiting -> running)* -> stopped. */
export class Sensor {
  readonly #options: SensorOptions
  #kill: ((signal: NodeJS.Signals) => void) | undefined
  #running: Promise<void> = Promise.resolve()
  #stopping = false
  #wake: (() => void) | undefined

  constructor(options: SensorOptions) {
    this.#options = options
  }

  /** Starts bpftrace and keeps it running until `stop`. Returns at once. */
  start(): void {
    this.#running = this.#keepRunning()
  }

  /** Asks bpftrace to end, waits until its last bytes have been handed on. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#wake?.()
    this.#kill?.('SIGINT')
    await this.#running
  }

  async #keepRunning(): Promise<void> {
    let backoffMs = FIRST_BACKOFF_MS
    while (!this.#stopping) {
      const startedMs = this.#options.nowMs()
      await this.#runOnce()
      if (this.#stopping) return
      if (this.#options.nowMs() - startedMs >= STABLE_MS) backoffMs = FIRST_BACKOFF_MS
      await this.#pause(backoffMs)
      backoffMs = Math.min(backoffMs * 2, LAST_BACKOFF_MS)
    }
  }

  async #runOnce(): Promise<void> {
    const { bpftrace, version, program, parameters, listener, nowMs } = this.#options
    // In a session of its own, so that Ctrl-C at the terminal reaches plimsoll alone and the last maps are not lost.
    const child = execa(bpftrace, ['-f', 'json', '-', ...parameters], {
      input: program,
      env: environmentOf(version),
      buffer: false,
      reject: false,
      detached: true,
      cleanup: true,
      stripFinalNewline: false,
      encoding: 'buffer',
      killSignal: 'SIGINT',
      forceKillAfterDelay: STOP_MS,
    })
    this.#kill = (signal): void => void child.kill(signal)
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString('latin1')).slice(-STDERR_LIMIT)
    })
    let silence = setTimeout(() => child.kill('SIGKILL'), SILENCE_MS * 2)
    child.stdout.on('data', (chunk: Buffer) => {
      clearTimeout(silence)
      silence = setTimeout(() => child.kill('SIGKILL'), SILENCE_MS)
      listener.bytes(chunk, nowMs())
    })
    if (child.pid !== undefined) listener.started(nowMs(), child.pid)
    if (this.#stopping) child.kill('SIGINT')
    const result = await child
    clearTimeout(silence)
    this.#kill = undefined
    listener.ended(nowMs(), {
      code: result.exitCode,
      signal: result.signal,
      reason:
        usefulLine(stderr) || (result.exitCode === undefined ? (result.shortMessage ?? '') : ''),
      expected: this.#stopping,
    })
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = (): void => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = undefined
  }
}

/** What `bpftrace --version` prints; fails with `NO_BPFTRACE` where it cannot be run. */
export async function bpftraceVersion(bpftrace: string): Promise<string> {
  const result = await execa(bpftrace, ['--version'], { reject: false, timeout: 10_000 })
  if (result.exitCode !== 0) {
    throw failure('NO_BPFTRACE', { path: bpftrace, problem: result.shortMessage ?? 'no version' })
  }
  return result.stdout.trim()
}
