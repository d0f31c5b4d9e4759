/** Labels of containers, by what runtimes say of them. */
import { join } from 'node:path'
import t from 'tap'
import type { RunProcess } from '../../src/workload/bounded-process.js'
import { areLabels, LABEL_LIMIT, labelsOf } from '../../src/workload/labels.js'
import { PodmanClient } from '../../src/workload/podman.js'
import { captured, capturedId, capturedPodman } from './fake-runtime.js'
import { FIXTURES } from '../support/repository.js'

function of(Labels: unknown): ReturnType<typeof labelsOf> {
  return labelsOf({ Config: { Labels } })
}

t.test('labels come in the order of their keys, and none are not the same as not told', (t) => {
  t.strictSame(of({ tier: 'prod', 10: 'ten', app: '' }), [
    { key: '10', value: 'ten' },
    { key: 'app', value: '' },
    { key: 'tier', value: 'prod' },
  ])
  t.strictSame(of(JSON.parse('{"__proto__":"x"}')), [{ key: '__proto__', value: 'x' }])
  t.strictSame(of({}), [])
  t.strictSame(of(null), [], 'as podman says it')
  for (const odd of [undefined, 7, 'tier=prod', ['tier=prod']]) t.equal(of(odd), undefined)
  t.equal(labelsOf(undefined), undefined)
  t.equal(labelsOf({ Config: null }), undefined)
  t.end()
})

t.test('what no rule is about is left out, and the others stay', (t) => {
  const long = 'é'.repeat(129)
  const kept = { key: 'k'.repeat(256), value: 'v'.repeat(256) }
  t.strictSame(
    of({ [long]: '', a: long, b: 7, '': 'x', c: '\ud800', [kept.key]: kept.value }),
    [kept],
    'long texts, what is no text, and what has no encoding',
  )
  t.end()
})

t.test('too many labels are labels that are not known', (t) => {
  const many = (count: number): object =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`key-${i}`, 'x']))
  const most = of(many(LABEL_LIMIT))
  t.equal(most?.length, LABEL_LIMIT)
  t.ok(most && areLabels(most))
  t.equal(of(many(LABEL_LIMIT + 1)), undefined)
  t.end()
})

t.test('for a container in its storage podman is asked for the labels', async (t) => {
  const told = JSON.parse(captured('podman-cli-container.json')) as [{ Config: object }]
  Object.assign(told[0].Config, { Labels: { tier: 'prod' } })
  const run: RunProcess = async (program, args, signal) => {
    const answer = await capturedPodman(false)(program, args, signal)
    return args[0] === 'inspect' ? { ...answer, stdout: JSON.stringify(told) } : answer
  }
  const client = new PodmanClient({
    nowMs: () => 0,
    socketPath: '/nonexistent',
    storageRoot: join(FIXTURES, 'workload/storage'),
    run,
  })
  const id = capturedId('podman-container.json')
  const resolution = await client.inspect(id, AbortSignal.timeout(60_000))
  t.match(resolution, { kind: 'found', facts: { labels: [{ key: 'tier', value: 'prod' }] } })
})
