/** Requests of responses for tests, with text in them that a container chose. */
import { byteStringOfText } from '../../src/bytes.js'
import type { Anomaly, WorkloadFacts } from '../../src/detect/anomaly.js'
import type { ResponseRequest } from '../../src/respond/request.js'

export const CONTAINER_ID = 'c0'.repeat(32)

/** What a program would call itself to get at whoever looks. */
export const HOSTILE = '/tmp/x\u001b[2J\nroot'

export function workloadOf(containerId = CONTAINER_ID): WorkloadFacts {
  return {
    runtime: 'podman',
    containerId,
    containerName: 'web',
    imageDigest: `sha256:${'1d'.repeat(32)}`,
    imageName: 'localhost/web:1',
    cgroupId: 7,
  }
}

export function anomalyOf(workload = workloadOf()): Anomaly {
  const path = byteStringOfText(HOSTILE)
  return {
    id: 'anomaly-1',
    incident: 'incident-1',
    severity: 'high',
    attack: ['T1611'],
    subject: { kind: 'exec', path, exe: path, upper: true, fileless: false },
    workload,
    process: { pid: 42, ppid: 1, uid: 0, comm: path, exe: path, path, lineage: 'main' },
    decision: { layer: 'baseline', rule: '' },
    baselineRevision: 3,
    evidence: { source: 'kernel', truncated: false, lossNearby: false, baseline: 'full' },
    atMs: 1_000_000,
    atNs: 0,
    lastMs: 1_000_000,
    count: 1,
    timeline: [],
  }
}

export function requestOf(request: Partial<ResponseRequest> = {}): ResponseRequest {
  const workload = request.workload ?? workloadOf()
  const anomaly = anomalyOf(workload)
  const connect = {
    kind: 'connect',
    protocol: 'tcp',
    address: byteStringOfText('10.0.0.1'),
    port: 443,
    source: 'kernel',
  } as const
  return {
    action: 'isolate',
    incident: 'incident-1',
    key: 'exec /tmp/x main',
    workload,
    cgroupPath: `/libpod_parent/libpod-${workload.containerId}`,
    anomalies: [anomaly],
    timeline: [
      { atMs: 999_000, pid: 42, lineage: 'main', subject: connect },
      { atMs: 1_000_000, pid: 42, lineage: 'main', subject: anomaly.subject },
    ],
    profile: 'sha256:abc',
    baselineRevision: 3,
    actor: 'rule:exec-drift',
    reason: 'a program that was written later',
    dryRun: false,
    afterwards: 'keep-frozen',
    ...request,
  }
}
