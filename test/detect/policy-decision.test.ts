/** The order of the formula, and what a policy says beside its rules. */
import t from 'tap'
import type { Subject } from '../../src/detect/anomaly.js'
import { compilePolicy } from '../../src/detect/policy-compile.js'
import { decisionOf } from '../../src/detect/policy-decision.js'
import type { Policy, PolicyRule } from '../../src/detect/policy.js'
import { argument, call, connect, exec, policyOf, SCOPE } from '../support/policies.js'

const EMPTY: Policy = {
  version: 1,
  hardDeny: [],
  deny: [],
  allow: [],
  neverLearn: [],
  severity: [],
  responses: [],
  protected: { images: [], containers: [] },
  unknownImages: 'alert',
}

t.test(
  'hard deny, deny, allow, baseline, default: the first that speaks decides and is named',
  async (t) => {
    const rule = (name: string): PolicyRule => ({ name, syscalls: ['chmod'] })
    const cases: readonly [Partial<Policy>, boolean, string, string, boolean][] = [
      [
        { hardDeny: [rule('h')], deny: [rule('d')], allow: [rule('a')] },
        true,
        'hard-deny',
        'h',
        false,
      ],
      [{ deny: [rule('d')], allow: [rule('a')] }, true, 'deny', 'd', false],
      [{ allow: [rule('a')] }, false, 'allow', 'a', true],
      [{ allow: [rule('a'), rule('b')] }, true, 'allow', 'a', true],
      [{}, true, 'baseline', '', true],
      [{}, false, 'default', '', false],
      [{ deny: [{ name: 'd', syscalls: ['fchmod'] }] }, true, 'baseline', '', true],
    ]
    for (const [lists, isKnown, layer, name, allowed] of cases) {
      const policy = compilePolicy({ ...EMPTY, ...lists })
      const asked: Subject[] = []
      const isInBaseline = (subject: Subject): boolean => asked.push(subject) > 0 && isKnown
      const judged = decisionOf(policy, isInBaseline, call('chmod'), SCOPE)
      t.strictSame(judged, { decision: { layer, rule: name }, allowed }, JSON.stringify(lists))
      const isAsked = layer === 'baseline' || layer === 'default'
      t.equal(asked.length, isAsked ? 1 : 0, 'the baseline is asked only where no rule speaks')
    }
  },
)

t.test('the formula is the same for every kind of subject', async (t) => {
  const policy = policyOf(
    [
      'hardDeny: [{name: meta, addresses: 169.254.169.254}]',
      'deny: [{name: net, addresses: 169.254.0.0/16}, {name: tools, paths: "**/nc"}]',
      'allow: [{name: out, kind: connect, ports: 443}, {name: all, kind: exec, paths: "**"}]',
    ].join('\n'),
  )
  const layer = (subject: Subject): string =>
    decisionOf(policy, () => false, subject, SCOPE).decision.layer
  t.equal(layer(connect('tcp:169.254.169.254:443')), 'hard-deny')
  t.equal(layer(connect('tcp:169.254.1.1:443')), 'deny')
  t.equal(layer(connect('tcp:1.1.1.1:443')), 'allow')
  t.equal(layer(connect('tcp:1.1.1.1:80')), 'default')
  t.equal(layer(exec('/usr/bin/nc')), 'deny')
  t.equal(layer(exec('/usr/bin/ls')), 'allow')
  t.equal(layer(exec('/usr/bin/ls', { upper: true })), 'default', 'drift is not allowed by the way')
  t.equal(layer({ kind: 'capability', capability: 1 }), 'default')
})

t.test(
  'the first response that is about the severity and the kind counts, else it is alert',
  async (t) => {
    const policy = policyOf(
      [
        'responses:',
        '  - {kind: [sensor, resource], action: alert}',
        '  - {severity: critical, action: kill}',
        '  - {kind: drift, severity: high, action: isolate}',
        '  - {severity: high, action: freeze}',
      ].join('\n'),
    )
    t.equal(policy.responseTo('critical', 'exec'), 'kill')
    t.equal(policy.responseTo('critical', 'sensor'), 'alert')
    t.equal(policy.responseTo('high', 'drift'), 'isolate')
    t.equal(policy.responseTo('high', 'exec'), 'freeze')
    t.equal(policy.responseTo('medium', 'drift'), 'alert')
  },
)

t.test('who is protected stays so while names are not known', async (t) => {
  const policy = policyOf('protected: {images: postgres, containers: ["db-*", plimsoll]}')
  const isProtected = (scope: object): boolean => policy.isProtected({ ...SCOPE, ...scope })
  t.notOk(isProtected({}))
  t.ok(isProtected({ imageName: 'docker.io/library/postgres:17' }))
  t.ok(isProtected({ containerName: 'db-1' }))
  t.ok(isProtected({ imageName: undefined }))
  t.ok(isProtected({ containerName: undefined }))
  t.notOk(policyOf('').isProtected({ ...SCOPE, imageName: undefined }), 'without a list nobody is')
})

t.test(
  "the policy's never-learn list holds calls of every ABI, and their arguments with them",
  async (t) => {
    const policy = policyOf('neverLearn: [chmod, "socket:AF_NETLINK", "i386:read", "@host-wide"]')
    const isHeld = (subject: Subject): boolean => policy.isNeverLearned(subject)
    t.ok(isHeld(call('chmod')) && isHeld(call('i386:chmod')) && isHeld(call('acct')))
    t.ok(isHeld(call('i386:read')))
    t.notOk(isHeld(call('read')))
    t.ok(isHeld(argument('socket', 16 * 16 + 3)))
    t.notOk(isHeld(argument('socket', 2 * 16 + 1)))
    t.notOk(isHeld(exec('/bin/chmod')))
  },
)

t.test('a policy that no file could hold is refused when it is made ready', async (t) => {
  const odd = (rule: Partial<PolicyRule>): Policy => ({ ...EMPTY, deny: [{ name: 'x', ...rule }] })
  t.throws(() => compilePolicy(odd({})), /matches everything/)
  t.throws(() => compilePolicy(odd({ syscalls: ['chmdo'] })), TypeError)
  t.throws(() => compilePolicy(odd({ ports: ['x'] })), TypeError)
})
