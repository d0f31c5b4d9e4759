/** The ledger: first occurrences at once, repeats together, and bounds. */
import t from 'tap'
import type { Anomaly } from '../../src/detect/anomaly.js'
import { Ledger } from '../../src/detect/ledger.js'
import { raisedFacts } from '../support/anomalies.js'

function ledgerOf(limit?: number): { readonly ledger: Ledger; readonly raised: Anomaly[] } {
  const raised: Anomaly[] = []
  return { ledger: new Ledger('s1', (anomaly) => raised.push(anomaly), limit), raised }
}

t.test('a first occurrence is told at once, with an id of its own', async (t) => {
  const { ledger, raised } = ledgerOf()
  const first = ledger.raise(1, raisedFacts(10, 1000), 1)
  const second = ledger.raise('sensor gap', raisedFacts(0, 2000), 1)
  t.strictSame(raised, [first, second])
  t.match(first, { id: 's1-1', atMs: 1000, lastMs: 1000, count: 1 })
  t.not(first.id, second.id)
  t.strictSame(ledger.takeRepeats(), [], 'it is no repeat')
})

t.test('repeats count up and are told together, when they are asked for', async (t) => {
  const { ledger, raised } = ledgerOf()
  ledger.raise(1, raisedFacts(10, 1000), 1)
  ledger.raise(2, raisedFacts(10, 1000), 1)
  t.ok(ledger.repeat(2, 3, 1500))
  t.ok(ledger.repeat(1, 1, 1600))
  t.ok(ledger.repeat(2, 5, 1400), 'reports are not in order')
  t.notOk(ledger.repeat(3, 1, 1600), 'never raised')
  t.match(ledger.takeRepeats(), [
    { id: 's1-2', count: 9, atMs: 1000, lastMs: 1500 },
    { id: 's1-1', count: 2, lastMs: 1600 },
  ])
  t.strictSame(ledger.takeRepeats(), [])
  t.equal(raised.length, 2)
  t.match(ledger.find(2), { count: 9 })
})

t.test('what a hint tells of is counted by the report that follows', async (t) => {
  const { ledger, raised } = ledgerOf()
  ledger.raise(1, raisedFacts(10, 1000), 0)
  t.match(raised, [{ count: 1 }])
  ledger.repeat(1, 1, 1100)
  t.match(ledger.find(1), { count: 1, lastMs: 1100 })
  t.strictSame(ledger.takeRepeats(), [], 'it is the same occurrence')
  ledger.repeat(1, 0, 1200)
  t.strictSame(ledger.takeRepeats(), [], 'a further hint says nothing about how often')
  ledger.repeat(1, 6, 1300)
  t.match(ledger.takeRepeats(), [{ count: 7 }])
})

t.test('raising what is live counts it up', async (t) => {
  const { ledger, raised } = ledgerOf()
  const first = ledger.raise(1, raisedFacts(10, 1000), 1)
  t.match(ledger.raise(1, raisedFacts(10, 2000), 1), { id: first.id, count: 2, lastMs: 2000 })
  t.equal(raised.length, 1)
})

t.test('a flood is told of to the last one, and what it pushes out is its own', async (t) => {
  const { ledger, raised } = ledgerOf(1024)
  ledger.raise('other', raisedFacts(99, 1000), 1)
  for (let key = 0; key < 20_000; key++) {
    ledger.raise(key, raisedFacts(10, 1000 + key), 1)
    ledger.repeat(key, 1, 1000 + key)
  }
  t.equal(raised.length, 20_001)
  t.equal(new Set(raised.map(({ id }) => id)).size, 20_001)
  t.equal(ledger.size, 129)
  t.ok(ledger.repeat('other', 1, 30_000))
  t.notOk(ledger.repeat(0, 1, 30_000))
  t.equal(ledger.takeRepeats().length, 129)
  t.equal(ledger.untold, 20_000 - 128)
})

t.test('a count stops where numbers are not exact any longer', async (t) => {
  const { ledger } = ledgerOf()
  ledger.raise(1, raisedFacts(10, 1000), Number.MAX_SAFE_INTEGER)
  ledger.repeat(1, 10, 1000)
  t.match(ledger.find(1), { count: Number.MAX_SAFE_INTEGER })
})
