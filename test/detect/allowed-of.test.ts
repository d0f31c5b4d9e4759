/** The matcher and the formula: what the one lets pass unasked the other allows. */
import fc from 'fast-check'
import t from 'tap'
import { seal } from '../../src/baseline/approval.js'
import { contentHashOf } from '../../src/baseline/content-hash.js'
import { itemKeyOf } from '../../src/baseline/item-key.js'
import { allowedOf } from '../../src/detect/allowed-of.js'
import { kindOf, type Subject } from '../../src/detect/anomaly.js'
import { ABI_CODE, KIND_CODE, LINEAGE_CODE, type NamedKind } from '../../src/detect/fact-code.js'
import { allows, heldToOf } from '../../src/detect/held-to.js'
import { Matcher } from '../../src/detect/matcher.js'
import { OUTCOME, type Outcome } from '../../src/detect/outcome.js'
import { PolicyPermits } from '../../src/detect/policy-ahead.js'
import { decisionOf } from '../../src/detect/policy-decision.js'
import { MATCHER_LIMITS, Roster } from '../../src/detect/roster.js'
import {
  argument,
  bytes,
  call,
  connect,
  denied,
  exec,
  policyOf,
  SCOPE,
} from '../support/policies.js'
import { shard } from '../support/shards.js'

const ENOSYS = 38

const RULES = [
  '{name: r0, syscalls: [write, restart_syscall, rt_sigreturn]}',
  '{name: r1, arguments: "socket:*"}',
  '{name: r2, syscalls: "@high", programs: nginx}',
  '{name: r3, kind: denied, syscalls: clone3}',
  '{name: r4, kind: [exec, drift], paths: "/bin/**"}',
  '{name: r5, kind: [exec, drift, fileless], paths: "**", programs: sh}',
  '{name: r6, kind: connect, addresses: 10.0.0.0/8, lineages: exec}',
  '{name: r7, kind: connect, addresses: 10.0.0.0/8, containers: web-*}',
  '{name: r8, kind: connect, addresses: 10.0.0.1, containers: other}',
  '{name: r9, capabilities: CAP_NET_RAW}',
]

const NEVER = ['write', 'socket:AF_INET', 'restart_syscall', 'read']

const policies = fc
  .tuple(
    fc.shuffledSubarray(RULES.map((_, at) => at)),
    fc.nat({ max: 10 }),
    fc.nat({ max: 10 }),
    fc.subarray(NEVER),
  )
  .map(([order, a, b, never]) => {
    const [from, to] = [Math.min(a, b), Math.max(a, b)]
    const list = (part: readonly number[]): string => `[${part.map((at) => RULES[at]).join(', ')}]`
    return policyOf(
      [
        `hardDeny: ${list(order.slice(0, from))}`,
        `deny: ${list(order.slice(from, to))}`,
        `allow: ${list(order.slice(to))}`,
        `neverLearn: [${never.map((text) => `"${text}"`).join(', ')}]`,
      ].join('\n'),
    )
  })

const others: readonly Subject[] = [
  ...['read', 'write', 'socket', 'chmod', 'restart_syscall', 'rt_sigreturn'].map(call),
  call('i386:write'),
  argument('socket', 33),
  argument('socket', 34),
  { ...denied('clone3'), answer: ENOSYS } as Subject,
  denied('clone3'),
  ...[{}, { upper: true }, { fileless: true }].map((flags) => exec('/bin/sh', flags)),
  exec('/usr/bin/env'),
  connect('tcp:10.0.0.1:443'),
  connect('tcp:8.8.8.8:53'),
  { kind: 'capability', capability: 13 },
  { kind: 'io_uring', opcode: 16 },
]

