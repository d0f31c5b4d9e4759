/** Incidents for people: one line each, and one in full. What is shown was made printable when it was recorded. */
import { quoted } from '../errors.js'
import { type IncidentRecord, stateOf } from '../respond/incident-record.js'
import type { StoredIncident } from '../respond/incident-store.js'

export const LIST_HEAD = ['INCIDENT', 'TIME', 'CONTAINER', 'IMAGE', 'ACTION', 'STATE', 'REASON']

const SHORT_ID = 12
const REASON_WIDTH = 60

export function incidentRow(incident: StoredIncident): readonly string[] {
  if (incident.kind === 'damaged') {
    return [incident.id, '', '', '', '', 'damaged', quoted(incident.problem)]
  }
  const { facts, actions } = incident.record
  return [
    quoted(incident.id),
    timeText(facts.atMs),
    quoted(facts.containerName || facts.containerId.slice(0, SHORT_ID)),
    quoted(facts.imageName),
    actions.map(({ action }) => action).at(-1) ?? facts.action,
    stateOf(incident.record),
    shortened(quoted(facts.reason)),
  ]
}

/** For programs. */
export function incidentView(incident: StoredIncident): object {
  return incident.kind === 'damaged'
    ? { incident: incident.id, state: 'damaged', problem: incident.problem }
    : { incident: incident.id, state: stateOf(incident.record), ...incident.record }
}

/** The whole of it; ends with a newline. */
export function recordText(record: IncidentRecord, directory: string): string {
  const { facts, actions, bundle, release } = record
  const container = `${facts.containerName} ${facts.containerId.slice(0, SHORT_ID)} (${facts.runtime})`
  const lines = [
    `incident      ${facts.incident}`,
    `state         ${stateOf(record)}`,
    `container     ${container.trim()}`,
    `image         ${facts.imageName} ${facts.imageDigest}`,
    `cgroup        ${facts.cgroupPath}`,
    `baseline      ${facts.baselineRevision === 0 ? 'none' : `revision ${facts.baselineRevision}`}`,
    `profile       ${facts.profile || 'none'}`,
    ...facts.anomalies.map((line, at) => `${at === 0 ? 'anomalies' : ''}`.padEnd(14) + line),
    ...actions.flatMap(({ action, actor, reason, atMs, outcome, steps }) => [
      `${timeText(atMs)} ${action} by ${actor}: ${outcome} (${reason})`,
      ...steps.map(
        (step) =>
          `  ${step.step.padEnd(8)} ${step.outcome.padEnd(8)} ${msText(step.tookMs)}  ${step.detail}`,
      ),
    ]),
    ...(release === undefined
      ? []
      : [
          `${timeText(release.atMs)} released by ${release.actor}: ${release.outcome} (${release.reason})`,
          ...release.details.map((line) => `  ${line}`),
        ]),
    `directory     ${directory}`,
    `bundle        ${bundle === undefined ? 'none' : `${bundle.files} files, ${bundle.bytes} bytes`}`,
    ...(bundle === undefined ? [] : [`manifest      ${bundle.manifestSha256}`]),
  ]
  return `${lines.map((line) => quoted(line).trimEnd()).join('\n')}\n`
}

function timeText(atMs: number): string {
  const time = new Date(atMs)
  return Number.isNaN(time.getTime()) ? 'unknown time' : time.toISOString().replace('.000Z', 'Z')
}

function msText(ms: number): string {
  return `${ms.toFixed(1)} ms`.padStart(11)
}

function shortened(text: string): string {
  return text.length > REASON_WIDTH ? `${text.slice(0, REASON_WIDTH - 3)}...` : text
}
