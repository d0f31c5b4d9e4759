/** A histogram for prom-client whose buckets are kept elsewhere and read when somebody looks. */
import type { Gauge } from 'prom-client'
import { MATCH_BOUNDS, type MatchTimes } from './match-times.js'

interface Sample {
  readonly metricName: string
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
}

/**
 * Registers as any metric of prom-client does, which asks `get` only; its types know no metrics but its own, hence the cast.
 */
export function matchHistogram(name: string, help: string, times: MatchTimes): Gauge {
  const values = (): readonly Sample[] => {
    const chunks = times.cumulative()
    const total = chunks.at(-1) ?? 0
    const bucket = (le: number | string, value: number): Sample => ({
      metricName: `${name}_bucket`,
      labels: { le },
      value,
    })
    return [
      ...MATCH_BOUNDS.map((bound, at) => bucket(bound, chunks[at] ?? 0)),
      bucket('+Inf', total),
      { metricName: `${name}_sum`, labels: {}, value: times.seconds },
      { metricName: `${name}_count`, labels: {}, value: total },
    ]
  }
  const metric = {
    name,
    help,
    type: 'histogram',
    aggregator: 'sum',
    get: async () => ({ name, help, type: 'histogram', aggregator: 'sum', values: values() }),
    reset: () => undefined,
  }
  return metric as unknown as Gauge
}
