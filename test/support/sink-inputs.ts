/** Events, time and targets for tests of sinks. */
import { plimsoll } from '../../src/gen/plimsoll.js'
import type { JournalEvent } from '../../src/service/journal/journal.js'
import type { SinkEvents } from '../../src/service/sinks/sink-status.js'
import {
  type AnomalyEncoder,
  delivered,
  type Delivery,
  type SinkClock,
  type SinkMessage,
  type Target,
  troubled,
} from '../../src/service/sinks/target.js'

type Anomaly = plimsoll.v1.Anomaly.$Properties

/** An anomaly with that id; what is not given is the same for all. */
export function anomaly(id: string, fields: Anomaly = {}): JournalEvent {
  const { ANOMALY_KIND_EXEC } = plimsoll.v1.AnomalyKind
  return {
    atMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
    anomaly: {
      id,
      incident: 'i1',
      kind: ANOMALY_KIND_EXEC,
      severity: plimsoll.v1.Severity.SEVERITY_HIGH,
      state: plimsoll.v1.AnomalyState.ANOMALY_STATE_NEW,
      attack: ['T1059'],
      what: 'exec:/bin/sh',
      workload: {
        runtime: 'podman',
        containerId: 'c0ffee'.repeat(10) + 'beef',
        containerName: 'web',
        imageName: 'registry:5000/team/web:1.0',
        imageDigest: `sha256:${'0'.repeat(64)}`,
      },
      process: { pid: 7, ppid: 1, uid: 0, comm: 'sh', exe: 'sh', path: '/bin/sh' },
      firstSeenMs: Date.UTC(2026, 0, 2, 3, 4, 5, 600),
      lastSeenMs: Date.UTC(2026, 0, 2, 3, 4, 5, 600),
      count: 1,
      ...fields,
    },
  }
}

/** Anomalies whose ids are the numbers from `first`, so many. */
export function anomalies(first: number, count: number): JournalEvent[] {
  return Array.from({ length: count }, (_, index) => anomaly(String(first + index)))
}

/** The numbers from `first`, so many, as ids. */
export function ids(first: number, count: number): string[] {
  return Array.from({ length: count }, (_, index) => String(first + index))
}

export const VIEW: AnomalyEncoder = ({ id, what, firstSeenMs }) => ({
  id,
  what,
  at: new Date(Number(firstSeenMs)).toISOString(),
})

/** Time that passes when the test says so. */
export class SinkTime implements SinkClock {
  #nowMs = 1_000_000
  readonly #timers = new Set<{ readonly atMs: number; readonly act: () => void }>()

  nowMs(): number {
    return this.#nowMs
  }

  after(delayMs: number, act: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, act }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /** Waits that are under way, in milliseconds from now. */
  get waitsMs(): number[] {
    return [...this.#timers].map(({ atMs }) => atMs - this.#nowMs).toSorted((a, b) => a - b)
  }

  pass(ms: number): void {
    this.#nowMs += ms
    for (const timer of this.#timers) {
      if (timer.atMs > this.#nowMs) continue
      this.#timers.delete(timer)
      timer.act()
    }
  }
}

/** Notes what it is told. */
export class HeardEvents implements SinkEvents {
  readonly lost: { readonly count: number; readonly cause: string }[] = []
  readonly refusals: { readonly count: number; readonly problem: string }[] = []
  readonly changes: (string | undefined)[] = []

  overflowed(_name: string, count: number, cause: string): void {
    this.lost.push({ count, cause })
  }

  refused(_name: string, count: number, problem: string): void {
    this.refusals.push({ count, problem })
  }

  changed(_name: string, problem: string | undefined): void {
    this.changes.push(problem)
  }

  get lostInAll(): number {
    return this.lost.reduce((sum, { count }) => sum + count, 0)
  }
}

/** A target in memory that is up or down as the test says. */
export class MemoryTarget implements Target<SinkMessage> {
  readonly taken: SinkMessage[] = []
  /** Set: it takes nothing, for that reason. */
  problem: string | undefined
  retryAfterMs = 0
  /** It takes at most so many at a time, and then says that it has trouble. */
  atATime = Number.POSITIVE_INFINITY
  attempts = 0
  isClosed = false
  /** Set: deliveries wait until the sink gives up. */
  hangs = false

  encode(message: SinkMessage): SinkMessage {
    return message
  }

  async deliver(batch: readonly SinkMessage[], signal: AbortSignal): Promise<Delivery> {
    this.attempts++
    if (this.hangs) {
      await new Promise((given) => signal.addEventListener('abort', given))
      return troubled({ problem: 'given up' })
    }
    if (this.problem !== undefined) {
      return troubled({ problem: this.problem, retryAfterMs: this.retryAfterMs })
    }
    const taken = batch.slice(0, this.atATime)
    this.taken.push(...taken)
    return taken.length === batch.length
      ? delivered(taken.length)
      : troubled({ problem: 'that was enough' }, taken.length)
  }

  async close(): Promise<void> {
    this.isClosed = true
  }

  /** Ids of anomalies, and gaps as `gap:CAUSE:COUNT:FROM-TO`. */
  get story(): string[] {
    return this.taken.map(told)
  }
}

/** What the message tells, in a word. */
export function told({ anomaly: one, gap }: SinkMessage): string {
  if (gap == null) return one?.id ?? 'other'
  const cause = gap.cause === plimsoll.v1.GapCause.GAP_CAUSE_SINK ? 'sink' : 'retention'
  return `gap:${cause}:${Number(gap.count)}:${Number(gap.fromSequence)}-${Number(gap.toSequence)}`
}
