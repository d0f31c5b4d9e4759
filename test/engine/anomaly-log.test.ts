/** Anomalies on disk: what is read is what was written, whatever happened in between. */
import { appendFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type AnomalyView, anomalyView } from '../../src/detect/anomaly-view.js'
import { AnomalyLog, readAnomalies } from '../../src/engine/anomaly-log.js'
import { raisedFacts } from '../support/anomalies.js'

function view(id: string, rule = ''): AnomalyView {
  const facts = { ...raisedFacts(10, 1_000), id, lastMs: 1_000, count: 1 }
  return anomalyView({ ...facts, decision: { layer: 'deny', rule } })
}

const countsOf = async (state: string): Promise<readonly string[]> =>
  (await readAnomalies(state)).anomalies.map(({ id, count }) => `${id} ${count}`)

t.test('an anomaly has its latest count, in the order of first occurrences', async (t) => {
  const state = t.testdir()
  t.same(await readAnomalies(state), { anomalies: [], damagedLines: 0 }, 'there is none')
  const log = await AnomalyLog.open(state)
  log.raised(view('a'))
  log.raised(view('b'))
  log.repeated({ id: 'a', count: 5, last: '1970-01-01T00:00:09.000Z' })
  log.repeated({ id: 'gone', count: 5, last: '' })
  await log.close()
  t.equal(log.problem, undefined)
  const { anomalies, damagedLines } = await readAnomalies(state)
  t.same(anomalies, [{ ...view('a'), count: 5, last: '1970-01-01T00:00:09.000Z' }, view('b')])
  t.equal(damagedLines, 0)
  const [name = ''] = readdirSync(join(state, 'anomalies'))
  t.equal(statSync(join(state, 'anomalies', name)).mode & 0o777, 0o600)
})

t.test('lines that were torn are counted, and the next session writes behind them', async (t) => {
  const state = t.testdir()
  const first = await AnomalyLog.open(state)
  first.raised(view('a'))
  await first.close()
  const file = join(state, 'anomalies', '1.jsonl')
  appendFileSync(file, 'null\n[]\n{"id": 1}\n{"id":"b","count":1,"la')
  writeFileSync(join(state, 'anomalies', 'notes.txt'), 'x')
  const second = await AnomalyLog.open(state)
  second.raised(view('c'))
  second.repeated({ id: 'a', count: 2, last: '' })
  await second.close()
  t.same(await countsOf(state), ['a 2', 'c 1'])
  t.equal((await readAnomalies(state)).damagedLines, 4)
})

t.test('old segments go', async (t) => {
  const state = t.testdir()
  const log = await AnomalyLog.open(state)
  // Three to a segment.
  for (let n = 0; n < 30; n++) log.raised(view(`a${n}`, 'x'.repeat(5 * 2 ** 20)))
  await log.close()
  t.equal(readdirSync(join(state, 'anomalies')).length, 8)
  const left = await countsOf(state)
  t.equal(left.length, 24)
  t.equal(left.at(-1), 'a29 1')
})

t.test('a directory that cannot be is an error of its own', async (t) => {
  const state = t.testdir({ anomalies: 'a file' })
  await t.rejects(AnomalyLog.open(state), { code: 'FILE_UNWRITABLE' })
  await t.rejects(readAnomalies(state), { code: 'FILE_UNREADABLE' })
})
