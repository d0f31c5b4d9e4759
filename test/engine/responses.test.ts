/** Which action an anomaly asks for, and what the responder is told. */
import t from 'tap'
import type { Anomaly, Severity } from '../../src/detect/anomaly.js'
import { Responses, type ResponsesOptions } from '../../src/engine/responses.js'
import type { Action } from '../../src/detect/policy.js'
import type { ResponseRequest, ResponseResult } from '../../src/respond/request.js'
import { raisedFacts } from '../support/anomalies.js'
import { exec, policyOf } from '../support/policies.js'

const WHERE = { cgroupPath: '/docker/c0ffee', timeline: [] }

function anomaly(more: Partial<Anomaly> = {}): Anomaly {
  return { ...raisedFacts(10, 1_000), id: 's-1', lastMs: 1_000, count: 1, ...more }
}

function responses(
  state: string,
  policy: string,
  on: readonly (readonly [Severity, Action])[] = [],
): { readonly all: Responses; readonly asked: ResponseRequest[]; readonly done: string[] } {
  const asked: ResponseRequest[] = []
  const done: string[] = []
  const compiled = policyOf(policy)
  const options: ResponsesOptions = {
    stateDirectory: state,
    mount: '/nowhere',
    clock: { nowMs: () => 1_000, sleep: () => Promise.resolve() },
    policy: () => compiled,
    on: new Map(on),
    dryRun: true,
    afterwards: 'thaw',
    responded: (result, { id }) => done.push(`${result.action} ${id}`),
    responder: {
      act: (request) => {
        asked.push(request)
        const { incident, action, actor, reason } = request
        return Promise.resolve({ incident, action, actor, reason } as ResponseResult)
      },
    },
  }
  return { all: new Responses(options), asked, done }
}

t.test('the user’s word on a severity goes before the policy’s', async (t) => {
  const policy =
    'responses: [{kind: drift, action: kill}, {severity: high, action: isolate}]\nunknownImages: alert'
  const { all, asked } = responses(t.testdir(), policy, [
    ['critical', 'freeze'],
    ['low', 'alert'],
  ])
  const drift = exec('/bin/x', { upper: true })
  const cases: readonly [Partial<Anomaly>, Action | undefined][] = [
    [{ severity: 'critical' }, 'freeze'],
    [{ severity: 'critical', subject: drift }, 'freeze'],
    [{ severity: 'high' }, 'isolate'],
    [{ severity: 'medium' }, undefined],
    [{ severity: 'medium', subject: drift }, 'kill'],
    [{ severity: 'low', subject: drift }, undefined],
  ]
  for (const [more, action] of cases) {
    all.raised(anomaly(more), () => WHERE)
    t.equal(asked.splice(0)[0]?.action, action, JSON.stringify(more))
  }
  await all.settled()
})

t.test('nothing is done to what is no container, or is gone', async (t) => {
  const { all, asked } = responses(t.testdir(), '', [['medium', 'kill']])
  const { workload } = anomaly()
  all.raised(anomaly({ workload: { ...workload, containerId: '' } }), () => WHERE)
  all.raised(anomaly(), () => undefined)
  t.same(asked, [])
})

t.test('the responder is asked at once, and told all of the incident', async (t) => {
  const { all, asked, done } = responses(t.testdir(), '', [['high', 'isolate']])
  all.raised(anomaly({ id: 's-1' }), () => WHERE)
  all.raised(anomaly({ id: 's-2', incident: 'other' }), () => WHERE)
  const decision = { layer: 'deny', rule: 'd' } as const
  all.raised(anomaly({ id: 's-3', severity: 'high', decision }), () => WHERE)
  t.match(asked, [
    {
      action: 'isolate',
      incident: 'i1',
      anomalies: [{ id: 's-1' }, { id: 's-3' }],
      actor: 'rule:d',
      cgroupPath: '/docker/c0ffee',
      profile: '',
      dryRun: true,
      afterwards: 'thaw',
      baselineRevision: 1,
    },
  ])
  all.raised(anomaly({ id: 's-4', severity: 'high' }), () => WHERE)
  t.equal(asked[1]?.actor, 'severity:high')
  t.equal(asked[1]?.key, asked[0]?.key, 'the same act, for the limit of the rate')
  await all.settled()
  t.same(done, ['isolate s-3', 'isolate s-4'])
})

t.test('anomalies of one incident, and incidents, are bounded', async (t) => {
  const { all, asked } = responses(t.testdir(), '', [['high', 'freeze']])
  for (let n = 0; n < 500; n++) all.raised(anomaly({ id: `s-${n}` }), () => WHERE)
  all.raised(anomaly({ severity: 'high' }), () => WHERE)
  t.equal(asked[0]?.anomalies.length, 256)
  for (let n = 0; n < 300; n++) all.raised(anomaly({ incident: `other-${n}` }), () => WHERE)
  all.raised(anomaly({ severity: 'high' }), () => WHERE)
  t.equal(asked[1]?.anomalies.length, 1)
  await all.settled()
})
