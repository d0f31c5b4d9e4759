/** The gRPC services of `enforce`, put together: which there are, what they are given, and how they end. */
import type { BaselineStore } from '../baseline/store.js'
import type { PlimsollError } from '../errors.js'
import { AuditService } from '../service/audit/audit-service.js'
import type { OperatorRecorder } from '../service/audit/recorder.js'
import { AUDIT_SERVICE } from '../service/audit-methods.js'
import { baselinesHandlers } from '../service/baselines-handlers.js'
import { BASELINES_SERVICE } from '../service/baselines-methods.js'
import { CONTROL_SERVICE } from '../service/control-methods.js'
import { ControlService } from '../service/control/control-service.js'
import { firstOccurrences } from '../service/journal/first-occurrences.js'
import type { Journal } from '../service/journal/journal.js'
import type { LearningSource, ServiceClock } from '../service/learning-source.js'
import { MONITOR_SERVICE } from '../service/monitor-methods.js'
import { MonitorService } from '../service/monitor/monitor-service.js'
import type { MonitorSource } from '../service/monitor/monitor-source.js'
import type { ServedService } from '../service/served-service.js'
import { VERSION } from '../version.js'
import { StoreActions } from './baseline-actions.js'
import type { EnforcementControl } from './enforcement-control.js'
import type { Journaled } from './journaled.js'
import { LearningByMode } from './learning-by-mode.js'

export interface ServicesOptions {
  readonly stateDirectory: string
  readonly store: BaselineStore
  readonly control: EnforcementControl
  readonly monitor: MonitorSource
  readonly learning: LearningSource
  readonly journal: Journal
  readonly journaled: Pick<Journaled, 'baselineChanged'>
  readonly recorder: OperatorRecorder
  readonly clock: ServiceClock
  /** Name of this host. */
  readonly node: string
  /** Something was done, and what came of it is not on record. */
  readonly unrecorded: (error: PlimsollError) => void
}

export interface Services {
  readonly served: readonly ServedService[]
  /** Streams of anomalies that are open. */
  watchers(): number
  /** Ends the streams, so that a server can stop. */
  stopping(): void
}

export function enforceServices(options: ServicesOptions): Services {
  const { stateDirectory, store, control, journal, recorder, clock, unrecorded } = options
  const nowMs = (): number => clock.nowMs()
  const record = { recorder, troubled: unrecorded }
  const monitor = new MonitorService({
    journal,
    source: options.monitor,
    clock,
    node: options.node,
    version: VERSION,
  })
  const controlling = new ControlService({
    source: control,
    recorder,
    anomalies: () => firstOccurrences(journal),
    stateDirectory,
    nowMs,
    unrecorded,
  })
  const baselines = baselinesHandlers({
    source: options.learning,
    clock,
    changes: {
      actions: new StoreActions({
        ...record,
        store,
        stateDirectory,
        nowMs,
        changed: (change) => options.journaled.baselineChanged(change),
      }),
      modes: new LearningByMode(record, control),
    },
  })
  return {
    served: [
      { definition: MONITOR_SERVICE, handlers: handlersOf(monitor, MONITOR_SERVICE) },
      { definition: BASELINES_SERVICE, handlers: { ...baselines.handlers } },
      { definition: CONTROL_SERVICE, handlers: handlersOf(controlling, CONTROL_SERVICE) },
      {
        definition: AUDIT_SERVICE,
        handlers: handlersOf(new AuditService({ stateDirectory }), AUDIT_SERVICE),
      },
    ],
    watchers: () => monitor.watchers,
    stopping: () => {
      monitor.stop()
      baselines.service.finish()
    },
  }
}

/** The handlers of a service, which has one for each of its methods, by the same name. */
function handlersOf<Name extends string>(
  service: Pick<ServedService['handlers'], NoInfer<Name>>,
  definition: Readonly<Record<Name, unknown>>,
): ServedService['handlers'] {
  const names = Object.keys(definition) as Name[]
  return Object.fromEntries(names.map((name) => [name, service[name]]))
}
