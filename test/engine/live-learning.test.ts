import t from 'tap'
import { Baseline } from '../../src/baseline/baseline.js'
import { imageKeyOf } from '../../src/baseline/image-identity.js'
import type { StoreEntry } from '../../src/baseline/store.js'
import { LiveLearning } from '../../src/engine/live-learning.js'
import { Run } from '../../src/engine/run.js'
import type { LearningEvent } from '../../src/service/learning-source.js'
import { IMAGE, runFacts } from '../support/baseline-steps.js'

const KEY = imageKeyOf(IMAGE)

/** A run whose image is known. */
function settledRun(containerId: string, name: string, baseline: Baseline): Run {
  const run = new Run(containerId, 1000, false)
  run.name = name
  run.settle(
    () => ({ baseline, identity: runFacts(`id-${name}`) }),
    () => undefined,
  )
  run.learn('main', 0, () => undefined)
  return run
}

function learningOf(list: () => Promise<StoreEntry[]> = async () => []): LiveLearning {
  let nowMs = 5000
  return new LiveLearning({ list }, () => nowMs++)
}

t.test('what a session tells is counted, told to subscribers, and told on', async (t) => {
  const learning = learningOf()
  const toldOn: string[] = []
  const events = learning.heard({
    ready: (atMs) => toldOn.push(`ready ${atMs}`),
    sensorEnded: (atMs, reason) => toldOn.push(`ended ${atMs} ${reason}`),
    runStarted: ({ name }) => toldOn.push(`started ${name}`),
    runEnded: ({ name }) => toldOn.push(`ended ${name}`),
    learned: ({ image }) => toldOn.push(`learned ${image.name}`),
  })
  const heard: LearningEvent[] = []
  const baseline = Baseline.empty(IMAGE)
  const [web, command] = [
    settledRun('c0ffee', 'web', baseline),
    settledRun('', 'command:/bin/sh', baseline),
  ]
  t.same(learning.state(), { sensorReady: false, runs: [], runsEnded: 0, facts: 0 })

  events.ready(1)
  events.learned(baseline, 'main', { kind: 'syscall', abi: 'x86_64', nr: 0 })
  const unsubscribe = learning.subscribe((event) => heard.push(event))
  events.runStarted(web)
  events.runStarted(command)
  events.learned(baseline, 'main', { kind: 'syscall', abi: 'x86_64', nr: 0 })
  const runs = [
    { runId: 'id-web', containerId: 'c0ffee', containerName: 'web', endedMs: 0 },
    { runId: 'id-command:/bin/sh', containerId: '', containerName: '', endedMs: 0 },
  ]
  t.match(learning.state(), { sensorReady: true, runs, runsEnded: 0, facts: 2 })
  t.equal(learning.session()[0], baseline)
  t.equal(learning.session().length, 1)

  web.end(7000)
  events.runEnded(web)
  events.runEnded(web)
  events.sensorEnded(2, 'killed')
  unsubscribe()
  events.ready(3)
  t.match(learning.state(), { sensorReady: true, runs: runs.slice(1), runsEnded: 1, facts: 2 })
  t.match(heard, [
    { atMs: 5001, kind: 'run-started', run: { ...runs[0], baselineKey: KEY, startedMs: 1000 } },
    { atMs: 5002, kind: 'run-started', run: { ...runs[1], imageName: IMAGE.name } },
    { kind: 'facts-learned', baselineKey: KEY, facts: 2 },
    { kind: 'run-ended', run: { runId: 'id-web', endedMs: 7000 } },
    { kind: 'sensor-ended', reason: 'killed' },
  ])
  t.equal(heard.length, 5, 'a run ends once, and nothing is told after unsubscribing')
  t.same(toldOn, [
    'ready 1',
    `learned ${IMAGE.name}`,
    'started web',
    'started command:/bin/sh',
    `learned ${IMAGE.name}`,
    'ended web',
    'ended web',
    'ended 2 killed',
    'ready 3',
  ])
})

t.test('clients that ask at the same time share one reading of the store', async (t) => {
  let readings = 0
  const learning = learningOf(async () => {
    readings++
    if (readings === 2) throw new Error('unreadable')
    return []
  })
  await Promise.all([learning.stored(), learning.stored()])
  t.equal(readings, 1)
  await t.rejects(Promise.all([learning.stored(), learning.stored()]), { message: 'unreadable' })
  t.same(await learning.stored(), [], 'a failure is not remembered')
  t.equal(readings, 3)
})
