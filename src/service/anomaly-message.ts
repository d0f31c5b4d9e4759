/**
 * Anomalies as messages of `anomaly.proto`, and those as the JSON that programs know from `anomalyView`. All text in a message is
 * escaped, so that it can be printed as it is: what a container chose by `displayOf`, the words of runtimes and policies by
 * `quoted`. Pure.
 */
import { displayOf } from '../bytes.js'
import { type Anomaly, kindOf, type ProcessFacts, type TimelineEntry } from '../detect/anomaly.js'
import type { AnomalyView, TimelineView } from '../detect/anomaly-view.js'
import { subjectText } from '../detect/subject-text.js'
import { quoted } from '../errors.js'
import { plimsoll } from '../gen/plimsoll.js'
import {
  KIND_CODES,
  LAYER_CODES,
  LINEAGE_CODES,
  SEVERITY_CODES,
  SOURCE_CODES,
} from './anomaly-codes.js'
import { subjectMessage, subjectViewOf } from './anomaly-subject.js'
import { numberOf, wire64, type Wire64, wireNs } from './wire-number.js'

type AnomalyMessage = plimsoll.v1.Anomaly.$Properties

/** The anomaly as it is now; a repeated one goes without its timeline. */
export function anomalyMessage(anomaly: Anomaly, state: 'new' | 'repeated'): AnomalyMessage {
  const { subject, workload, decision, evidence } = anomaly
  const { ANOMALY_STATE_NEW, ANOMALY_STATE_REPEATED } = plimsoll.v1.AnomalyState
  return {
    id: anomaly.id,
    incident: anomaly.incident,
    kind: KIND_CODES.codeOf(kindOf(subject)),
    severity: SEVERITY_CODES.codeOf(anomaly.severity),
    state: state === 'new' ? ANOMALY_STATE_NEW : ANOMALY_STATE_REPEATED,
    attack: [...anomaly.attack],
    what: subjectText(subject),
    subject: subjectMessage(subject),
    workload: {
      runtime: quoted(workload.runtime),
      containerId: quoted(workload.containerId),
      containerName: quoted(workload.containerName),
      imageName: quoted(workload.imageName),
      imageDigest: quoted(workload.imageDigest),
      cgroupId: wire64(workload.cgroupId),
    },
    process: processMessage(anomaly.process),
    decision: { layer: LAYER_CODES.codeOf(decision.layer), rule: quoted(decision.rule) },
    baselineRevision: wire64(anomaly.baselineRevision),
    evidence: { ...evidence, source: SOURCE_CODES.codeOf(evidence.source) },
    firstSeenMs: wire64(anomaly.atMs),
    firstSeenBootNs: wireNs(anomaly.atNs),
    lastSeenMs: wire64(anomaly.lastMs),
    count: wire64(anomaly.count),
    timeline: state === 'new' ? anomaly.timeline.map(timelineMessage) : [],
  }
}

/** A first-seen fact of a container. */
export function timelineMessage(
  entry: TimelineEntry,
): plimsoll.v1.AnomalyTimelineEntry.$Properties {
  const { atMs, pid, lineage, subject } = entry
  return {
    atMs: wire64(atMs),
    pid,
    lineage: LINEAGE_CODES.codeOf(lineage),
    what: subjectText(subject),
  }
}

/** The message in the fields of `anomalyView`; what it does not say is empty, 0 or `unspecified`. */
export function anomalyViewOf(message: AnomalyMessage): AnomalyView {
  const { workload, decision, evidence } = message
  return {
    id: message.id ?? '',
    incident: message.incident ?? '',
    kind: KIND_CODES.wordOf(message.kind),
    severity: SEVERITY_CODES.wordOf(message.severity),
    attack: message.attack ?? [],
    what: message.what ?? '',
    subject: subjectViewOf(message),
    workload: {
      runtime: workload?.runtime ?? '',
      containerId: workload?.containerId ?? '',
      containerName: workload?.containerName ?? '',
      imageName: workload?.imageName ?? '',
      imageDigest: workload?.imageDigest ?? '',
      cgroupId: numberOf(workload?.cgroupId),
    },
    process: processView(message.process ?? {}),
    decision: { layer: LAYER_CODES.wordOf(decision?.layer), rule: decision?.rule ?? '' },
    baselineRevision: numberOf(message.baselineRevision),
    evidence: {
      source: SOURCE_CODES.wordOf(evidence?.source),
      truncated: evidence?.truncated ?? false,
      lossNearby: evidence?.lossNearby ?? false,
      baseline: evidence?.baseline ?? '',
    },
    at: isoOf(message.firstSeenMs),
    atNs: numberOf(message.firstSeenBootNs),
    last: isoOf(message.lastSeenMs),
    count: numberOf(message.count),
    timeline: (message.timeline ?? []).map(timelineViewOf),
  }
}

function processMessage(process: ProcessFacts): plimsoll.v1.AnomalyProcess.$Properties {
  const { pid, ppid, uid, comm, exe, path, lineage } = process
  return {
    pid,
    ppid,
    ...(uid === undefined ? {} : { uid }),
    comm: displayOf(comm),
    exe: displayOf(exe),
    path: displayOf(path),
    lineage: LINEAGE_CODES.codeOf(lineage),
  }
}

function processView(process: plimsoll.v1.AnomalyProcess.$Properties): AnomalyView['process'] {
  const { pid, ppid, uid, comm, exe, path, lineage } = process
  return {
    pid: pid ?? 0,
    ppid: ppid ?? 0,
    uid: uid ?? null,
    comm: comm ?? '',
    exe: exe ?? '',
    path: path ?? '',
    lineage: LINEAGE_CODES.wordOf(lineage),
  }
}

function timelineViewOf(entry: plimsoll.v1.AnomalyTimelineEntry.$Properties): TimelineView {
  const { atMs, pid, lineage, what } = entry
  return {
    at: isoOf(atMs),
    pid: pid ?? 0,
    lineage: LINEAGE_CODES.wordOf(lineage),
    what: what ?? '',
  }
}

/** The last moment that `Date` knows, for what a foreign program may send. */
const LAST_MS = 8_640_000_000_000_000

function isoOf(ms: Wire64): string {
  return new Date(Math.min(numberOf(ms), LAST_MS)).toISOString()
}
