/** Server, client or both are killed at 200 random moments, while anomalies flow. */
import t from 'tap'
import { killAndResume } from '../support/kill-resume.js'

const KILLS = 200

t.test('no event is lost or comes twice, whoever is killed', async (t) => {
  const seed = Number(process.env['KILL_SEED'] ?? 20)
  const report = await killAndResume(t, KILLS, seed)
  const { lost, twice, isOrdered, gaps, exit, kills, events, journaled } = report
  const times = report.reconnects.toSorted((a, b) => a - b).map(Math.round)
  const quantile = (q: number): number => times[Math.floor(q * (times.length - 1))] ?? 0
  t.comment(
    `seed ${seed}: killed ${JSON.stringify(kills)}, ${events} events of ${journaled} in the journal`,
  )
  t.comment(
    `reconnects: ${times.length}, median ${quantile(0.5)} ms, p95 ${quantile(0.95)} ms, most ${quantile(1)} ms`,
  )
  t.same(
    { lost, twice, isOrdered, gaps, exit },
    { lost: 0, twice: 0, isOrdered: true, gaps: 0, exit: 0 },
  )
})
