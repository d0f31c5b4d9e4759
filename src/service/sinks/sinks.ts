/**
 * All sinks of a service: each with a runner of its own, so that none waits for another. They are started after the journal
 * was opened, and stopped before it is closed.
 */
import * as fs from 'node:fs/promises'
import { asProblem, failure } from '../../errors.js'
import type { plimsoll } from '../../gen/plimsoll.js'
import type { Journal } from '../journal/journal.js'
import { fileTarget } from './file-target.js'
import { httpTarget } from './http-target.js'
import { SinkRunner } from './sink-runner.js'
import type { SinkSpec, TargetSpec } from './sink-spec.js'
import type { SinkEvents, SinkStatus } from './sink-status.js'
import { syslogTarget } from './syslog-target.js'
import type { AnomalyEncoder, SinkClock, Target } from './target.js'

type Anomaly = plimsoll.v1.Anomaly.$Properties

export interface SinksOptions {
  readonly journal: Journal
  /** Name of this host in what is delivered. */
  readonly node: string
  /** Of plimsoll, as HTTP targets are told. */
  readonly version: string
  readonly view: AnomalyEncoder
  /** The one evaluator of filters. May throw for those that name nothing. */
  readonly compile: (
    filters: plimsoll.v1.AnomalyFilters.$Properties,
  ) => (anomaly: Anomaly) => boolean
  readonly events: SinkEvents
  readonly clock?: SinkClock
  /** In [0, 1). */
  readonly random?: () => number
}

export interface RunningSinks {
  /** In the order in which they were given. */
  statuses(): readonly SinkStatus[]
  /** Delivers what is in the journal for at most so long, all sinks at the same time. Idempotent, never rejects. */
  stop(deadlineMs: number): Promise<void>
}

export const SINK_CLOCK: SinkClock = {
  nowMs: () => Date.now(),
  after: (delayMs, act) => {
    const timer = setTimeout(act, delayMs)
    return () => clearTimeout(timer)
  },
}

/**
 * Starts the sinks. Rejects with `BAD_SINK` if a filter names nothing or files that one needs cannot be used, and then none is
 * started; a target that is not there (yet) is waited for.
 */
export async function startSinks(
  specs: readonly SinkSpec[],
  options: SinksOptions,
): Promise<RunningSinks> {
  const { journal, compile, events, clock = SINK_CLOCK, random = Math.random } = options
  const parts = []
  for (const { target, filters, ...spec } of specs) {
    try {
      const matches = filters === undefined ? undefined : compile(filters)
      parts.push({ ...spec, matches, target: await openTarget(target, options, clock) })
    } catch (thrown) {
      throw failure('BAD_SINK', { sink: spec.name, problem: asProblem(thrown) }, thrown)
    }
  }
  const runners = parts.map((part) => new SinkRunner({ ...part, journal, events, clock, random }))
  return {
    statuses: () => runners.map((runner) => runner.status()),
    stop: async (deadlineMs) => {
      await Promise.all(runners.map((runner) => runner.stop(deadlineMs)))
    },
  }
}

async function openTarget(
  target: TargetSpec,
  { node, view, version }: SinksOptions,
  clock: SinkClock,
): Promise<Target> {
  const common = { node, view, clock }
  switch (target.type) {
    case 'file':
      return fileTarget({ ...target, ...common, fs })
    case 'http':
      return httpTarget({ ...target, ...common, userAgent: `plimsoll/${version}` })
    case 'syslog':
      return syslogTarget({ spec: target, ...common })
  }
}
