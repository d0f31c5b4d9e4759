import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import protobuf from 'protobufjs'
import t from 'tap'
import { plimsoll } from '../../src/gen/plimsoll.js'
import { compileFilters } from '../../src/service/filter/compiled-filters.js'
import { TextPattern } from '../../src/service/filter/text-pattern.js'
import { ANOMALY_FIELDS } from '../../src/service/mask-fields.js'
import { maskedAnomaly, parseMask } from '../../src/service/mask.js'
import { MaskedEncodings } from '../../src/service/masked-encodings.js'
import { MemoryJournal } from '../support/memory-journal.js'
import { anomalyEvent } from '../support/monitor-source.js'
import { naiveMatches } from '../support/naive-filters.js'

type Anomaly = plimsoll.v1.Anomaly.$Properties
type Filter = plimsoll.v1.AnomalyFilter.$Properties
type Filters = plimsoll.v1.AnomalyFilters.$Properties

const { AnomalyKind, AnomalyState, Lineage, Severity } = plimsoll.v1

const SHELL = anomalyEvent(1).anomaly ?? {}
const CONNECT: Anomaly = {
  ...SHELL,
  kind: AnomalyKind.ANOMALY_KIND_CONNECT,
  attack: ['T1071'],
  subject: { address: '10.1.2.3', port: 443, protocol: plimsoll.v1.Protocol.PROTOCOL_TCP },
}
const CALL: Anomaly = {
  ...SHELL,
  kind: AnomalyKind.ANOMALY_KIND_SYSCALL,
  severity: Severity.SEVERITY_LOW,
  subject: { syscall: 'mount', syscallNr: 165, abi: plimsoll.v1.Abi.ABI_X86_64 },
}
const MAPPED: Anomaly = { ...CONNECT, subject: { address: '::ffff:10.1.2.3' } }
const SIX: Anomaly = { ...CONNECT, subject: { address: '2001:db8::17' } }
const NOBODY: Anomaly = { kind: 99 as plimsoll.v1.AnomalyKind }

function chosen(filter: Filter): string[] {
  const filters = compileFilters({ allow: [filter] })
  const all = { SHELL, CONNECT, CALL, MAPPED, SIX, NOBODY }
  return Object.entries(all).flatMap(([name, anomaly]) =>
    filters.matches({ anomaly }) ? [name] : [],
  )
}

const WITH_WORKLOAD = ['SHELL', 'CONNECT', 'CALL', 'MAPPED', 'SIX']

const CHOICES: Readonly<Record<string, readonly [Filter, readonly string[]]>> = {
  'a kind': [{ kinds: [AnomalyKind.ANOMALY_KIND_EXEC] }, ['SHELL']],
  'a severity or worse': [
    { minSeverity: Severity.SEVERITY_MEDIUM },
    ['SHELL', 'CONNECT', 'MAPPED', 'SIX'],
  ],
  'a state': [{ states: [AnomalyState.ANOMALY_STATE_REPEATED] }, []],
  'the name of an image': [{ images: ['docker.io/library/nginx:1.27'] }, WITH_WORKLOAD],
  'a part of a name without a star': [{ images: ['nginx'] }, []],
  'a pattern of images': [{ images: ['docker.io/*/nginx:*'] }, WITH_WORKLOAD],
  'some digits of a digest': [{ images: ['sha256:012345'] }, WITH_WORKLOAD],
  'a digest of another': [{ images: ['sha256:0123450'] }, []],
  'some digits of an id': [{ containers: ['c0ffeec0ffee'] }, WITH_WORKLOAD],
  'too few digits of an id': [{ containers: ['c0ffeec0ffe'] }, []],
  'the name of a container': [{ containers: ['other', 'web'] }, WITH_WORKLOAD],
  'anything in a container': [{ containers: ['*'] }, WITH_WORKLOAD],
  'a cgroup': [{ cgroupIds: [4711] }, WITH_WORKLOAD],
  'a technique, with what is below it': [{ attack: ['T1059'] }, ['SHELL', 'CALL']],
  'what is below a technique only': [{ attack: ['T1059.001'] }, []],
  'a system call': [{ syscalls: ['mount', 'umount2'] }, ['CALL']],
  'a program that is executed': [{ programs: ['/bin/*'] }, ['SHELL']],
  'a program that does it': [{ programs: ['*/nginx'] }, WITH_WORKLOAD],
  'an address': [{ addresses: ['10.1.2.3'] }, ['CONNECT', 'MAPPED']],
  'a network': [{ addresses: ['10.0.0.0/8'] }, ['CONNECT', 'MAPPED']],
  'a network of IPv6': [{ addresses: ['2001:db8::/32'] }, ['SIX']],
  'a lineage': [{ lineages: [Lineage.LINEAGE_EXEC] }, WITH_WORKLOAD],
  'an incident': [{ incidents: ['i-1'] }, WITH_WORKLOAD],
  'two fields': [{ addresses: ['10.0.0.0/8'], containers: ['nope'] }, []],
}