function asked(matcher: Matcher, subject: Subject): Outcome {
  const { main } = LINEAGE_CODE
  switch (subject.kind) {
    case 'syscall':
      return matcher.syscall(10, main, ABI_CODE[subject.abi], subject.nr, 1)
    case 'argument':
      return matcher.argument(10, main, ABI_CODE[subject.abi], subject.nr, subject.value, 1)
    case 'denied':
      return matcher.denial(10, main, ABI_CODE[subject.abi], subject.nr, subject.answer, 1)
    case 'exec':
    case 'connect':
    case 'listen': {
      const kind = KIND_CODE[kindOf(subject) as NamedKind]
      return matcher.key(10, main, kind, itemKeyOf(subject), 1)
    }
    case 'capability':
      return matcher.capability(10, main, subject.capability, 1)
    case 'io_uring':
      return matcher.uring(10, main, subject.opcode, 1)
    case 'abi':
    case 'sensor':
    case 'resource':
      return OUTCOME.UNJUDGED
  }
}

t.test('whatever the matcher knows as allowed, the formula allows, whoever does it', async (t) => {
  let known = 0
  const programs = ['', 'nginx', 'sh'].map(bytes)
  fc.assert(
    fc.property(shard, policies, (baseline, policy) => {
      if (baseline.decisions.seal === undefined) {
        const contentHash = contentHashOf(baseline)
        seal(baseline, { by: 'someone', atMs: 9, reason: '', contentHash })
      }
      const held = heldToOf(baseline)
      if (held === undefined) return false
      const roster = new Roster(MATCHER_LIMITS, new PolicyPermits(policy, () => SCOPE))
      const image = roster.addImage()
      if (image === 'full') return false
      roster.setImage(image, allowedOf(held, policy))
      const container = roster.addContainer(image)
      if (typeof container === 'string') return false
      roster.track(10, container)
      const matcher = new Matcher(roster)
      const items = held.items.map((item): Subject =>
        item.kind === 'exec' ? { ...item, upper: false, fileless: false } : item,
      )
      return [...items, ...others].every((subject) => {
        if (asked(matcher, subject) !== OUTCOME.KNOWN) return true
        known++
        const isInBaseline = (one: Subject): boolean => allows(held, policy, one)
        return programs.every(
          (exe) => decisionOf(policy, isInBaseline, subject, { ...SCOPE, exe, path: exe }).allowed,
        )
      })
    }),
    { numRuns: 300 },
  )
  t.ok(known > 1_000, `${known} known`)
})

t.test(
  'permits are for everybody in the container, and never where a deny rule speaks first',
  async (t) => {
    const { main, exec: injected } = LINEAGE_CODE
    const policy = policyOf(
      [
        'deny: [{name: d, addresses: 10.0.0.13}, {name: p, addresses: 10.0.0.14, programs: nc}]',
        'allow: [{name: a, kind: connect, addresses: 10.0.0.0/8, lineages: main},',
        '        {name: b, kind: connect, addresses: 11.0.0.0/8, programs: nc},',
        '        {name: c, kind: connect, addresses: 12.0.0.0/8, containers: other},',
        '        {name: e, paths: "/opt/**"}]',
      ].join('\n'),
    )
    const permits = new PolicyPermits(policy, (handle) => (handle === 1 ? SCOPE : undefined))
    const isPermitted = (subject: Subject, lineage: number = main, container = 1): boolean =>
      (subject.kind === 'exec' || subject.kind === 'connect') &&
      permits.allowsKey(
        container as Parameters<PolicyPermits['allowsKey']>[0],
        lineage,
        KIND_CODE[kindOf(subject)],
        itemKeyOf(subject),
      )
    t.ok(isPermitted(connect('tcp:10.0.0.1:1')))
    t.notOk(isPermitted(connect('tcp:10.0.0.1:1'), injected))
    t.notOk(isPermitted(connect('tcp:10.0.0.1:1'), main, 2), 'a container that is gone')
    for (const host of ['10.0.0.13', '10.0.0.14', '11.0.0.1', '12.0.0.1', '13.0.0.1']) {
      t.notOk(isPermitted(connect(`tcp:${host}:1`)), host)
    }
    t.ok(isPermitted(exec('/opt/a')))
    t.notOk(isPermitted(exec('/opt/a', { upper: true })))
    t.notOk(permits.allowsKey(1 as never, main, KIND_CODE.connect, 'no key'))
    permits.policy = policyOf('')
    t.notOk(isPermitted(exec('/opt/a')), 'another policy')
  },
)
