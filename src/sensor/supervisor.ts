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
  /** Other times than `SENSOR_TIMES`. */
  readonly times?: Partial<SensorTimes>
}

/** How long the supervisor waits for what, in milliseconds. */
export interface SensorTimes {
  /** The probes print a heartbeat each second; silence for this long means that bpftrace hangs. */
  readonly silenceMs: number
  /** bpftrace says nothing while it compiles; until its first byte it may be silent for this long. */
  readonly startMs: number
  /** Time for the last maps after SIGINT; then it is killed. */
  readonly stopMs: number
  /** Pause before the first restart; each further one is twice as long, up to the last. */
  readonly firstBackoffMs: number
  readonly lastBackoffMs: number
  /** A process that lived this long starts the back-off over. */
  readonly stableMs: number
}

/** Right for bpftrace with all probes on a busy host. */
export const SENSOR_TIMES: SensorTimes = {
  silenceMs: 15_000,
  startMs: 30_000,
  stopMs: 20_000,
  firstBackoffMs: 100,
  lastBackoffMs: 30_000,
  stableMs: 60_000,
}

const STDERR_LIMIT = 64 * 1024

/** States: idle -> running -> (waiting -> running)* -> stopped. */
export class Sensor {
  readonly #options: SensorOptions
  readonly #times: SensorTimes
  #kill: ((signal: NodeJS.Signals) => void) | undefined
  #running: Promise<void> = Promise.resolve()
  #stopping = false
  #wake: (() => void) | undefined

  constructor(options: SensorOptions) {
    this.#options = options
    this.#times = { ...SENSOR_TIMES, ...options.times }
  }

  /** Starts bpftrace and keeps it running until `stop`. Returns at once. */
  start(): void {
    this.#running = this.#keepRunning()
  }

  /** Asks bpftrace to end, waits until its last bytes have been handed on. Idempotent. */
  async stop(): Promise<void> {
    // One request only: bpftrace is printing its last maps after the first.
    if (!this.#stopping) {
      this.#stopping = true
      this.#wake?.()
      this.#kill?.('SIGINT')
    }
    await this.#running
  }

  async #keepRunning(): Promise<void> {
    const { firstBackoffMs, lastBackoffMs, stableMs } = this.#times
    let backoffMs = firstBackoffMs
    while (!this.#stopping) {
      const startedMs = this.#options.nowMs()
      await this.#runOnce()
      if (this.#stopping) return
      if (this.#options.nowMs() - startedMs >= stableMs) backoffMs = firstBackoffMs
      await this.#pause(backoffMs)
      backoffMs = Math.min(backoffMs * 2, lastBackoffMs)
    }
  }

  async #runOnce(): Promise<void> {
    const { bpftrace, version, program, parameters, listener, nowMs } = this.#options
    const { silenceMs, startMs, stopMs } = this.#times
    // In a session of its own, so that Ctrl-C at the terminal reaches plimsoll alone and the last maps are not lost;
    // should plimsoll be killed, bpftrace ends at its next heartbeat, whose pipe is closed.
    const child = execa(bpftrace, ['-f', 'json', '-', ...parameters], {
      input: program,
      env: environmentOf(version),
      buffer: false,
      reject: false,
      detached: true,
      stripFinalNewline: false,
      encoding: 'buffer',
      killSignal: 'SIGINT',
      forceKillAfterDelay: stopMs,
    })
    this.#kill = (signal): void => void child.kill(signal)
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString('latin1')).slice(-STDERR_LIMIT)
    })
    let silence = setTimeout(() => child.kill('SIGKILL'), startMs)
    child.stdout.on('data', (chunk: Buffer) => {
      clearTimeout(silence)
      silence = setTimeout(() => child.kill('SIGKILL'), silenceMs)
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
      // A process that was killed did not end for what it had said before.
      reason:
        result.signal !== undefined
          ? ''
          : usefulLine(stderr) ||
            (result.exitCode === undefined ? (result.shortMessage ?? '') : ''),
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
