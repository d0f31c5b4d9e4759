/** An event of `Watch` as one JSON object: what it is, where to go on after it, when it was, and what it says. Pure. */
import type { WatchEvent } from '../client.js'
import { plimsoll } from '../gen/plimsoll.js'
import { KIND_CODES, SEVERITY_CODES } from '../service/anomaly-codes.js'
import { anomalyViewOf } from '../service/anomaly-message.js'
import { fieldNames, jsonPath } from './watch-request.js'

/** `type` is `anomaly`, `gap`, `heartbeat`, `collector_state`, `baseline_change` or `action_result`; others may come. */
export interface WatchLine {
  readonly type: string
  readonly cursor: string
  /** ISO 8601; of an anomaly when it was first seen, of all else when it was journaled or sent. */
  readonly at?: string
  readonly [field: string]: unknown
}

/** The line of an event; of an anomaly only `fields`, if they are given. */
export function watchLine(event: WatchEvent, fields?: string): WatchLine {
  const cursor = event.cursor ?? ''
  const at = new Date(event.atMs ?? 0).toISOString()
  const { anomaly, gap, collectorState, baselineChange, actionResult } = event
  if (anomaly != null) {
    const state =
      anomaly.state === plimsoll.v1.AnomalyState.ANOMALY_STATE_REPEATED ? 'repeated' : 'new'
    const view = { state, ...anomalyViewOf(anomaly) }
    return { type: 'anomaly', cursor, ...(fields === undefined ? view : chosen(view, fields)) }
  }
  if (gap != null) return { type: 'gap', cursor, at, ...gapView(gap) }
  if (event.heartbeat != null) return { type: 'heartbeat', cursor, at }
  if (collectorState != null) return { type: 'collector_state', cursor, at, ...collectorState }
  if (baselineChange != null) return { type: 'baseline_change', cursor, at, ...baselineChange }
  if (actionResult != null) return { type: 'action_result', cursor, at, ...actionResult }
  return { type: 'unknown', cursor, at }
}

/** Why events are missing, in a word. */
export function gapCause(cause: number | null | undefined): string {
  const name = plimsoll.v1.GapCause[cause ?? 0]
  return name?.replace('GAP_CAUSE_', '').toLowerCase() ?? 'unspecified'
}

function gapView(gap: NonNullable<WatchEvent['gap']>): object {
  return {
    ...gap,
    cause: gapCause(gap.cause),
    anomalies: (gap.anomalies ?? []).map(({ kind, severity, count }) => ({
      kind: KIND_CODES.wordOf(kind),
      severity: SEVERITY_CODES.wordOf(severity),
      count: count ?? 0,
    })),
  }
}

/** Those fields of the view, `workload.imageName` below `workload`; a name that it does not have is left out. */
function chosen(view: object, fields: string): Readonly<Record<string, unknown>> {
  const result: Record<string, unknown> = {}
  for (const name of fieldNames(fields)) {
    const [first = '', second] = jsonPath(name).split('.')
    const value = (view as Readonly<Record<string, unknown>>)[first]
    if (second === undefined) result[first] = value
    else if (typeof value === 'object' && value !== null && second in value) {
      const inner = (value as Readonly<Record<string, unknown>>)[second]
      result[first] = { ...(result[first] as object | undefined), [second]: inner }
    }
  }
  return result
}