t.test('a filter chooses what its fields say', (t) => {
  for (const [name, [filter, expected]] of Object.entries(CHOICES)) {
    t.same(chosen(filter), expected, name)
  }
  t.end()
})

t.test('no filter chooses all, deny wins over allow, other events always match', (t) => {
  for (const filters of [null, undefined, {}]) {
    t.ok(compileFilters(filters).matches({ anomaly: SHELL }))
    t.ok(compileFilters(filters).isEmpty)
  }
  const exec = { kinds: [AnomalyKind.ANOMALY_KIND_EXEC] }
  const both = compileFilters({ allow: [exec], deny: [{ attack: ['T1611'] }] })
  t.notOk(both.matches({ anomaly: SHELL }))
  t.notOk(both.matches({ anomaly: CONNECT }))
  t.ok(both.matches({ gap: {} }))
  t.ok(compileFilters({ deny: [exec] }).matches({ anomaly: CONNECT }))
  t.end()
})

const MANY = Array.from({ length: 65 }, (_, at) => `a${at}`)

const REFUSED: Readonly<Record<string, readonly [Filters, RegExp]>> = {
  'an unknown kind': [{ allow: [{ kinds: [14 as never] }] }, /allow\[0\]\.kinds: 14 is none/],
  'no kind': [{ deny: [{ kinds: [0] }] }, /deny\[0\]\.kinds: it is unspecified/],
  'a kind that has no bit': [{ allow: [{ kinds: [33 as never] }] }, /kinds: 33/],
  'an unknown severity': [{ allow: [{ minSeverity: 6 as never }] }, /min_severity: 6/],
  'an unknown state': [{ allow: [{ states: [3 as never] }] }, /states: 3/],
  'an unknown lineage': [{ allow: [{ lineages: [-1 as never] }] }, /lineages: -1/],
  'a misspelt system call': [{ allow: [{ syscalls: ['mout'] }] }, /syscalls: mout is no system/],
  'a misspelt technique': [{ allow: [{ attack: ['T16'] }] }, /attack: T16 is no technique/],
  'a short digest': [{ allow: [{ images: ['sha256:01234'] }] }, /images: sha256:01234 is no/],
  'a pattern of digests': [{ allow: [{ images: ['sha256:0*'] }] }, /images: sha256:0\* is no/],
  'no address': [{ allow: [{ addresses: ['10.1'] }] }, /addresses: 10\.1 is no IP address/],
  'a network with bits behind': [{ allow: [{ addresses: ['10.1.0.0/8'] }] }, /10\.0\.0\.0\/8/],
  'cgroup 0': [{ allow: [{ cgroupIds: [0] }] }, /cgroup_ids: 0/],
  'a filter without a condition': [
    { allow: [{}, { incidents: [''] }] },
    /allow\[0\]: it has no condition/,
  ],
  'empty text': [{ allow: [{ incidents: [''] }] }, /incidents: a value is empty/],
  'long text': [{ allow: [{ programs: ['ä'.repeat(257)] }] }, /programs: .*512 bytes/],
  'many values': [{ allow: [{ containers: MANY }] }, /containers: .*64 values/],
  'many filters': [
    { allow: Array.from({ length: 20 }, () => CHOICES['a kind']![0]), deny: Array(13).fill({}) },
    /filters: there are more than 32/,
  ],
}

