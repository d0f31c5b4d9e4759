/** Anomalies as messages: what goes over the wire gives the JSON that programs know, and nothing unprintable. */
import { deepStrictEqual } from 'node:assert'
import { constants } from 'node:os'
import fc from 'fast-check'
import t from 'tap'
import { byteStringOf } from '../../src/bytes.js'
import {
  type Anomaly,
  ANOMALY_KINDS,
  kindOf,
  LAYERS,
  SENSOR_TROUBLES,
  SEVERITIES,
  type Subject,
} from '../../src/detect/anomaly.js'
import { anomalyView } from '../../src/detect/anomaly-view.js'
import { plimsoll } from '../../src/gen/plimsoll.js'
import { SIGSYS } from '../../src/kernel/denial-answer.js'
import { ABIS, LINEAGES } from '../../src/observation.js'
import * as codes from '../../src/service/anomaly-codes.js'
import { anomalyMessage, anomalyViewOf } from '../../src/service/anomaly-message.js'
import { numberOf } from '../../src/service/wire-number.js'
import { raisedFacts } from '../support/anomalies.js'

const ANOMALY: Anomaly = { ...raisedFacts(10, 1_000), id: 's-1', lastMs: 2_000, count: 3 }

const text = fc.uint8Array({ maxLength: 12 }).map(byteStringOf)
/** Names of runtimes and policies, which are shown as they are where they are printable. */
const name = fc.stringMatching(/^[ -~\u00e4]{0,12}$/)
const nr = fc.nat({ max: 1023 })
const pid = fc.nat({ max: 0xffff_ffff })
const whole = fc.maxSafeNat()
const ms = fc.nat({ max: 4_000_000_000_000 })
const abi = fc.constantFrom(...ABIS)
const lineage = fc.constantFrom(...LINEAGES.filter((each) => each !== 'unknown'))
const source = fc.constantFrom('kernel' as const, 'user' as const)

const call = fc.record({ abi, nr })
const subject: fc.Arbitrary<Subject> = fc.oneof(
  call.map((each): Subject => ({ kind: 'syscall', ...each })),
  call.map((each): Subject => ({ kind: 'abi', ...each })),
  fc.tuple(call, pid).map(([each, value]): Subject => ({ kind: 'argument', ...each, value })),
  fc
    .tuple(call, fc.constantFrom(0, SIGSYS, 600, ...Object.values(constants.errno)))
    .map(([each, answer]): Subject => ({ kind: 'denied', ...each, answer })),
  fc
    .tuple(text, text, fc.boolean(), fc.boolean())
    .map(([path, exe, upper, fileless]): Subject => ({ kind: 'exec', path, exe, upper, fileless })),
  fc
    .record({
      kind: fc.constantFrom('connect' as const, 'listen' as const),
      protocol: fc.constantFrom('tcp' as const, 'udp' as const, 'unix' as const),
      address: text,
      port: fc.nat({ max: 65_535 }),
      source,
    })
    .map((each): Subject => each),
  fc.nat({ max: 63 }).map((capability): Subject => ({ kind: 'capability', capability })),
  fc.nat({ max: 255 }).map((opcode): Subject => ({ kind: 'io_uring', opcode })),
  fc
    .tuple(fc.constantFrom(...SENSOR_TROUBLES), name)
    .map(([what, detail]): Subject => ({ kind: 'sensor', what, detail })),
  fc
    .tuple(fc.constantFrom('memory' as const, 'cpu' as const, 'pids' as const), whole, whole)
    .map(([resource, value, learned]): Subject => ({ kind: 'resource', resource, value, learned })),
)

const anomaly: fc.Arbitrary<Anomaly> = fc.record({
  id: name,
  incident: name,
  severity: fc.constantFrom(...SEVERITIES),
  attack: fc.array(fc.constantFrom('T1611', 'T1059.004'), { maxLength: 3 }),
  subject,
  workload: fc.record({
    runtime: name,
    containerId: name,
    containerName: name,
    imageDigest: name,
    imageName: name,
    cgroupId: whole,
  }),
  process: fc.record({
    pid,
    ppid: pid,
    uid: fc.option(pid, { nil: undefined }),
    comm: text,
    exe: text,
    path: text,
    lineage,
  }),
  decision: fc.record({ layer: fc.constantFrom(...LAYERS), rule: name }),
  baselineRevision: whole,
  evidence: fc.record({
    source,
    truncated: fc.boolean(),
    lossNearby: fc.boolean(),
    baseline: fc.constantFrom('full' as const, 'partial' as const, 'none' as const),
  }),
  atMs: ms,
  atNs: whole,
  lastMs: ms,
  count: whole,
  timeline: fc.array(fc.record({ atMs: ms, pid, lineage, subject }), { maxLength: 4 }),
})

/** As it comes out at the other end. */
function received(message: plimsoll.v1.Anomaly.$Properties): plimsoll.v1.Anomaly {
  return plimsoll.v1.Anomaly.decode(plimsoll.v1.Anomaly.encode(message).finish())
}

