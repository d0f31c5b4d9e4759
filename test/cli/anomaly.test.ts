/** `plimsoll anomaly`: what the journal of a state directory keeps, while no service has it. */
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Anomaly } from '../../src/detect/anomaly.js'
import { type AnomalyView, anomalyView } from '../../src/detect/anomaly-view.js'
import { journalDirectory, keptAnomalies } from '../../src/engine/kept-anomalies.js'
import { anomalyMessage } from '../../src/service/anomaly-message.js'
import { LevelJournal } from '../../src/service/journal/level-journal.js'
import { raisedFacts } from '../support/anomalies.js'
import { plimsoll } from '../support/fake-terminal.js'
import { ManualClock } from '../support/manual-clock.js'
import { exec } from '../support/policies.js'

const CALL: Anomaly = { ...raisedFacts(10, 1000), id: 'a-1', lastMs: 1000, count: 1 }
const SHELL: Anomaly = {
  ...raisedFacts(10, 2000),
  id: 'a-2',
  incident: 'i2',
  severity: 'critical',
  subject: exec('/bin/sh'),
  lastMs: 2000,
  count: 1,
  timeline: [{ atMs: 1, pid: 2, lineage: 'main', subject: CALL.subject }],
}
const CALL_LATER = { ...CALL, count: 5, lastMs: 9000 }

async function journalOf(state: string, count = 0): Promise<LevelJournal> {
  const directory = journalDirectory(state)
  const journal = await LevelJournal.open({ directory, clock: new ManualClock() })
  const told = [
    CALL,
    SHELL,
    ...Array.from({ length: count }, (_, n) => ({ ...CALL, id: `b-${n}` })),
  ]
  for (const each of told) journal.append({ atMs: 1, anomaly: anomalyMessage(each, 'new') })
  journal.append({ atMs: 1, anomaly: anomalyMessage(CALL_LATER, 'repeated') })
  journal.append({ atMs: 1, gap: { count: 1 } })
  await journal.flushed()
  return journal
}

async function listed(t: Test, state: string, ...args: string[]): Promise<readonly AnomalyView[]> {
  const { status, out, said } = await plimsoll([
    'anomaly',
    'ls',
    '--state',
    state,
    '--json',
    ...args,
  ])
  t.equal(status, 0, said)
  const text = out.toString()
  const views = JSON.parse(text) as readonly AnomalyView[]
  t.equal(text, `${JSON.stringify(views, null, 2)}\n`)
  return views
}

t.test('it lists first occurrences with their latest counts', async (t) => {
  const state = t.testdir()
  t.same(await listed(t, state), [], 'there is none')
  t.notOk(existsSync(journalDirectory(state)), 'and none is made')
  await (await journalOf(state)).close()
  const [call, shell] = [anomalyView(CALL_LATER), anomalyView(SHELL)]
  t.strictSame(await listed(t, state), [call, shell])
  t.strictSame(await listed(t, state, '--min-severity', 'high'), [shell])
  t.strictSame(await listed(t, state, '--kind', 'syscall'), [call])
  t.strictSame(await listed(t, state, '--incident', 'i2'), [shell])
  const { out } = await plimsoll(['anomaly', 'ls', '--state', state])
  t.match(out.toString(), /^ID .*\na-1 .* 5 {2}i1\na-2 .*critical {2}exec:\/bin\/sh.* 1 {2}i2\n$/)
})

t.test('it shows one with what went before', async (t) => {
  const state = t.testdir()
  await (await journalOf(state)).close()
  const shown = await plimsoll(['anomaly', 'show', 'a-2', '--state', state, '--json'])
  t.strictSame(JSON.parse(shown.out.toString()), anomalyView(SHELL))
  const { status, said } = await plimsoll(['anomaly', 'show', 'a-9', '--state', state])
  t.equal(status, 1)
  t.match(said, /no anomaly has the id a-9/)
})

t.test('many are read some at a time, and no more than are asked for', async (t) => {
  const state = t.testdir()
  await (await journalOf(state, 1000)).close()
  t.equal((await listed(t, state)).length, 1002)
  for await (const { id } of keptAnomalies(state, ({ id }) => id.startsWith('b-'))) {
    t.equal(id, 'b-0')
    break
  }
  t.equal((await listed(t, state, '--incident', 'i2')).length, 1, 'it was closed')
})

t.test('it says why there is nothing to see, and changes nothing', async (t) => {
  const state = t.testdir()
  const journal = await journalOf(state)
  const ls = ['anomaly', 'ls', '--state', state, '--json']
  const inUse = await plimsoll(ls)
  t.match(inUse, { status: 1, said: /another plimsoll has the journal/ })
  t.equal(inUse.out.length, 0)
  await journal.close()
  rmSync(join(journalDirectory(state), 'CURRENT'))
  t.match(await plimsoll(ls), { status: 1, said: /cannot read the journal .*CURRENT is missing/ })
  const other = join(state, 'other')
  writeFileSync(other, '')
  t.match(await plimsoll(['anomaly', 'ls', '--state', other]), {
    status: 1,
    said: /not a directory/,
  })
})
