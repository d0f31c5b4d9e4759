/** An anomaly as text for a person. Every text in a view is escaped already, but for the words of runtimes. */
import type { AnomalyView } from '../detect/anomaly-view.js'
import { quoted } from '../errors.js'
import { plural } from './plural.js'

/** All that is known of it; ends with a newline. */
export function anomalyText(anomaly: AnomalyView): string {
  const { workload, process, decision, evidence } = anomaly
  const rule = decision.rule === '' ? '' : `, rule ${quoted(decision.rule)}`
  const quality = [
    `read from the ${evidence.source === 'kernel' ? 'kernel' : "caller's memory"}`,
    ...(evidence.truncated ? ['cut'] : []),
    ...(evidence.lossNearby ? ['records were lost nearby'] : []),
    evidence.baseline === 'none' ? 'no baseline' : `baseline ${evidence.baseline}`,
  ].join(', ')
  const lines = [
    `${anomaly.severity} ${anomaly.kind}: ${anomaly.what}`,
    `id          ${anomaly.id}, incident ${anomaly.incident}`,
    `seen        ${plural(anomaly.count, 'time')}, first ${anomaly.at}, last ${anomaly.last}`,
    `container   ${quoted(workload.containerName)} ${workload.containerId.slice(0, 12)} (${workload.runtime})`,
    `image       ${quoted(workload.imageName)} ${workload.imageDigest}`,
    `process     ${process.pid}${process.uid === null ? '' : `, uid ${process.uid}`}, parent ${process.ppid}: ` +
      `${process.path} (${process.exe}; calls itself ${process.comm}), lineage ${process.lineage}`,
    `decided by  ${decision.layer}${rule}; baseline revision ${anomaly.baselineRevision}`,
    `evidence    ${quality}`,
    `att&ck      ${anomaly.attack.join(', ')}`,
    ...(anomaly.timeline.length === 0 ? [] : ['before it:']),
    ...anomaly.timeline.map(
      ({ at, pid, lineage, what }) => `  ${at}  ${String(pid).padStart(7)}  ${lineage}  ${what}`,
    ),
  ]
  return `${lines.join('\n')}\n`
}

/** One line for a live view. */
export function anomalyLine(anomaly: AnomalyView): string {
  const { workload, process } = anomaly
  const where = quoted(workload.containerName || workload.containerId.slice(0, 12))
  const who = process.path || process.exe
  const by = who === '' ? '' : ` by ${who}${process.pid > 0 ? `[${process.pid}]` : ''}`
  const entered = process.lineage === 'exec' ? ' (entered from outside)' : ''
  return `${anomaly.at.slice(11, 23)} ${anomaly.severity.toUpperCase().padEnd(8)} ${where}: ${anomaly.what}${by}${entered}  ${anomaly.id}`
}