/** Where the address was read goes with the evidence; whether a fileless program's file was new is not told. */
function asSent(one: Anomaly): ReturnType<typeof anomalyView> {
  const view = anomalyView(one)
  if (kindOf(one.subject) !== 'fileless') return view
  const { upper: _, ...rest } = view.subject
  return { ...view, subject: rest }
}

t.test('the view of the message is the view of the anomaly, for every kind', async (t) => {
  const kinds = new Set<string>()
  fc.assert(
    fc.property(anomaly, (each) => {
      const evidence = 'source' in each.subject ? { source: each.subject.source } : {}
      const one = { ...each, evidence: { ...each.evidence, ...evidence } }
      kinds.add(kindOf(one.subject))
      const message = anomalyMessage(one, 'new')
      for (const view of [anomalyViewOf(message), anomalyViewOf(received(message))]) {
        deepStrictEqual(view, asSent(one))
      }
    }),
    { numRuns: 300 },
  )
  t.equal(kinds.size, ANOMALY_KINDS.length)
})

t.test('a repeated one goes without its timeline', async (t) => {
  const entry = { atMs: 1, pid: 1, lineage: 'main', subject: ANOMALY.subject } as const
  const told = { ...ANOMALY, timeline: [entry] }
  const { ANOMALY_STATE_NEW, ANOMALY_STATE_REPEATED } = plimsoll.v1.AnomalyState
  const [first, again] = [anomalyMessage(told, 'new'), anomalyMessage(told, 'repeated')]
  t.equal(first.timeline?.length, 1)
  t.equal(first.state, ANOMALY_STATE_NEW)
  t.same(again, { ...first, state: ANOMALY_STATE_REPEATED, timeline: [] })
})

t.test('all text of a message is printable', async (t) => {
  const evil = 'a\n\u001b[2J\u009b\u202e'
  const message = anomalyMessage(
    {
      ...ANOMALY,
      subject: { kind: 'sensor', what: 'unapplied', detail: evil },
      workload: { ...ANOMALY.workload, containerName: evil, imageName: evil, runtime: evil },
      process: { ...ANOMALY.process, comm: byteStringOf(Buffer.from(evil)) },
      decision: { layer: 'deny', rule: evil },
    },
    'new',
  )
  const texts: string[] = []
  JSON.stringify(message, (_, value: unknown) => {
    if (typeof value === 'string') texts.push(value)
    return value
  })
  t.notMatch(texts.join(' '), /[\p{Cc}\u202e]/u)
})

t.test(
  'the moment of a host that is up for long is sent, to less than a microsecond',
  async (t) => {
    const DAY_NS = 86_400n * 1_000_000_000n
    for (const exact of [DAY_NS + 1n, 200n * DAY_NS + 1n, 10_000n * DAY_NS + 1n]) {
      const sent = anomalyMessage({ ...ANOMALY, atNs: Number(exact) }, 'new')
      const wire = plimsoll.v1.Anomaly.encode(sent).finish()
      const atNs = numberOf(plimsoll.v1.Anomaly.decode(wire).firstSeenBootNs)
      const off = BigInt(atNs) - exact
      t.ok(off > -1000n && off < 1000n, `${exact} ns: off by ${off}`)
    }
    t.equal(anomalyMessage({ ...ANOMALY, atNs: 2 ** 64 }, 'new').firstSeenBootNs, 0)
  },
)

t.test('a message of a newer plimsoll, or of none, has a view', async (t) => {
  t.match(anomalyViewOf({}), { kind: 'unspecified', at: '1970-01-01T00:00:00.000Z', timeline: [] })
  const view = anomalyViewOf(
    plimsoll.v1.Anomaly.fromObject({
      kind: 99,
      severity: 77,
      firstSeenMs: Number.MAX_SAFE_INTEGER,
    }),
  )
  t.match(view, { kind: 'unspecified', severity: 'unspecified', at: /^\+275760/ })
})

t.test('words and numbers of enums agree with the proto', async (t) => {
  const { AnomalyKind, Severity, DecisionLayer, Abi, Protocol, Source, Lineage } = plimsoll.v1
  const cases = [
    ['ANOMALY_KIND', AnomalyKind, codes.KIND_CODES],
    ['SEVERITY', Severity, codes.SEVERITY_CODES],
    ['DECISION_LAYER', DecisionLayer, codes.LAYER_CODES],
    ['ABI', Abi, codes.ABI_CODES],
    ['PROTOCOL', Protocol, codes.PROTOCOL_CODES],
    ['SOURCE', Source, codes.SOURCE_CODES],
    ['LINEAGE', Lineage, codes.LINEAGE_CODES],
  ] as const
  for (const [prefix, wire, { wordOf }] of cases) {
    for (const [key, value] of Object.entries(wire)) {
      if (typeof value !== 'number') continue
      const word = key.slice(prefix.length + 1).toLowerCase()
      t.equal(wordOf(value).replace('-', '_'), word)
    }
  }
})
