/** The severity table that ships, and how tables are read. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import {
  ANOMALY_KINDS,
  type Layer,
  SENSOR_TROUBLES,
  type Severity,
  type Subject,
} from '../../src/detect/anomaly.js'
import { likenessesOf, likenessOf } from '../../src/detect/likeness.js'
import { problemText } from '../../src/detect/policy-problem.js'
import { readSeverityTable } from '../../src/detect/severity-read.js'
import { CompiledSeverity, severityOf } from '../../src/detect/severity.js'
import { CAPABILITY_LIMIT } from '../../src/kernel/capabilities.js'
import { ABIS, type Lineage, SYSCALL_NR_LIMIT } from '../../src/observation.js'
import {
  argument,
  bytes,
  call,
  capability,
  connect,
  denied,
  exec,
  foreign,
  listen,
  operation,
  policyOf,
  SCOPE,
} from '../support/policies.js'

const TEXT = readFileSync('profiles/severity.yaml', 'utf8')

function tableOf(text: string): CompiledSeverity {
  const read = readSeverityTable(text)
  if ('problems' in read) throw new Error(read.problems.map(problemText).join('\n'))
  return new CompiledSeverity(read.table)
}

const TABLE = tableOf(TEXT)

interface Context {
  readonly isFirst?: boolean
  readonly layer?: Layer
  readonly lineage?: Lineage
}

function rate(subject: Subject, { isFirst = false, layer = 'default', lineage = 'main' }: Context) {
  return TABLE.rate(subject, { scope: { ...SCOPE, lineage }, layer, isFirst })
}

const NEWNS = 0x2_0000
const first: Context = { isFirst: true }

function sensor(what: (typeof SENSOR_TROUBLES)[number]): Subject {
  return { kind: 'sensor', what, detail: '' }
}

t.test('severities and techniques of what ships', async (t) => {
  const cases: readonly [Subject, Context, Severity, readonly string[]][] = [
    [exec('/usr/bin/id'), {}, 'medium', ['T1059']],
    [exec('/usr/bin/id'), { lineage: 'exec' }, 'medium', ['T1059', 'T1609']],
    [exec('/bin/sh'), {}, 'medium', ['T1059', 'T1059.004']],
    [exec('/bin/sh'), first, 'high', ['T1059', 'T1059.004']],
    [exec('/srv/run.sh', { exe: bytes('dash') }), first, 'high', ['T1059', 'T1059.004']],
    [exec('/usr/bin/id'), first, 'medium', ['T1059']],
    [exec('/tmp/x'), {}, 'high', ['T1036', 'T1059', 'T1105']],
    [exec('/bin/nmap'), {}, 'high', ['T1046', 'T1059']],
    [exec('/opt/xmrig'), {}, 'critical', ['T1059', 'T1496']],
    [exec('/usr/bin/id', { upper: true }), {}, 'high', ['T1059', 'T1105']],
    [exec('/dev/fd/3', { fileless: true }), {}, 'critical', ['T1059', 'T1620']],
    [connect('tcp:93.184.216.34:443'), first, 'medium', ['T1071']],
    [connect('udp:8.8.8.8:53'), {}, 'medium', ['T1071']],
    [connect('unix:/run/app.sock'), {}, 'low', []],
    [connect('unix:/run/docker.sock'), {}, 'critical', ['T1610', 'T1611', 'T1613']],
    [connect('tcp:169.254.169.254:80'), {}, 'high', ['T1071', 'T1552.005']],
    [connect('tcp:fd00:ec2::254:80'), {}, 'high', ['T1071', 'T1552.005']],
    [connect('tcp:10.0.0.9:22'), {}, 'high', ['T1021', 'T1071']],
    [connect('tcp:10.0.0.9:3333'), {}, 'high', ['T1071', 'T1496']],
    [listen('tcp:0.0.0.0:8080'), first, 'medium', ['T1571']],
    [listen('tcp::::22'), {}, 'high', ['T1021', 'T1571']],
    [listen('unix:/tmp/x'), {}, 'low', []],
    [foreign('i386:read'), {}, 'high', ['T1562']],
    [foreign('i386:mount'), {}, 'critical', ['T1562', 'T1611']],
    [call('ptrace'), {}, 'critical', ['T1055']],
    [call('unshare'), {}, 'critical', ['T1611']],
    [call('init_module'), {}, 'critical', ['T1547.006', 'T1611']],
    [call('io_uring_setup'), {}, 'critical', ['T1068']],
    [call('setuid'), {}, 'high', ['T1548']],
    [call('settimeofday'), {}, 'high', ['T1562']],
    [call('chmod'), {}, 'medium', ['T1222']],
    [call('socket'), {}, 'medium', []],
    [call('getpid'), {}, 'low', []],
    [{ kind: 'syscall', abi: 'x86_64', nr: 900 }, {}, 'high', ['T1548']],
    [argument('clone', NEWNS), {}, 'critical', ['T1611']],
    [argument('unshare', NEWNS), {}, 'critical', ['T1611']],
    [argument('clone', 0), {}, 'low', []],
    [argument('socket', 2 * 16 + 3), {}, 'high', ['T1040', 'T1095']],
    [argument('socket', 17 * 16 + 3), {}, 'high', ['T1040', 'T1095']],
    [argument('socket', 38 * 16 + 5), {}, 'critical', ['T1068']],
    [argument('socket', 2 * 16 + 1), {}, 'medium', []],
    [capability('CAP_SYS_ADMIN'), {}, 'critical', ['T1548', 'T1611']],
    [capability('CAP_NET_RAW'), {}, 'high', ['T1040', 'T1548']],
    [capability('CAP_CHOWN'), {}, 'medium', ['T1548']],
    [{ kind: 'capability', capability: 60 }, {}, 'high', ['T1548']],
    [operation('CONNECT'), first, 'high', ['T1068', 'T1562']],
    [operation('CONNECT'), {}, 'medium', ['T1562']],
    [denied('ptrace'), {}, 'critical', ['T1055']],
    [denied('setuid'), {}, 'high', ['T1548']],
    [denied('chmod'), {}, 'medium', ['T1222']],
    [denied('getpid'), {}, 'low', []],
    [sensor('gap'), {}, 'medium', ['T1562.006']],
    [sensor('lost'), {}, 'high', ['T1562.006']],
    [sensor('map-full'), {}, 'high', ['T1562.006']],
    [sensor('capped'), {}, 'high', ['T1562.006']],
    [sensor('unlearned'), {}, 'info', []],
    [sensor('unapplied'), {}, 'high', ['T1562']],
    [{ kind: 'resource', resource: 'cpu', value: 9, learned: 1 }, {}, 'low', ['T1496']],
    [{ kind: 'resource', resource: 'pids', value: 9, learned: 1 }, {}, 'low', ['T1499']],
    [call('getpid'), { layer: 'deny' }, 'medium', []],
    [call('getpid'), { layer: 'hard-deny' }, 'high', []],
    [call('ptrace'), { layer: 'deny' }, 'critical', ['T1055']],
  ]
  for (const [subject, context, severity, attack] of cases) {
    const name = `${JSON.stringify(subject)} ${JSON.stringify(context)}`
    t.strictSame(rate(subject, context), { severity, attack }, name)
  }
})

t.test(
  'everything that can be an anomaly has a row, and techniques are sorted, each once',
  async (t) => {
    const subjects: Subject[] = [
      ...ABIS.flatMap((abi) =>
        Array.from({ length: SYSCALL_NR_LIMIT }, (_, nr) => [
          { kind: 'syscall' as const, abi, nr },
          { kind: 'abi' as const, abi, nr },
          { kind: 'denied' as const, abi, nr, answer: 38 },
          { kind: 'argument' as const, abi, nr, value: 0xffff_fff0 },
        ]).flat(),
      ),
      ...Array.from({ length: CAPABILITY_LIMIT }, (_, nr) => ({
        kind: 'capability' as const,
        capability: nr,
      })),
      ...SENSOR_TROUBLES.map(sensor),
    ]
    for (const subject of subjects) {
      const { severity, attack } = rate(subject, {})
      const sorted = [...new Set(attack)].toSorted()
      if (severity === undefined || sorted.join() !== attack.join()) t.fail(JSON.stringify(subject))
    }
    t.ok(subjects.length > 20_000)
  },
)

t.test("the policy's word on a severity stands above the table, up and down", async (t) => {
  const policy = policyOf(
    [
      'severity:',
      '  - {is: info, kind: drift, images: ci-runner}',
      '  - {is: critical, kind: drift}',
      '  - {is: low, syscalls: ptrace, programs: strace}',
    ].join('\n'),
  )
  const context = { scope: SCOPE, layer: 'default', isFirst: false } as const
  const drift = exec('/x', { upper: true })
  const inCi = { ...context, scope: { ...SCOPE, imageName: 'ci-runner' } }
  t.equal(severityOf(TABLE, policy, drift, inCi).severity, 'info')
  t.equal(severityOf(TABLE, policy, drift, context).severity, 'critical')
  t.strictSame(severityOf(TABLE, policy, drift, context).attack, ['T1059', 'T1105'])
  t.equal(severityOf(TABLE, policy, call('ptrace'), context).severity, 'critical')
  const traced = { ...context, scope: { ...SCOPE, exe: bytes('strace') } }
  t.equal(severityOf(TABLE, policy, call('ptrace'), traced).severity, 'low')
  t.equal(severityOf(TABLE, policy, call('read'), context).severity, 'low')
})

t.test('mistakes in a table are told with their place', async (t) => {
  const base = `version: 1\nbase:\n${ANOMALY_KINDS.map((kind) => `  - {kind: ${kind}, is: low}\n`).join('')}`
  t.ok('table' in readSeverityTable(base))
  const cases: readonly [string, RegExp][] = [
    ['version: 1\n', /^1:1: base: leaves out syscall/],
    ['version: 1\nbase: [{kind: exec, is: low}]\n', /^2:7: base: leaves out syscall, argument/],
    [
      `${base}raise: [{kind: exec, atLeast: hgh}]\n`,
      /^16:31: raise\[0\]\.atLeast: "hgh" is unknown/,
    ],
    [
      `${base}raise: [{kind: exec, attack: [T16]}]\n`,
      /raise\[0\]\.attack\[0\]: "T16" is no technique/,
    ],
    [
      `${base}raise: [{kind: exec, first: maybe}]\n`,
      /raise\[0\]\.first: is "maybe"; expected true/,
    ],
    [
      `${base}raise: [{kind: exec, dangr: high}]\n`,
      /raise\[0\]\.dangr: is unknown \(did you mean danger/,
    ],
    [`${base}raise: [{kind: syscall, danger: hi}]\n`, /raise\[0\]\.danger: "hi" is unknown/],
    [`${base}  - {kind: exec, severity: low}\n`, /base\[13\]\.is: is missing/],
  ]
  for (const [text, problem] of cases) {
    const read = readSeverityTable(text)
    const found = 'problems' in read ? read.problems.map(problemText) : ['']
    t.ok(
      found.some((line) => problem.test(line)),
      `${found.join(' | ')} for ${problem}`,
    )
  }
})

t.test('what is alike is known by one word, also of the items of a baseline', async (t) => {
  t.equal(likenessOf(exec('/bin/bash')), 'shell')
  t.equal(likenessOf(exec('/bin/busybox')), 'program')
  t.equal(likenessOf(exec('/bin/ls', { exe: bytes('busybox') })), 'program')
  t.equal(likenessOf(exec('/bin/sh', { exe: bytes('busybox') })), 'shell')
  t.equal(likenessOf(call('i386:read')), 'abi i386')
  t.equal(likenessOf(connect('udp:1.1.1.1:1')), 'connect udp')
  t.equal(likenessOf(operation('NOP')), 'io_uring')
  const known = likenessesOf([
    { kind: 'exec', path: bytes('/bin/sh'), exe: bytes('dash') },
    { kind: 'syscall', abi: 'x86_64', nr: 1 },
  ])
  t.strictSame([...known].toSorted(), ['abi x86_64', 'shell'])
})
