/**
 * What `enforce` says: on a terminal a line per event, for a person; in a pipe JSON lines on stdout, one object each, whose
 * `type` tells what it is: `anomaly`, `repeat`, `response`, `policy`, `sensor`.
 *
 */
import { type Anomaly, SEVERITIES } from '../detect/anomaly.js'
import { anomalyView } from '../detect/anomaly-view.js'
import type { EnforceEvents } from '../engine/enforce.js'
import { quoted } from '../errors.js'
import type { ResponseResult } from '../respond/request.js'
import { anomalyLine } from './anomaly-text.js'
import { plural } from './plural.js'
import type { Terminal } from './terminal.js'

export interface EnforcementView {
  readonly events: EnforceEvents
  /** Says what there was, for a person. */
  readonly ended: () => void
}

/** `onReady` is called once, when the probes are first attached. */
export function enforcementEvents(
  terminal: Terminal,
  isJson: boolean,
  onReady: () => void,
): EnforcementView {
  const startedMs = Date.now()
  const counts = new Map<string, number>()
  let isReady = false
  let running = 0
  const json = (type: string, value: object): void =>
    terminal.out(`${JSON.stringify({ type, ...value })}\n`)
  const status = (): void =>
    terminal.progress(
      `watching ${plural(running, 'container')}; ${SEVERITIES.toReversed()
        .map((severity) => `${severity} ${counts.get(severity) ?? 0}`)
        .join(', ')}`,
    )
  const events: EnforceEvents = {
    begun: (policy, images) => {
      terminal.say(
        `plimsoll: policy ${quoted(policy.path)}, ${plural(policy.compiled.rules.length, 'rule')}; ` +
          `${plural(images, 'image')} with a sealed baseline`,
      )
      terminal.progress('attaching the probes ...')
    },
    ready: () => {
      if (isReady) {
        terminal.say('plimsoll: the sensor is back')
        if (isJson) json('sensor', { state: 'attached' })
        return
      }
      isReady = true
      const seconds = ((Date.now() - startedMs) / 1000).toFixed(2)
      terminal.say(`plimsoll: probes attached in ${seconds} s`)
      if (isJson) json('sensor', { state: 'attached' })
      onReady()
    },
    sensorEnded: (_atMs, reason) => {
      if (!isReady) return
      terminal.say(`plimsoll: the sensor ended (${quoted(reason)}); starting it again`)
      if (isJson) json('sensor', { state: 'ended', reason })
    },
    leftOut: ({ containerId, problem }) =>
      terminal.say(
        `plimsoll: container ${containerId.slice(0, 12)} is not watched, its image is unknown: ${quoted(problem)}`,
      ),
    watching: (containers) => {
      running = containers
      status()
    },
    raised: (anomaly) => {
      const view = anomalyView(anomaly)
      if (isJson) json('anomaly', view)
      else terminal.say(anomalyLine(view))
      counts.set(view.severity, (counts.get(view.severity) ?? 0) + 1)
      status()
    },
    repeated: ({ id, count, lastMs }: Anomaly) => {
      const repeat = { id, count, last: new Date(lastMs).toISOString() }
      if (isJson) json('repeat', repeat)
    },
    responded: (result, anomaly) => {
      if (isJson) json('response', { ...result, anomaly: anomaly.id })
      else terminal.say(responseLine(result))
    },
    reloaded: ({ path, compiled }) => {
      terminal.say(
        `plimsoll: policy ${quoted(path)} was read again: ${plural(compiled.rules.length, 'rule')}`,
      )
      if (isJson) json('policy', { state: 'loaded', path, rules: compiled.rules.length })
    },
    refused: (error) => {
      terminal.say(`plimsoll: ${error.message}; the policy before it stays in force`)
      terminal.say(`hint: ${error.hint}`)
      if (isJson) json('policy', { state: 'refused', code: error.code, problem: error.message })
    },
    troubled: (error) => {
      terminal.say(`plimsoll: ${error.message}`)
      terminal.say(`hint: ${error.hint}`)
    },
  }
  const ended = (): void => {
    const all = [...counts.values()].reduce((sum, count) => sum + count, 0)
    terminal.say(
      all === 0
        ? 'plimsoll: no anomaly'
        : `plimsoll: ${plural(all, 'anomaly', 'anomalies')}; see plimsoll anomaly ls`,
    )
  }
  return { events, ended }
}

function responseLine(result: ResponseResult): string {
  const { action, outcome, containerId, detail, steps, incident, directory } = result
  const done = steps
    .filter(({ outcome: each }) => each !== 'nothing')
    .map(({ step, outcome: each, detail: said }) =>
      each === 'failed' ? `${step} failed: ${said}` : step,
    )
  const where = directory === undefined ? '' : `; evidence in ${quoted(directory)}`
  const what = [detail, ...done].filter((text) => text !== '').join(', ')
  return `  ${action} ${containerId.slice(0, 12)}: ${outcome}${what === '' ? '' : ` (${what})`}; incident ${incident}${where}`
}
