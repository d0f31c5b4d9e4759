/** The sinks of `enforce`: fed from the journal, with the filters and the form of anomalies that all of the service has. */
import { anomalyViewOf } from '../service/anomaly-message.js'
import { compileFilters } from '../service/filter/compiled-filters.js'
import type { Journal } from '../service/journal/journal.js'
import type { SinkSpec } from '../service/sinks/sink-spec.js'
import { type RunningSinks, startSinks } from '../service/sinks/sinks.js'
import { VERSION } from '../version.js'
import type { Log } from './log.js'

export interface SinksAround {
  readonly journal: Journal
  /** Name of this host. */
  readonly node: string
  readonly log: Log
}

/** Starts them. Rejects with `BAD_SINK`, and then none is started. */
export function openSinks(
  specs: readonly SinkSpec[],
  { journal, node, log }: SinksAround,
): Promise<RunningSinks> {
  return startSinks(specs, {
    journal,
    node,
    version: VERSION,
    view: anomalyViewOf,
    compile: (filters) => {
      const compiled = compileFilters(filters)
      return (anomaly) => compiled.matchesAnomaly(anomaly)
    },
    events: {
      overflowed: (name, count, cause) =>
        log.error('sink.overflowed', {
          msg: `sink ${name} lost ${count} events, because of the ${cause}`,
          fields: { name, count, cause },
        }),
      refused: (name, count, problem) =>
        log.warn('sink.refused', {
          msg: `the target of sink ${name} refused ${count} events: ${problem}`,
          fields: { name, count, problem },
        }),
      changed: (name, problem) => {
        const fields = { name, problem: problem ?? null }
        if (problem === undefined) {
          log.info('sink.delivers', { msg: `sink ${name} delivers again`, fields })
        } else log.warn('sink.fails', { msg: `sink ${name} cannot deliver: ${problem}`, fields })
      },
    },
  })
}
