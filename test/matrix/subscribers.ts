/**
 * 200 clients watch one server over one socket, one of which does not read, while 200 anomalies a second flow for 20 seconds.
 * The shorter form is `test/service/monitor-load.test.ts`.
 */
import t from 'tap'
import { plimsoll } from '../../src/gen/plimsoll.js'
import { figuresLine, measureLoad } from '../support/monitor-load.js'

const READERS = 199
const { ON_LAG_END, ON_LAG_GAP } = plimsoll.v1.OnLag
const MIB = 2 ** 20

for (const [choice, onLag] of Object.entries({ end: ON_LAG_END, gap: ON_LAG_GAP })) {
  t.test(
    `199 readers get each event in time beside one that does not read (${choice})`,
    async (t) => {
      const load = { perSecond: 200, count: 4000, timeline: 20 }
      const figures = await measureLoad({
        ...load,
        readers: READERS,
        sessions: 8,
        // A second.
        warmUp: 200,
        lagLimit: 1000,
        onLag,
      })
      t.comment(figuresLine(figures))
      t.equal(figures.received, figures.expected)
      t.equal(figures.outOfOrder, 0)
      t.ok(figures.p99 < 50, `p99 is ${figures.p99.toFixed(1)} ms`)
      t.ok(figures.rssMost - figures.rssBefore < 192 * MIB, 'the memory of the server is bounded')
      const { messages, trailers } = figures.stalled
      if (onLag === ON_LAG_END) {
        t.match(trailers, { 'grpc-status': '8', 'plimsoll-error-code': 'WATCHER_TOO_SLOW' })
        t.equal(trailers?.['plimsoll-cursor'], messages.at(-1)?.cursor)
      } else {
        const gap = messages.find((message) => message.gap)?.gap
        t.equal(gap?.cause, plimsoll.v1.GapCause.GAP_CAUSE_SUBSCRIBER)
        const anomalies = messages.filter((message) => message.anomaly).length
        t.equal(anomalies + Number(gap?.count), load.count, 'what it missed is counted')
      }
    },
  )
}
