/**
 * The metrics and their names. All are pulled from a `MetricsSource` when somebody looks; nothing is pushed while the service
 * works. Labels have values from fixed lists, but for the names of sinks, which the operator chooses and of which at most 32
 * are shown.
 */
import { Counter, Gauge, Registry } from 'prom-client'
import { quoted } from '../../errors.js'
import { VERSION } from '../../version.js'
import type { MetricsSource, SinkState } from './metrics-source.js'
import { processMetrics } from './process-metrics.js'
import { matchHistogram } from './pulled-histogram.js'

const SINK_LIMIT = 32

export interface Metrics {
  /** In the text format of Prometheus, version 0.0.4. */
  text(): Promise<string>
  readonly contentType: string
  /** Ends the sampling. */
  close(): void
}

/** Values with their labels, in the order of the label names. */
type Sample = readonly [labels: readonly string[], value: number]

/** Metrics of that source, in a registry of their own. */
export function metricsOf(source: MetricsSource): Metrics {
  const registry = new Registry()
  const define = definer(registry)
  const { tallies } = source
  define.gauge('plimsoll_info', 'Always 1; the version is a label.', ['version'], () => [
    [[VERSION], 1],
  ])
  defineSensor(define, source)
  registry.registerMetric(
    matchHistogram(
      'plimsoll_matching_seconds',
      'Time to decode and judge a chunk of bytes of the sensor.',
      tallies.matching,
    ),
  )
  define.counter('plimsoll_anomalies_total', 'First occurrences.', ['kind', 'severity'], () =>
    tallies.anomalies.entries().map(({ first, second, count }) => [[first, second], count]),
  )
  define.counter(
    'plimsoll_responses_total',
    'Responses to anomalies and actions of people.',
    ['action', 'outcome'],
    () => tallies.responses.entries().map(({ first, second, count }) => [[first, second], count]),
  )
  define.counter('plimsoll_policy_loads_total', 'Policies that were read.', ['outcome'], () => {
    const { loaded, refused } = tallies.policies()
    return [
      [['loaded'], loaded],
      [['refused'], refused],
    ]
  })
  define.gauge('plimsoll_subscribers', 'Clients that watch.', [], () => [
    [[], source.subscribers()],
  ])
  defineJournal(define, source)
  defineSinks(define, source)
  const endSampling = processMetrics(registry)
  return {
    text: () => registry.metrics(),
    contentType: registry.contentType,
    close: endSampling,
  }
}

function defineSensor(define: Definer, source: MetricsSource): void {
  const { tallies } = source
  define.gauge('plimsoll_sensor_attached', '1 while every probe is attached.', [], () => [
    [[], Number(source.sensor().isAttached)],
  ])
  define.counter('plimsoll_observations_total', 'Observations of the sensor.', [], () => [
    [[], tallies.matching.observations],
  ])
  define.counter(
    'plimsoll_sensor_losses_total',
    'Records, entries or gaps that were missed, by where they got lost and what they were.',
    ['reason', 'class'],
    () => tallies.losses().map(({ reason, what, count }) => [[reason, what], count]),
  )
  define.gauge('plimsoll_containers_watched', 'Containers that are watched.', [], () => [
    [[], source.containersWatched()],
  ])
  define.gauge('plimsoll_images_held', 'Images held to a sealed baseline.', [], () => [
    [[], source.imagesHeld()],
  ])
}

function defineJournal(define: Definer, source: MetricsSource): void {
  const gauge = (
    name: string,
    help: string,
    value: (state: NonNullable<ReturnType<MetricsSource['journal']>>) => number,
  ): void =>
    define.gauge(`plimsoll_journal_${name}`, help, [], () => {
      const state = source.journal()
      return state === undefined ? [] : [[[], value(state)]]
    })
  gauge('writable', '1 while events are made durable.', ({ problem }) =>
    Number(problem === undefined),
  )
  gauge('last_sequence', 'Sequence of the newest event.', ({ last }) => last)
  gauge('pending_events', 'Events that wait to be written.', ({ pending }) => pending)
  gauge(
    'lost_events',
    'Events that found no room to wait since it was last writable.',
    ({ lost }) => lost,
  )
  gauge('bytes', 'Size on disk, about.', ({ bytes }) => bytes)
}

function defineSinks(define: Definer, source: MetricsSource): void {
  const samples = (value: (state: SinkState) => number) => (): readonly Sample[] =>
    source
      .sinks()
      .slice(0, SINK_LIMIT)
      .map((state) => [[quoted(state.name)], value(state)])
  define.counter(
    'plimsoll_sink_delivered_total',
    'Events that the sink took.',
    ['sink'],
    samples(({ delivered }) => delivered),
  )
  define.gauge(
    'plimsoll_sink_behind_events',
    'Events that the sink has not taken yet.',
    ['sink'],
    samples(({ behind }) => behind),
  )
  define.counter(
    'plimsoll_sink_refused_total',
    'Events that the sink did not want.',
    ['sink'],
    samples(({ refused }) => refused),
  )
  define.counter(
    'plimsoll_sink_lost_total',
    'Events that could not be kept for the sink.',
    ['sink'],
    samples(({ lost }) => lost),
  )
  define.gauge(
    'plimsoll_sink_failing',
    '1 while the sink cannot be reached.',
    ['sink'],
    samples(({ problem }) => Number(problem !== undefined)),
  )
}

type Define = (
  name: string,
  help: string,
  labelNames: readonly string[],
  samples: () => readonly Sample[],
) => void

interface Definer {
  readonly counter: Define
  readonly gauge: Define
}

/** Children are bound once, when their labels are first seen. */
function definer(registry: Registry): Definer {
  const registers = [registry]
  return {
    counter: (name, help, labelNames, samples) => {
      const children = new Map<string, Counter.Internal>()
      void new Counter({
        name,
        help,
        labelNames,
        registers,
        collect() {
          this.reset()
          for (const [labels, value] of samples()) {
            childOf(children, labels, () => this.labels(...labels)).inc(value)
          }
        },
      })
    },
    gauge: (name, help, labelNames, samples) => {
      const children = new Map<string, Gauge.Internal<string>>()
      void new Gauge({
        name,
        help,
        labelNames,
        registers,
        collect() {
          this.reset()
          for (const [labels, value] of samples()) {
            childOf(children, labels, () => this.labels(...labels)).set(value)
          }
        },
      })
    },
  }
}

function childOf<Child>(
  children: Map<string, Child>,
  labels: readonly string[],
  bind: () => Child,
): Child {
  const key = labels.join('\0')
  const known = children.get(key)
  if (known !== undefined) return known
  const child = bind()
  children.set(key, child)
  return child
}
