import t from 'tap'
import { plimsoll } from '../../src/gen/plimsoll.js'
import { figuresLine, measureLoad } from '../support/monitor-load.js'

/** The longer form, with its bound on the delay, is `test/matrix/subscribers.ts`. */
t.test('50 clients get every event beside one that does not read', async (t) => {
  const figures = await measureLoad({
    readers: 49,
    sessions: 4,
    warmUp: 0,
    perSecond: 200,
    count: 400,
    timeline: 20,
    lagLimit: 16,
    onLag: plimsoll.v1.OnLag.ON_LAG_GAP,
  })
  t.comment(figuresLine(figures))
  t.equal(figures.received, figures.expected)
  t.equal(figures.outOfOrder, 0)
  t.ok(figures.p99 < 5000)
  t.ok(figures.rssMost - figures.rssBefore < 128 * 2 ** 20, 'the memory of the server is bounded')
  const { messages } = figures.stalled
  const missed = messages.reduce((sum, { gap }) => sum + Number(gap?.count ?? 0), 0)
  const anomalies = messages.filter((message) => message.anomaly).length
  t.equal(anomalies + missed, 400, 'what it missed is counted')
})
