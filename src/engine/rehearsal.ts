/**
 * A rehearsal: the way from the sensor's bytes to an anomaly is gone a few hundred times with made-up containers, while the
 * probes are being attached and nothing can happen yet. Else it would be the first anomaly that waits for the compiler of the
 * language: some 60 ms instead of one, as measured. What it finds is told to nobody.
 */
import { setImmediate as rest } from 'node:timers/promises'
import { ITEM_KINDS, itemKeyOf, type NamedItem } from '../baseline/item-key.js'
import { byteStringOfText } from '../bytes.js'
import { anomalyView } from '../detect/anomaly-view.js'
import { Detector } from '../detect/detector.js'
import type { HeldTo } from '../detect/held-to.js'
import type { CompiledPolicy } from '../detect/policy-compile.js'
import type { CompiledSeverity } from '../detect/severity.js'
import { Detection } from './detection.js'
import { LearningSession } from './session.js'

/** Containers that come and go, and facts of each kind in each of them. */
const CONTAINERS = 24
const FACTS = 24

const DIGEST = `sha256:${'0'.repeat(64)}`
const MAIN = 2 << 13

/** Takes some 0.4 s in all, and yields between containers. Returns how many bytes of anomalies were told to nobody. */
export async function rehearse(
  policy: CompiledPolicy,
  severity: CompiledSeverity,
): Promise<number> {
  let told = 0
  const detector = new Detector({
    policy,
    severity,
    prefix: 'rehearsal',
    alertsUnlearned: true,
    raised: (anomaly) => {
      told += JSON.stringify({ type: 'anomaly', ...anomalyView(anomaly) }).length
    },
  })
  detector.hold(DIGEST, heldTo())
  let detection: Detection | undefined
  const session = new LearningSession(
    {
      resolved: (run, answer, isWanted, atMs) => detection?.resolved(run, answer, isWanted, atMs),
      gone: (run, atMs) => detection?.gone(run, atMs),
    },
    { also: (runs) => (detection = new Detection(runs, detector)) },
  )
  const selection = { all: true, image: '', container: '' }
  const versions = { sessionId: '', plimsoll: '', kernel: '', bpftrace: '', kinds: ITEM_KINDS }
  session.apply({ kind: 'session', atMs: 1, facts: { ...versions, selection } })
  session.apply({ kind: 'sensor-started', atMs: 1 })
  session.apply({ kind: 'sensor-bytes', atMs: 1, bytes: bytesOf([line('R', 1000)]) })
  for (let n = 1; n <= CONTAINERS; n++) {
    await rest()
    perform(session, n)
  }
  session.apply({ kind: 'end', atMs: CONTAINERS + 1 })
  return told
}

/** One container: it is made, does things that it may do and others, and goes. */
function perform(session: LearningSession, n: number): void {
  const containerId = n.toString(16).padStart(64, '0')
  const give = (...lines: readonly string[]): void =>
    session.apply({ kind: 'sensor-bytes', atMs: n, bytes: bytesOf(lines) })
  give(line('G', n, 1000, `/libpod_parent/libpod-${containerId}`))
  session.apply({
    kind: 'container',
    atMs: n,
    answer: {
      runtime: 'podman',
      containerId,
      found: true,
      problem: '',
      runtimeVersion: '',
      name: `rehearsal-${n}`,
      imageDigest: DIGEST,
      imageName: 'localhost/rehearsal:1',
      entrypoint: [],
      healthChecks: [],
      labels: [],
    },
  })
  const key = n * 2 ** 24 + MAIN
  for (let i = 0; i < FACTS; i++) {
    const pid = 1000 + i
    const caller = [pid, 999, 0, 1000] as const
    give(
      line('E', key, pid, 999, 0, 1000, 7, 1, '794c7630', i & 1, `p${i}`),
      line('P', pid, `/bin/p${i}`),
      line('F', pid, `p${i}`),
    )
    give(line('S', key + i * 8, ...caller, `p${i}`), line('S', key + 1024 + i, ...caller, `p${i}`))
    give(line('N', key, 2 * 65_536 + i, ...caller, '::ffff:127.0.0.1'))
    give(line('B', key + i * 8, 38, ...caller, `p${i}`))
  }
  const counts = Array.from({ length: FACTS }, (_, i) => `"${key + i * 8}": ${i + 1}`).join(', ')
  give(`{"type": "map", "data": {"@calls_a": {${counts}}}}\n`)
  give(line('g', n, 1000))
}

/** As bpftrace prints a record; nothing in these needs escaping. */
function line(letter: string, ...fields: readonly (number | string)[]): string {
  return `{"type": "printf", "data": "${letter} ${fields.join(' ')}\\n"}\n`
}

function bytesOf(lines: readonly string[]): Uint8Array {
  return Buffer.from(lines.join(''))
}

function heldTo(): HeldTo {
  const items: readonly NamedItem[] = [
    ...Array.from(
      { length: 128 },
      (_, nr) => ({ kind: 'syscall', abi: 'x86_64', nr: nr * 2 }) as const,
    ),
    { kind: 'exec', path: byteStringOfText('/bin/p0'), exe: byteStringOfText('p0') },
  ]
  return {
    revision: 1,
    completeness: 'full',
    items,
    keys: new Set(items.map(itemKeyOf)),
    judged: new Set(ITEM_KINDS),
    approved: new Set(),
    argued: new Set(),
    drifted: new Set(),
    fileless: new Set(),
    likenesses: new Set(),
    resources: undefined,
  }
}
