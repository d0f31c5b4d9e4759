/** What is known of an anomaly when it is raised, for tests that do not care. */
import type { ByteString } from '../../src/bytes.js'
import type { RaisedFacts } from '../../src/detect/ledger.js'

const NO_TEXT = '' as ByteString

export function raisedFacts(cgroupId: number, atMs: number): RaisedFacts {
  return {
    incident: 'i1',
    severity: 'medium',
    attack: [],
    subject: { kind: 'syscall', abi: 'x86_64', nr: 101 },
    workload: {
      runtime: 'podman',
      containerId: 'c0ffee',
      containerName: 'web',
      imageDigest: `sha256:${'0'.repeat(64)}`,
      imageName: 'web',
      cgroupId,
    },
    process: {
      pid: 7,
      ppid: 1,
      uid: 0,
      comm: NO_TEXT,
      exe: NO_TEXT,
      path: NO_TEXT,
      lineage: 'main',
    },
    decision: { layer: 'baseline', rule: '' },
    baselineRevision: 1,
    evidence: { source: 'kernel', truncated: false, lossNearby: false, baseline: 'full' },
    atMs,
    atNs: 0,
    timeline: [],
  }
}