t.test('a filter that names what does not exist is refused, with its field', (t) => {
  for (const [name, [filters, message]] of Object.entries(REFUSED)) {
    t.throws(() => compileFilters(filters), { code: 'BAD_REQUEST', message }, name)
  }
  t.throws(() => compileFilters({ deny: [{}] }, 'sinks[1].filters'), {
    message: /^sinks\[1\]\.filters\.deny\[0\]: /,
  })
  t.end()
})

const TEXTS = ['', 'a', 'ab', 'aab', 'sha256:0123456', 'c0ffeec0ffee', 'web', '/bin/sh']
const text = fc.oneof(
  fc.constantFrom(...TEXTS),
  fc.string({ unit: fc.constantFrom('a', 'b', '*', '.', '\n'), maxLength: 6 }),
)
const value = text.filter((each) => each !== '' && !each.startsWith('sha256'))
const address = fc.constantFrom(
  '10.1.2.3',
  '10.9.0.1',
  '::1',
  '::ffff:10.1.2.3',
  '2001:db8::1',
  '/run/s',
)
const network = fc.constantFrom(
  '10.0.0.0/8',
  '10.1.2.3',
  '::/0',
  '2001:db8::/32',
  '::1',
  '0.0.0.0/0',
)
const technique = fc.constantFrom('T1059', 'T1059.004', 'T1611', 'T1059.001')
const call = fc.constantFrom('mount', 'open', 'clone3')
const some = <Value>(of: fc.Arbitrary<Value>): fc.Arbitrary<Value[]> =>
  fc.array(of, { minLength: 0, maxLength: 3 })
const enumOf = (most: number): fc.Arbitrary<number> => fc.integer({ min: 1, max: most })

const anyFilter: fc.Arbitrary<Filter> = fc
  .record(
    {
      kinds: some(enumOf(13)),
      minSeverity: enumOf(5),
      states: some(enumOf(2)),
      images: some(fc.oneof(value, fc.constant('sha256:0123456'))),
      containers: some(value),
      cgroupIds: some(fc.integer({ min: 1, max: 3 })),
      attack: some(technique),
      syscalls: some(call),
      programs: some(value),
      addresses: some(network),
      lineages: some(enumOf(4)),
      incidents: some(value),
    },
    { requiredKeys: [] },
  )
  .filter((filter) =>
    Object.values(filter).some((each) => typeof each === 'number' || each.length > 0),
  )

const anyAnomaly: fc.Arbitrary<Anomaly> = fc.record(
  {
    kind: fc.integer({ min: 0, max: 40 }),
    severity: fc.integer({ min: 0, max: 5 }),
    state: fc.integer({ min: 0, max: 2 }),
    incident: text,
    attack: some(technique),
    subject: fc.record({ path: text, exe: text, syscall: call, address }, { requiredKeys: [] }),
    workload: fc.record(
      {
        containerId: fc.constantFrom('', 'c0ffeec0ffee0123'),
        containerName: text,
        imageName: text,
        imageDigest: fc.constantFrom('', 'sha256:0123456789'),
        cgroupId: fc.integer({ min: 0, max: 3 }),
      },
      { requiredKeys: [] },
    ),
    process: fc.record({ exe: text, path: text, lineage: fc.integer({ min: 0, max: 4 }) }),
  },
  { requiredKeys: [] },
)

t.test('compiled filters choose what the naive ones choose', (t) => {
  const filters = fc.record({
    allow: fc.array(anyFilter, { maxLength: 2 }),
    deny: fc.array(anyFilter, { maxLength: 1 }),
  })
  fc.assert(
    fc.property(filters, anyAnomaly, (given, anomaly) => {
      // As it arrives: defaults are on the prototype.
      const bytes = plimsoll.v1.WatchResponse.encode({ anomaly }).finish()
      const decoded = plimsoll.v1.WatchResponse.decode(bytes)
      const compiled = compileFilters(given)
      const expected = naiveMatches(given, { anomaly })
      return compiled.matches({ anomaly }) === expected && compiled.matches(decoded) === expected
    }),
    { numRuns: 2000 },
  )
  t.end()
})

