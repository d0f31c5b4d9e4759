/** An event of `Watch` as a line for a person; what stderr says is not repeated. Pure. */
import type { WatchEvent } from '../client.js'
import { quoted } from '../errors.js'
import { plimsoll } from '../gen/plimsoll.js'
import { anomalyViewOf } from '../service/anomaly-message.js'
import { anomalyLine } from './anomaly-text.js'

/** The line, or undefined for what is no news. */
export function watchText(event: WatchEvent): string | undefined {
  const { anomaly, baselineChange, actionResult, heartbeat } = event
  const at = new Date(event.atMs ?? 0).toISOString().slice(11, 23)
  if (anomaly != null) {
    const isRepeated = anomaly.state === plimsoll.v1.AnomalyState.ANOMALY_STATE_REPEATED
    return `${anomalyLine(anomalyViewOf(anomaly))}${isRepeated ? `  seen ${anomaly.count ?? 0} times` : ''}`
  }
  if (actionResult != null) {
    const { action, outcome, containerId, actor, detail, incident } = actionResult
    const said = detail ? ` (${quoted(detail)})` : ''
    return `${at} ${quoted(action ?? '')} ${quoted(containerId ?? '').slice(0, 12)}: ${quoted(outcome ?? '')}${said}, by ${quoted(actor ?? '')}; incident ${quoted(incident ?? '')}`
  }
  if (baselineChange != null) {
    const { imageName, what, actor, revision } = baselineChange
    return `${at} baseline of ${quoted(imageName ?? '')}: ${quoted(what ?? '')} by ${quoted(actor ?? '')}, revision ${revision ?? 0}`
  }
  return heartbeat == null ? undefined : `${at} heartbeat ${event.cursor ?? ''}`
}
