/** An anomaly as JSON has it: for programs, files and the wire. Text that a container chose is escaped. Pure. */
import { displayOf } from '../bytes.js'
import { type Anomaly, kindOf, type Subject, type TimelineEntry } from './anomaly.js'
import { subjectText } from './subject-text.js'

/** The fields stay as they are; further ones may come. */
export interface AnomalyView {
  readonly id: string
  readonly incident: string
  readonly kind: string
  readonly severity: string
  readonly attack: readonly string[]
  /** In words; what was judged is in `subject`. */
  readonly what: string
  readonly subject: Readonly<Record<string, unknown>>
  readonly workload: {
    readonly runtime: string
    readonly containerId: string
    readonly containerName: string
    readonly imageName: string
    readonly imageDigest: string
    readonly cgroupId: number
  }
  readonly process: {
    readonly pid: number
    readonly ppid: number
    /** null where it is not known. */
    readonly uid: number | null
    readonly comm: string
    readonly exe: string
    readonly path: string
    readonly lineage: string
  }
  readonly decision: { readonly layer: string; readonly rule: string }
  readonly baselineRevision: number
  readonly evidence: {
    readonly source: string
    readonly truncated: boolean
    readonly lossNearby: boolean
    readonly baseline: string
  }
  /** ISO 8601, UTC. */
  readonly at: string
  /** By the kernel's clock since boot, nanoseconds; 0 where the kernel told of no moment. */
  readonly atNs: number
  readonly last: string
  readonly count: number
  readonly timeline: readonly TimelineView[]
}

/** One first-seen fact before the anomaly. */
export interface TimelineView {
  readonly at: string
  readonly pid: number
  readonly lineage: string
  readonly what: string
}

/** The view of the anomaly as it is now. */
export function anomalyView(anomaly: Anomaly): AnomalyView {
  const { subject, workload, process, decision, evidence } = anomaly
  return {
    id: anomaly.id,
    incident: anomaly.incident,
    kind: kindOf(subject),
    severity: anomaly.severity,
    attack: anomaly.attack,
    what: subjectText(subject),
    subject: subjectView(subject),
    workload: {
      runtime: workload.runtime,
      containerId: workload.containerId,
      containerName: workload.containerName,
      imageName: workload.imageName,
      imageDigest: workload.imageDigest,
      cgroupId: workload.cgroupId,
    },
    process: {
      pid: process.pid,
      ppid: process.ppid,
      uid: process.uid ?? null,
      comm: displayOf(process.comm),
      exe: displayOf(process.exe),
      path: displayOf(process.path),
      lineage: process.lineage,
    },
    decision: { layer: decision.layer, rule: decision.rule },
    baselineRevision: anomaly.baselineRevision,
    evidence: { ...evidence },
    at: new Date(anomaly.atMs).toISOString(),
    atNs: anomaly.atNs,
    last: new Date(anomaly.lastMs).toISOString(),
    count: anomaly.count,
    timeline: anomaly.timeline.map(timelineView),
  }
}

/** One entry of a timeline. */
export function timelineView({ atMs, pid, lineage, subject }: TimelineEntry): TimelineView {
  return { at: new Date(atMs).toISOString(), pid, lineage, what: subjectText(subject) }
}

function subjectView(subject: Subject): Readonly<Record<string, unknown>> {
  if (subject.kind === 'exec') {
    return { ...subject, path: displayOf(subject.path), exe: displayOf(subject.exe) }
  }
  return 'address' in subject ? { ...subject, address: displayOf(subject.address) } : { ...subject }
}