t.test('a pattern costs little, whatever it and the text say', (t) => {
  const pattern = new TextPattern(`${'*a'.repeat(255)}*b`)
  const startedMs = performance.now()
  for (let round = 0; round < 100; round++) t.notOk(pattern.matches('a'.repeat(4096)))
  t.ok(performance.now() - startedMs < 2000)
  t.end()
})

t.test('the fields of masks are those of the proto', async (t) => {
  const root = new protobuf.Root()
  root.resolvePath = (_, target) => (target.startsWith('proto/') ? target : join('proto', target))
  await root.load(
    readdirSync('proto/plimsoll/v1').map((name) => `proto/plimsoll/v1/${name}`),
    {
      keepCase: true,
    },
  )
  root.resolveAll()
  const declared = root.lookupType('plimsoll.v1.Anomaly').fieldsArray.map((field) => {
    const { resolvedType } = field
    const isMessage = resolvedType instanceof protobuf.Type && !field.repeated
    return [field.name, isMessage ? resolvedType.fieldsArray.map(({ name }) => name) : []]
  })
  t.same([...ANOMALY_FIELDS], declared)
})

t.test('a mask chooses fields, at both levels, and keeps apart what is not set', (t) => {
  const mask = parseMask({ paths: ['workload.image_name', 'id', 'subject.port', 'evidence'] })
  const masked = mask && maskedAnomaly(CALL, mask)
  t.same(masked, {
    id: 'a-1',
    subject: {},
    workload: { imageName: 'docker.io/library/nginx:1.27' },
    evidence: CALL.evidence,
  })
  const same = parseMask({ paths: ['workload', 'id', 'workload.image_name', 'id'] })
  t.equal(same?.text, 'id,workload')
  t.equal(parseMask({ paths: [] }), undefined)
  for (const path of ['', 'nope', 'imageName', 'timeline.what', 'workload.nope', 'id.x', '*']) {
    const message = /^read_mask: .* is no field of Anomaly$/
    t.throws(() => parseMask({ paths: [path] }), { code: 'BAD_REQUEST', message }, path)
  }
  const many = Array.from({ length: 129 }, (_, at) => `f${at}`)
  t.throws(() => parseMask({ paths: many }), { message: /more than 128/ })
  t.end()
})

t.test('an event is encoded once for all who want the same of it', (t) => {
  const journal = new MemoryJournal()
  journal.append(anomalyEvent(1))
  journal.append({ atMs: 5, event: 'gap', gap: { count: 3 } })
  journal.append(anomalyEvent(3))
  const [first, gap, third] = journal.entries
  if (!first || !gap || !third) throw new Error('the journal has lost events')
  const encodings = new MaskedEncodings()
  const bytes = encodings.bytesOf(first, parseMask({ paths: ['id', 'what'] }))
  t.equal(encodings.bytesOf(first, parseMask({ paths: ['what', 'id'] })), bytes)
  t.equal(encodings.count, 1)
  const { WatchResponse } = plimsoll.v1
  t.same(WatchResponse.toObject(WatchResponse.decode(bytes), { longs: Number }), {
    cursor: '0123456789abcdef-1',
    atMs: first.message.atMs,
    anomaly: { id: 'a-1', what: 'exec:/bin/sh' },
  })
  const id = parseMask({ paths: ['id'] })
  t.not(encodings.bytesOf(first, id), bytes)
  t.not(encodings.bytesOf(third, id), encodings.bytesOf(first, id))
  t.equal(encodings.bytesOf(gap, id), gap.bytes, 'masks are for anomalies only')
  t.equal(encodings.bytesOf(first, undefined), first.bytes)
  const small = new MaskedEncodings(60)
  for (const entry of [first, third, first]) small.bytesOf(entry, id)
  t.equal(small.count, 3, 'what there is no room for is encoded again')
  t.end()
})
