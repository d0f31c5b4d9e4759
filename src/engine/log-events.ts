/** What enforcement tells, as entries of the log. */
import { type Anomaly, type Severity } from '../detect/anomaly.js'
import { anomalyView } from '../detect/anomaly-view.js'
import type { ResponseResult } from '../respond/request.js'
import type { EnforceEvents } from './enforce.js'
import type { Log, LogLevel } from './log.js'

const LEVEL_OF: Readonly<Record<Severity, LogLevel>> = {
  info: 'info',
  low: 'info',
  medium: 'warn',
  high: 'error',
  critical: 'error',
}

const LEVEL_OF_OUTCOME: Readonly<Record<ResponseResult['outcome'], LogLevel>> = {
  done: 'warn',
  already: 'info',
  'dry-run': 'info',
  refused: 'warn',
  limited: 'warn',
  partly: 'error',
  failed: 'error',
}

/**
 * Listeners that log. Texts that containers chose are escaped before they get here; how many containers are watched is in the
 * metrics and not in the log, where it would be noise.
 */
export function logEvents(log: Log): EnforceEvents {
  let wasReady = false
  return {
    begun: ({ path, compiled }, images) =>
      log.info('policy.begun', {
        msg: 'enforcement begins',
        fields: { path, rules: compiled.rules.length, images },
      }),
    watching: () => undefined,
    ready: () => {
      log.info('sensor.attached', {
        msg: wasReady ? 'the sensor is back' : 'all probes are attached',
        fields: { again: wasReady },
      })
      wasReady = true
    },
    sensorEnded: (_atMs, reason) =>
      log.warn('sensor.ended', { msg: 'the sensor ended', fields: { reason, restarting: true } }),
    leftOut: ({ runtime, containerId, problem }) =>
      log.warn('container.left-out', {
        msg: 'a container is not watched, because its image is unknown',
        fields: { runtime, containerId, problem },
      }),
    raised: (anomaly) => log[LEVEL_OF[anomaly.severity]]('anomaly.raised', raised(anomaly)),
    repeated: ({ id, count, lastMs }) =>
      log.info('anomaly.repeated', {
        msg: 'an anomaly was seen again',
        fields: { id, count, last: new Date(lastMs).toISOString() },
      }),
    responded: (result, { id }) =>
      log[LEVEL_OF_OUTCOME[result.outcome]]('response.ended', responded(result, id)),
    reloaded: ({ path, compiled }) =>
      log.info('policy.loaded', {
        msg: 'the policy was read again',
        fields: { path, rules: compiled.rules.length },
      }),
    refused: (error) =>
      log.error('policy.refused', {
        msg: `${error.message}; the policy before it stays in force`,
        error,
      }),
    troubled: (error) => log.error('service.troubled', { msg: error.message, error }),
  }
}

function raised(anomaly: Anomaly): Parameters<Log['info']>[1] {
  const { id, incident, kind, severity, attack, what, workload, process, decision, at } =
    anomalyView(anomaly)
  return {
    msg: `${severity} ${kind}: ${what}`,
    fields: {
      id,
      incident,
      kind,
      severity,
      attack,
      what,
      containerId: workload.containerId,
      containerName: workload.containerName,
      imageName: workload.imageName,
      imageDigest: workload.imageDigest,
      pid: process.pid,
      uid: process.uid,
      path: process.path,
      exe: process.exe,
      lineage: process.lineage,
      layer: decision.layer,
      rule: decision.rule,
      at,
    },
  }
}

function responded(result: ResponseResult, anomaly: string): Parameters<Log['info']>[1] {
  const { incident, action, outcome, containerId, actor, reason, detail, directory, steps } = result
  return {
    msg: `${action}: ${outcome}`,
    fields: {
      incident,
      anomaly,
      action,
      outcome,
      containerId,
      actor,
      reason,
      detail,
      directory: directory ?? null,
      frozenAfterMs: result.frozenAfterMs ?? null,
      steps: steps.map(({ step, outcome: each, detail: said }) =>
        said === '' ? `${step}: ${each}` : `${step}: ${each} (${said})`,
      ),
    },
  }
}
