/**
 * An event as JSON has it in files and requests: one object on one line. Control characters, and those that change the
 * direction of text, are escaped, so that a line is safe to show. Pure.
 *
 *   {"type":"anomaly","cursor":"...","at":"2026-01-02T03:04:05.678Z","node":"host-1", ...}
 */
import { quoted } from '../../errors.js'
import { plimsoll } from '../../gen/plimsoll.js'
import { isoTime, nameOf } from './event-names.js'
import type { AnomalyEncoder, SinkMessage } from './target.js'

/**
 * The object. `at` is when the event was journaled; of an anomaly it is, as in `AnomalyView`, when it was first seen, and
 * `toldAt` is when it was journaled.
 */
export function eventObject(
  message: SinkMessage,
  node: string,
  view: AnomalyEncoder,
): Readonly<Record<string, unknown>> {
  const { anomaly, gap, baselineChange, actionResult } = message
  const at = isoTime(message.atMs)
  const head = (type: string): object => ({ type, cursor: message.cursor ?? '', at, node })
  if (anomaly != null) {
    const state = nameOf(plimsoll.v1.AnomalyState, anomaly.state, 'ANOMALY_STATE_')
    return { ...head('anomaly'), ...view(anomaly), state, toldAt: at }
  }
  if (gap != null) return { ...head('gap'), ...gapView(gap) }
  if (baselineChange != null)
    return { ...head('baseline_change'), ...baselineChangeView(baselineChange) }
  if (actionResult != null) return { ...head('action_result'), ...actionResultView(actionResult) }
  throw new Error('an event of a kind that sinks do not know')
}

/** The object on one line, without a newline. */
export function eventJson(message: SinkMessage, node: string, view: AnomalyEncoder): string {
  return safeJson(eventObject(message, node, view))
}

/** JSON on one line. Outside of its texts there is nothing that `quoted` escapes, and in them its escapes are JSON's own. */
export function safeJson(value: unknown): string {
  return quoted(JSON.stringify(value))
}

function gapView(gap: plimsoll.v1.Gap.$Properties): object {
  return {
    cause: nameOf(plimsoll.v1.GapCause, gap.cause, 'GAP_CAUSE_'),
    count: Number(gap.count ?? 0),
    fromSequence: Number(gap.fromSequence ?? 0),
    toSequence: Number(gap.toSequence ?? 0),
    anomalies: (gap.anomalies ?? []).map(({ kind, severity, count }) => ({
      kind: nameOf(plimsoll.v1.AnomalyKind, kind, 'ANOMALY_KIND_'),
      severity: nameOf(plimsoll.v1.Severity, severity, 'SEVERITY_'),
      count: Number(count ?? 0),
    })),
    detail: gap.detail ?? '',
  }
}

function baselineChangeView(change: plimsoll.v1.BaselineChange.$Properties): object {
  return {
    baselineKey: change.baselineKey ?? '',
    imageName: change.imageName ?? '',
    revision: Number(change.revision ?? 0),
    what: change.what ?? '',
    actor: change.actor ?? '',
    reason: change.reason ?? '',
  }
}

function actionResultView(result: plimsoll.v1.ActionResult.$Properties): object {
  return {
    incident: result.incident ?? '',
    action: result.action ?? '',
    outcome: result.outcome ?? '',
    containerId: result.containerId ?? '',
    actor: result.actor ?? '',
    reason: result.reason ?? '',
    detail: result.detail ?? '',
    steps: (result.steps ?? []).map((each) => ({
      step: each.step ?? '',
      outcome: each.outcome ?? '',
      detail: each.detail ?? '',
      tookMs: each.tookMs ?? 0,
    })),
    frozenAfterMs: result.frozenAfterMs ?? null,
    directory: result.directory ?? '',
    manifestSha256: result.manifestSha256 ?? '',
  }
}
