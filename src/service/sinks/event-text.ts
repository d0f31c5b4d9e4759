/** An event in one line of words, for syslog and as the `output` of alerts. Pure. */
import { quoted } from '../../errors.js'
import { plimsoll } from '../../gen/plimsoll.js'
import { kindName, nameOf, severityName } from './event-names.js'
import type { SinkMessage } from './target.js'

/** The line, without control characters. */
export function eventText(message: SinkMessage): string {
  return quoted(textOf(message))
}

function textOf({ anomaly, gap, baselineChange, actionResult }: SinkMessage): string {
  if (anomaly != null) return anomalyText(anomaly)
  if (gap != null) {
    const cause = nameOf(plimsoll.v1.GapCause, gap.cause, 'GAP_CAUSE_')
    const range = `sequences ${Number(gap.fromSequence ?? 0)} to ${Number(gap.toSequence ?? 0)}`
    return `${Number(gap.count ?? 0)} events are missing here (${cause}, ${range}): ${gap.detail ?? ''}`
  }
  if (baselineChange != null) {
    const { imageName, revision, what, actor, reason } = baselineChange
    return `baseline of ${imageName ?? ''} ${what ?? ''} at revision ${Number(revision ?? 0)} by ${actor ?? ''}: ${reason ?? ''}`
  }
  if (actionResult != null) {
    const { action, outcome, containerId, actor, reason, incident } = actionResult
    return `${action ?? ''} of ${containerId?.slice(0, 12) ?? ''} ${outcome ?? ''} by ${actor ?? ''}, incident ${incident ?? ''}: ${reason ?? ''}`
  }
  throw new Error('an event of a kind that sinks do not know')
}

function anomalyText({
  severity,
  kind,
  what,
  workload,
  process,
  incident,
  count,
}: plimsoll.v1.Anomaly.$Properties): string {
  const container = workload?.containerName || workload?.containerId?.slice(0, 12) || 'no container'
  const image = workload?.imageName || workload?.imageDigest || 'unknown image'
  const by = process?.pid ? `, by ${process.comm || process.exe || '?'}[${process.pid}]` : ''
  const times = Number(count ?? 1) > 1 ? `, ${Number(count)} times` : ''
  return `${severityName(severity)} ${kindName(kind)} anomaly in ${container} (${image}): ${what ?? ''}${by}${times}, incident ${incident ?? ''}`
}
