/**
 * Many clients watch one server while anomalies flow, and one of them does not read: what it takes the others until they have
 * each event, and the server in memory.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { plimsoll } from '../../src/gen/plimsoll.js'
import { until } from './live/until.js'
import { type LoadOrder, type LoadReport, monotonicMs } from './monitor-load-server.js'
import { rawSession, rawWatch, readFrom } from './raw-watch.js'

const SERVER = join(import.meta.dirname, 'monitor-load-server.js')

export interface LoadOptions extends LoadOrder {
  /** That read. */
  readonly readers: number
  readonly sessions: number
  /** First events whose times do not count: both sides have only just started, and their code is still being compiled. */
  readonly warmUp: number
  readonly lagLimit: number
  readonly onLag: plimsoll.v1.OnLag
}

export interface LoadFigures {
  /** Quantiles of the time from visible to received, milliseconds, of all readers. */
  readonly p50: number
  readonly p99: number
  readonly most: number
  /** What the readers got of what there was. */
  readonly received: number
  readonly expected: number
  /** Messages whose cursor was not the one that comes next. */
  readonly outOfOrder: number
  readonly rssBefore: number
  readonly rssMost: number
  readonly serverCpuMs: number
  readonly clientCpuMs: number
  readonly bytesPerEvent: number
  /** What the client that did not read got once it read. */
  readonly stalled: {
    readonly messages: readonly plimsoll.v1.WatchResponse[]
    readonly trailers: Readonly<Record<string, unknown>> | undefined
  }
}

/** For the rest to come, on a machine that is busy with other things. */
const DELIVERY_MS = 30_000

/** Of messages that are looked into, one in so many. */
const DECODED_ONE_IN = 64

export async function measureLoad(options: LoadOptions): Promise<LoadFigures> {
  const { readers, sessions, warmUp, perSecond, count, timeline, lagLimit, onLag } = options
  const child = fork(SERVER, ['serve'])
  const [socketPath] = (await once(child, 'message')) as [string]
  const connections = Array.from({ length: sessions }, () => rawSession(socketPath))
  const stalledSession = rawSession(socketPath)
  try {
    let ready = 0
    let outOfOrder = 0
    const times = Array.from({ length: readers }, (_, reader) => {
      const received = new Float64Array(count)
      let at = -1
      rawWatch(connections[reader % sessions]!, { heartbeatMs: 60_000 }, (message) => {
        // The first is the collector's state.
        if (at < 0) ready++
        else if (at < count) {
          received[at] = monotonicMs()
          if ((at + reader) % DECODED_ONE_IN === 0 && sequenceOf(message) !== at + 1) outOfOrder++
        }
        at++
      })
      return { received, got: () => Math.max(at, 0) }
    })
    const stalled = rawWatch(stalledSession, { lagLimit, onLag })
    await until('all to watch', () => ready === readers)
    const cpuBefore = process.cpuUsage()
    child.send({ perSecond, count, timeline } satisfies LoadOrder)
    const [report] = (await once(child, 'message')) as [LoadReport]
    const missing = (): number => times.reduce((sum, { got }) => sum + count - got(), 0)
    await until('all to have everything', () => missing() === 0, DELIVERY_MS).catch(
      (thrown: unknown) => {
        throw new Error(`${missing()} of ${readers * count} messages did not come`, {
          cause: thrown,
        })
      },
    )
    const { user, system } = process.cpuUsage(cpuBefore)
    const messages: plimsoll.v1.WatchResponse[] = []
    readFrom(stalled.stream, (message) => {
      messages.push(plimsoll.v1.WatchResponse.decode(message))
    })
    let trailers: Readonly<Record<string, unknown>> | undefined
    void stalled.trailers.then((ended) => (trailers = ended))
    await until(
      'the one that did not read to be told',
      () => trailers !== undefined || Number(messages.at(-1)?.cursor.split('-')[1]) === count,
    )
    const delays = times.flatMap(({ received }) =>
      Array.from(received, (ms, at) => ms - (report.visibleMs[at] ?? 0)).slice(warmUp),
    )
    const sorted = Float64Array.from(delays).toSorted()
    const quantile = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? 0
    return {
      p50: quantile(0.5),
      p99: quantile(0.99),
      most: quantile(1),
      received: times.reduce((sum, { got }) => sum + got(), 0),
      expected: readers * count,
      outOfOrder,
      rssBefore: report.rssBefore,
      rssMost: report.rssMost,
      serverCpuMs: report.cpuMs,
      clientCpuMs: (user + system) / 1000,
      bytesPerEvent: report.bytesPerEvent,
      stalled: { messages, trailers },
    }
  } finally {
    for (const connection of [...connections, stalledSession]) connection.destroy()
    if (child.connected) child.send('end')
    if (child.exitCode === null) await once(child, 'exit')
  }
}

function sequenceOf(message: Buffer): number {
  return Number(plimsoll.v1.WatchResponse.decode(message).cursor.split('-')[1])
}

/** The figures on one line. */
export function figuresLine(figures: LoadFigures): string {
  const mb = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`
  return [
    `p50 ${figures.p50.toFixed(1)} ms, p99 ${figures.p99.toFixed(1)} ms, most ${figures.most.toFixed(1)} ms`,
    `${figures.received} of ${figures.expected} received, ${figures.bytesPerEvent} bytes each`,
    `server RSS ${mb(figures.rssBefore)} -> ${mb(figures.rssMost)}`,
    `processors: server ${(figures.serverCpuMs / 1000).toFixed(1)} s, clients ${(figures.clientCpuMs / 1000).toFixed(1)} s`,
  ].join('; ')
}
