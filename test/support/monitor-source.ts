/** What the monitoring service is told by an engine, set by the test; and anomalies as it finds them. */
import { plimsoll } from '../../src/gen/plimsoll.js'
import type { JournalEvent } from '../../src/service/journal/journal.js'
import type {
  AnomalyCount,
  CollectorFacts,
  MonitorSource,
} from '../../src/service/monitor/monitor-source.js'

const { AnomalyKind, AnomalyState, Lineage, Severity } = plimsoll.v1

export class FakeMonitorSource implements MonitorSource {
  facts: CollectorFacts = {
    sensorAttached: true,
    sensorProblem: '',
    containersWatched: 3,
    imagesHeld: 2,
    losses: [],
  }
  counts: readonly AnomalyCount[] = []
  readonly timelines = new Map<string, readonly plimsoll.v1.AnomalyTimelineEntry.$Properties[]>()
  readonly #listeners = new Set<() => void>()

  collectorState(): CollectorFacts {
    return this.facts
  }

  /** Says that it did. */
  change(facts: Partial<CollectorFacts>): void {
    this.facts = { ...this.facts, ...facts }
    for (const listener of this.#listeners) listener()
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  get listeners(): number {
    return this.#listeners.size
  }

  observations(): number {
    return 12_345
  }

  anomalyCounts(): readonly AnomalyCount[] {
    return this.counts
  }

  timelineOf(
    ref: string,
    limit: number,
  ): readonly plimsoll.v1.AnomalyTimelineEntry.$Properties[] | undefined {
    return this.timelines.get(ref)?.slice(-limit)
  }
}

/** A new anomaly of that number, with so many entries in its timeline. */
export function anomalyEvent(
  number: number,
  changes: plimsoll.v1.Anomaly.$Properties = {},
  timeline = 0,
): JournalEvent {
  const atMs = 1_700_000_000_000 + number
  const anomaly: plimsoll.v1.Anomaly.$Properties = {
    id: `a-${number}`,
    incident: `i-${number}`,
    kind: AnomalyKind.ANOMALY_KIND_EXEC,
    severity: Severity.SEVERITY_HIGH,
    state: AnomalyState.ANOMALY_STATE_NEW,
    attack: ['T1059.004', 'T1611'],
    what: 'exec:/bin/sh',
    subject: { path: '/bin/sh', exe: 'busybox' },
    workload: {
      runtime: 'podman',
      containerId: 'c0ffee'.repeat(10),
      containerName: 'web',
      imageName: 'docker.io/library/nginx:1.27',
      imageDigest: `sha256:${'0123456789abcdef'.repeat(4)}`,
      cgroupId: 4711,
    },
    process: {
      pid: 4242,
      ppid: 1,
      uid: 0,
      comm: 'sh',
      exe: '/usr/bin/nginx',
      path: '/usr/sbin/nginx',
      lineage: Lineage.LINEAGE_EXEC,
    },
    decision: { layer: plimsoll.v1.DecisionLayer.DECISION_LAYER_BASELINE, rule: '' },
    baselineRevision: 7,
    evidence: { source: plimsoll.v1.Source.SOURCE_KERNEL, baseline: 'full' },
    firstSeenMs: atMs,
    lastSeenMs: atMs,
    count: 1,
    timeline: Array.from({ length: timeline }, (_, at) => ({
      atMs: atMs - timeline + at,
      pid: 4200 + at,
      lineage: Lineage.LINEAGE_MAIN,
      what: `exec:/usr/lib/application/bin/program-${at}-of-some-length`,
    })),
    ...changes,
  }
  return { atMs, event: 'anomaly', anomaly }
}
