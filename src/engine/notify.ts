/**
 * Tells a service manager how the service is doing (sd_notify(3)): started, reloading, stopping, alive. Node has no datagram
 * sockets, so `systemd-notify` sends the messages, one after the other, in this process's name. Where `$NOTIFY_SOCKET` is not
 * set, nothing is done; nothing that goes wrong here ends the service.
 */
import { quoted } from '../errors.js'
import { type RunProcess, runBounded } from '../workload/bounded-process.js'

export interface NotifierOptions {
  /** `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` are taken out of it, so that no program that is started gets them. */
  readonly env: NodeJS.ProcessEnv
  readonly pid: number
  /** Whether the service does its work; asked on the main loop. While it does not, the watchdog hears nothing. */
  readonly isAlive: () => boolean
  /** Hears once that nothing can be sent, and why. */
  readonly failed: (problem: string) => void
  readonly run?: RunProcess
  /** CLOCK_MONOTONIC, nanoseconds. */
  readonly monotonicNs?: () => bigint
}

export interface Notifier {
  ready(): void
  /** A reload begins; `ready` says that it is over. */
  reloading(): void
  stopping(): void
  /** One line for `systemctl status`. */
  status(text: string): void
  /** Ends the watchdog; resolves when everything was sent or could not be. */
  close(): Promise<void>
}

const PROGRAM = 'systemd-notify'
/** It waits until the manager has read the message, at most five seconds. */
const SEND_MS = 6000
const STATUS_LIMIT = 200
/** Messages that may wait: what is beyond is dropped, the oldest first. */
const QUEUE_LIMIT = 16

/** The notifier for that environment. */
export function openNotifier(options: NotifierOptions): Notifier {
  const { env, pid, isAlive, failed } = options
  const socket = env['NOTIFY_SOCKET'] ?? ''
  const watchdogMs = watchdogOf(env, pid)
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[name]
  if (socket === '') return SILENT
  const monotonicNs = options.monotonicNs ?? (() => process.hrtime.bigint())
  const send = sender(socket, pid, options.run ?? runBounded)
  const outbox = new Outbox(send, failed)
  const timer =
    watchdogMs === undefined
      ? undefined
      : setInterval(() => {
          if (isAlive()) outbox.add('WATCHDOG=1')
        }, watchdogMs / 2)
  timer?.unref()
  return {
    ready: () => outbox.add('READY=1'),
    reloading: () => outbox.add('RELOADING=1', `MONOTONIC_USEC=${monotonicNs() / 1000n}`),
    stopping: () => outbox.add('STOPPING=1'),
    status: (text) => outbox.add(`STATUS=${quoted(text).slice(0, STATUS_LIMIT)}`),
    close: () => {
      clearInterval(timer)
      return outbox.emptied()
    },
  }
}

const SILENT: Notifier = {
  ready: () => undefined,
  reloading: () => undefined,
  stopping: () => undefined,
  status: () => undefined,
  close: () => Promise.resolve(),
}

/** How often the manager wants to hear something, milliseconds; undefined where it does not, or means another process. */
function watchdogOf(env: NodeJS.ProcessEnv, pid: number): number | undefined {
  const meant = env['WATCHDOG_PID'] ?? ''
  const ms = Number(env['WATCHDOG_USEC']) / 1000
  const isOurs = meant === '' || meant === String(pid)
  return isOurs && ms >= 1 && ms <= 2 ** 31 ? ms : undefined
}

/** Sends one message; resolves to what went wrong, or undefined. Never rejects. */
type Send = (assignments: readonly string[]) => Promise<string | undefined>

function sender(socket: string, pid: number, run: RunProcess): Send {
  return async (assignments) => {
    // The variable is set for this program alone.
    const args = [`NOTIFY_SOCKET=${socket}`, PROGRAM, `--pid=${pid}`, ...assignments]
    const { code, problem } = await run('env', args, AbortSignal.timeout(SEND_MS))
    if (code === 0) return undefined
    return code === 127 ? `${PROGRAM} is not installed` : problem || `${PROGRAM} failed`
  }
}

class Outbox {
  readonly #send: Send
  readonly #failed: (problem: string) => void
  #waiting: (readonly string[])[] = []
  #sending: Promise<void> | undefined
  #hasFailed = false

  constructor(send: Send, failed: (problem: string) => void) {
    this.#send = send
    this.#failed = failed
  }

  /** Messages are sent in their order; of two states of one kind that wait, only the later. */
  add(...assignments: readonly string[]): void {
    const kind = kindOf(assignments)
    const isSuperseded = (kind === 'STATUS' || kind === 'WATCHDOG') && this.#waiting.length > 0
    if (isSuperseded) this.#waiting = this.#waiting.filter((each) => kindOf(each) !== kind)
    this.#waiting = [...this.#waiting, assignments].slice(-QUEUE_LIMIT)
    this.#sending ??= this.#sendAll()
  }

  async emptied(): Promise<void> {
    await this.#sending
  }

  async #sendAll(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const problem = await this.#send(next)
      if (problem === undefined || this.#hasFailed) continue
      this.#hasFailed = true
      this.#failed(problem)
    }
    this.#sending = undefined
  }
}

function kindOf([first = '']: readonly string[]): string {
  return first.slice(0, first.indexOf('='))
}
