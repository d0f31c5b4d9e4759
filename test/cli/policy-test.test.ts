/** `plimsoll policy test`: policies on recorded sessions. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { TraceWriter } from '../../src/engine/trace-file.js'
import type { Label } from '../../src/workload/labels.js'
import { type Outcome, plimsoll } from '../support/fake-terminal.js'
import { digestOf, LearningScript, pathOf } from '../support/learning-script.js'
import { DEMO_TRACE, REPOSITORY } from '../support/repository.js'
import { exec, keyOf } from '../support/sensor-lines.js'

const SHIPPED = join(REPOSITORY, 'profiles/policy.yaml')
const NO_BUSYBOX = 'deny: [{name: no-busybox, kind: exec, programs: busybox}]\n'

async function policyFile(t: Test, lines: string): Promise<string> {
  const path = join(t.testdirName, 'policy.yaml')
  await writeFile(path, `version: 1\n${lines}`)
  return path
}

function testOf(policy: string, trace: string, state: string, ...more: string[]): Promise<Outcome> {
  return plimsoll(['policy', 'test', policy, '--replay', trace, '--state', state, ...more])
}

/** A state directory in which the image of the demo is sealed with what it did in the trace. */
async function sealedState(t: Test): Promise<string> {
  const state = join(t.testdir(), 'state')
  await plimsoll(['replay', DEMO_TRACE, '--state', state])
  const name = 'plimsoll-demo'
  const shown = await plimsoll(['baseline', 'candidates', name, '--state', state, '--json'])
  const { contentHash } = JSON.parse(shown.out.toString()) as { contentHash: string }
  const args = ['baseline', 'seal', name, '--hash', contentHash]
  const { status, said } = await plimsoll([...args, '--state', state])
  t.equal(status, 0, said)
  return state
}

/** A trace of a container with those labels that runs a shell. */
async function traceOf(t: Test, labels: readonly Label[] | undefined): Promise<string> {
  const script = new LearningScript().attach().created(7, pathOf('web')).pass(5)
  script.answer('web', { imageDigest: digestOf('web'), labels }).pass(5)
  script
    .bytes(exec(keyOf(7, 'main', 0), 100, 1, script.nsecs, '/bin/sh', 'sh'))
    .pass(5)
    .end()
  return written(t, script)
}

async function written(t: Test, script: LearningScript): Promise<string> {
  const path = join(t.testdir(), 'recorded.trace')
  const trace = await TraceWriter.create(path)
  for (const input of script.inputs) trace.add(input)
  await trace.close()
  return path
}

t.test(
  'what an image did when it was learned gives nothing under the policy that ships',
  async (t) => {
    const state = await sealedState(t)
    const { status, out } = await testOf(SHIPPED, DEMO_TRACE, state)
    t.equal(
      out.toString(),
      `policy ${SHIPPED}, 6 rules\n` +
        'image localhost/plimsoll-demo:1: held to its sealed baseline; 1 container\nno anomaly\n',
    )
    t.equal(status, 0)
  },
)

t.test('a rule against one of its programs is named, with status 3, each time alike', async (t) => {
  const state = await sealedState(t)
  const responses = 'responses: [{severity: medium, action: freeze}]\n'
  const policy = await policyFile(t, `${NO_BUSYBOX}${responses}`)
  const { status, out } = await testOf(policy, DEMO_TRACE, state)
  t.equal(status, 3)
  const text = out.toString()
  t.match(text, /held to its sealed baseline; 1 container\n\nSEVERITY +WHAT +PROGRAM +CONTAINER/)
  t.match(text, /\nmedium +exec:\/bin\/sh +\/bin\/sh +\S+ +deny no-busybox +freeze +1\n/)
  t.match(text, /\n2 anomalies: medium 2\nwould be done: freeze 2\n$/)
  t.equal((await testOf(policy, DEMO_TRACE, state)).out.toString(), text)

  const json = JSON.parse(
    (await testOf(policy, DEMO_TRACE, state, '--json')).out.toString(),
  ) as unknown
  t.match(json, {
    ok: false,
    images: [{ name: 'localhost/plimsoll-demo:1', judgedBy: 'baseline', containers: 1 }],
    severities: { critical: 0, medium: 2 },
    responses: { freeze: 2, alert: 0 },
    anomalies: [
      { id: 'test-1', decision: { layer: 'deny', rule: 'no-busybox' }, response: 'freeze' },
      { id: 'test-2', process: { path: '/proc/self/exe' }, evidence: { baseline: 'full' } },
    ],
  })

  const safe = await policyFile(t, `${NO_BUSYBOX}${responses}protected: {images: plimsoll-demo}\n`)
  const spared = await testOf(safe, DEMO_TRACE, state)
  t.equal(spared.status, 3)
  t.match(spared.out.toString(), /alert \(protected from freeze\).*\nwould be done: alert 2\n$/s)
})

t.test('an image without a sealed baseline is judged by the policy alone', async (t) => {
  const state = t.testdir()
  const good = await testOf(SHIPPED, DEMO_TRACE, state)
  t.match(good.out.toString(), /: no sealed baseline, judged by the policy alone; 1 container\nno/)
  t.equal(good.status, 0)
  const bad = await testOf(await policyFile(t, NO_BUSYBOX), DEMO_TRACE, state)
  t.match(bad.out.toString(), /policy alone.* deny no-busybox .*\nwould be done: alert 2\n$/s)
  t.equal(bad.status, 3)
})

t.test('where nothing would be judged, that is no answer', async (t) => {
  const state = t.testdir()
  const ignoring = await policyFile(t, 'unknownImages: ignore\n')
  const ignored = await testOf(ignoring, DEMO_TRACE, state)
  t.equal(ignored.status, 1)
  t.match(ignored.said, /not tested on .*demo\.trace: .*the policy ignores such images\nhint: /)
  const empty = await written(t, new LearningScript())
  t.equal((await testOf(SHIPPED, empty, state)).status, 1, 'a trace that does not end')
  const script = new LearningScript().attach()
  script.end()
  const none = await testOf(SHIPPED, await written(t, script), state)
  t.equal(none.status, 1)
  t.match(none.said, /no container of those that were recorded is in it/)
  t.equal((await testOf(join(state, 'none'), DEMO_TRACE, state)).status, 1)
})

t.test('a rule for a label is about the containers that have it, or may have it', async (t) => {
  const cases: readonly (readonly [readonly Label[] | undefined, number])[] = [
    [[{ key: 'tier', value: 'prod' }], 3],
    [[{ key: 'tier', value: 'test' }], 0],
    [[], 0],
    [undefined, 3],
  ]
  for (const [labels, expected] of cases) {
    const trace = await traceOf(t, labels)
    const rule = '{name: quiet, kind: exec, programs: sh, labels: tier=prod}'
    const policy = await policyFile(t, `deny: [${rule}]\n`)
    const { status, out } = await testOf(policy, trace, t.testdirName)
    t.equal(status, expected, `${JSON.stringify(labels)}: ${out.toString()}`)
  }
})
