/**
 * The process itself, under the names that other programs use for the same. Read when somebody looks; the lag of the event loop
 * is sampled by the runtime, fifty times a second, outside of JavaScript.
 */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { Counter, Gauge, type Registry } from 'prom-client'

const LAG_RESOLUTION_MS = 20
const NS_PER_SECOND = 1e9
const US_PER_SECOND = 1e6

/** Registers the metrics; returns what ends the sampling. */
export function processMetrics(registry: Registry): () => void {
  const registers = [registry]
  const gauge = (name: string, help: string, value: () => number): Gauge =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value())
      },
    })
  const counter = (name: string, help: string, value: () => number): Counter =>
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(value())
      },
    })
  const startSeconds = Math.floor((Date.now() - performance.now()) / 1000)
  gauge('process_start_time_seconds', 'Start of the process, since the epoch.', () => startSeconds)
  gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss())
  counter('process_cpu_seconds_total', 'Processor time of the process, without the sensor.', () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / US_PER_SECOND
  })
  counter(
    'nodejs_eventloop_active_seconds_total',
    'Time in which the event loop was busy.',
    () => performance.eventLoopUtilization().active / 1000,
  )
  const delay = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS })
  delay.enable()
  gauge(
    'nodejs_eventloop_lag_max_seconds',
    'The longest that the event loop was held up since the last time that somebody looked.',
    () => {
      const lag = Math.max(0, delay.max / NS_PER_SECOND - LAG_RESOLUTION_MS / 1000)
      delay.reset()
      return lag
    },
  )
  return () => void delay.disable()
}
