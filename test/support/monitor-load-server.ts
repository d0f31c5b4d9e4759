/**
 * The server of the load test, in a process of its own so that its memory can be measured: told by its parent to make so many
 * anomalies a second for a while, it answers when each was visible and what it took.
 */
import { RingJournal } from './ring-journal.js'
import { anomalyEvent, FakeMonitorSource } from './monitor-source.js'
import { serveMonitor } from './monitor-server.js'

export interface LoadOrder {
  readonly perSecond: number
  readonly count: number
  readonly timeline: number
}

export interface LoadReport {
  /** By sequence, from 1 on: milliseconds of the monotonic clock. */
  readonly visibleMs: readonly number[]
  readonly rssBefore: number
  readonly rssMost: number
  readonly cpuMs: number
  readonly bytesPerEvent: number
}

class StampedJournal extends RingJournal {
  readonly visibleMs: number[] = []

  override tell(): void {
    this.visibleMs.push(monotonicMs())
    super.tell()
  }
}

/** The same clock in all processes. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

const RING_EVENTS = 2048

async function main(): Promise<void> {
  const journal = new StampedJournal(RING_EVENTS)
  const clock = {
    nowMs: () => Date.now(),
    every: (intervalMs: number, tick: () => void) => {
      const timer = setInterval(tick, intervalMs)
      return () => clearInterval(timer)
    },
  }
  const source = new FakeMonitorSource()
  const server = await serveMonitor({ journal, source, clock, node: 'n', version: '0' })
  process.on('message', (order: LoadOrder | 'end') => {
    if (order === 'end') {
      server.close()
      process.disconnect()
      return
    }
    void run(journal, order).then((report) => process.send?.(report))
  })
  process.send?.(server.socketPath)
}

function run(
  journal: StampedJournal,
  { perSecond, count, timeline }: LoadOrder,
): Promise<LoadReport> {
  const rssBefore = process.memoryUsage.rss()
  const cpuBefore = process.cpuUsage()
  const startedMs = monotonicMs()
  let rssMost = rssBefore
  let made = 0
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(count, ((monotonicMs() - startedMs) * perSecond) / 1000)
      while (made < due) journal.append(anomalyEvent(++made, {}, timeline))
      if (made % 64 === 0) rssMost = Math.max(rssMost, process.memoryUsage.rss())
      if (made < count) return
      clearInterval(timer)
      const { user, system } = process.cpuUsage(cpuBefore)
      const bytesPerEvent = journal.entries.at(-1)?.bytes.byteLength ?? 0
      const { visibleMs } = journal
      const cpuMs = (user + system) / 1000
      resolve({ visibleMs, rssBefore, rssMost, cpuMs, bytesPerEvent })
    }, 2)
  })
}

if (process.send !== undefined && process.argv[2] === 'serve') await main()
