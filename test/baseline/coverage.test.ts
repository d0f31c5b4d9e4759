/** The statistics of learning, against workloads whose whole behaviour is known. */
import fc from 'fast-check'
import t from 'tap'
import {
  coverageOf,
  DEFAULT_GATE,
  latestItems,
  settlingOf,
  type Incidence,
} from '../../src/baseline/coverage.js'
import { incidencesOfUnits } from '../support/incidences.js'
import { seeded } from '../support/seeded.js'
import { zipfWorkload } from '../support/zipf-workload.js'

t.test('counts units, singletons and doubletons, and the units that were quiet', async (t) => {
  const units = [['a', 'b'], ['a', 'c'], ['a', 'c', 'd'], ['a'], ['a']]
  t.match(coverageOf(5, incidencesOfUnits(units)), {
    units: 5,
    items: 4,
    singletons: 2,
    doubletons: 1,
    newPerUnit: 2 / 5,
    unseen: Math.floor((4 / 5) * (4 / 2)),
    quietUnits: 2,
    curve: [2, 1, 1, 0, 0],
  })
})

t.test('says nothing before the first unit', async (t) => {
  const coverage = coverageOf(0, [])
  t.match(coverage, { units: 0, items: 0, newPerUnit: Infinity, unseen: 0, quietUnits: 0 })
  t.equal(settlingOf(coverage, DEFAULT_GATE), 'learning')
})

t.test(
  'does not depend on how items are ordered, and counts each item once in the curve',
  async (t) => {
    const incidence = fc
      .record({ item: fc.string(), units: fc.integer({ min: 1, max: 50 }), firstUnit: fc.nat(49) })
      .map((value): Incidence<string> => value)
    fc.assert(
      fc.property(fc.array(incidence, { maxLength: 60 }), (items) => {
        const coverage = coverageOf(50, items)
        const backwards = coverageOf(50, items.toReversed())
        const sum = coverage.curve.reduce((a, b) => a + b, 0)
        return (
          JSON.stringify(coverage) === JSON.stringify(backwards) &&
          sum === items.length &&
          coverage.singletons + coverage.doubletons <= items.length &&
          coverage.quietUnits >= 0
        )
      }),
    )
    t.pass('no counterexample')
  },
)

t.test(
  'the expected number of new items is the true one within 20 %, from 20 units on',
  async (t) => {
    const random = seeded(20261121)
    for (const units of [20, 40, 80, 160]) {
      let expected = 0
      let measured = 0
      let truth = 0
      const repetitions = 1000
      const heldOut = 5
      for (let repetition = 0; repetition < repetitions; repetition++) {
        const workload = zipfWorkload(random, { features: 50, calls: 110, featuresPerRun: 3 })
        const runs = Array.from({ length: units }, () => workload.run(random))
        expected += coverageOf(units, incidencesOfUnits(runs)).newPerUnit
        const known = new Set(runs.flat())
        truth += workload.expectedNew(known)
        // each held-out run is the one further run after the same `units`, so they do not learn from each other
        for (let i = 0; i < heldOut; i++) {
          measured +=
            new Set(workload.run(random).filter((item) => !known.has(item))).size / heldOut
        }
      }
      const [e, m, k] = [expected, measured, truth].map((sum) => sum / repetitions)
      t.comment(
        `${units} units: expected ${e?.toFixed(3)}, measured on held-out runs ${m?.toFixed(3)}, true ${k?.toFixed(3)} new items per run`,
      )
      t.ok(
        Math.abs(expected / measured - 1) <= 0.2,
        `within 20 % of held-out runs at ${units} units`,
      )
      t.ok(Math.abs(expected / truth - 1) <= 0.2, `within 20 % of the truth at ${units} units`)
    }
  },
)

t.test("Chao2's bound is a lower one on average", async (t) => {
  const random = seeded(7)
  let estimated = 0
  let existing = 0
  for (let repetition = 0; repetition < 200; repetition++) {
    const workload = zipfWorkload(random, { features: 50, calls: 110, featuresPerRun: 3 })
    const coverage = coverageOf(
      40,
      incidencesOfUnits(Array.from({ length: 40 }, () => workload.run(random))),
    )
    estimated += coverage.items + coverage.unseen
    existing += workload.size
  }
  t.comment(`estimated ${(estimated / existing).toFixed(3)} of what exists`)
  t.ok(estimated / existing < 1.1, 'it does not claim more than there is by more than a tenth')
  t.ok(estimated / existing > 0.8, 'and finds most of it at 40 units')
})

t.test('a workload that always does the same is stable at the gate, not before', async (t) => {
  const settled = (units: number): string =>
    settlingOf(
      coverageOf(units, incidencesOfUnits(Array.from({ length: units }, () => ['a', 'b', 'c']))),
      DEFAULT_GATE,
    )
  t.equal(settled(19), 'learning')
  t.equal(settled(20), 'stable')
})

t.test('one new item in the last units keeps it learning', async (t) => {
  const units = Array.from({ length: 30 }, (_, i) => (i === 25 ? ['a', 'b'] : ['a']))
  t.equal(settlingOf(coverageOf(30, incidencesOfUnits(units)), DEFAULT_GATE), 'learning')
})

t.test('a workload that never settles is unstable, with the items that keep it so', async (t) => {
  const units = Array.from({ length: 60 }, (_, i) => ['a', `/tmp/job-${i}`])
  const incidences = incidencesOfUnits(units)
  t.equal(
    settlingOf(coverageOf(39, incidencesOfUnits(units.slice(0, 39))), DEFAULT_GATE),
    'learning',
  )
  t.equal(settlingOf(coverageOf(60, incidences), DEFAULT_GATE), 'unstable')
  t.equal(latestItems(60, incidences)[0], '/tmp/job-59')
  t.notOk(latestItems(60, incidences).includes('a'))
})

t.test('a workload that settles slowly is still learning, not unstable', async (t) => {
  const random = seeded(3)
  const seen = { learning: 0, stable: 0, unstable: 0 }
  for (let repetition = 0; repetition < 100; repetition++) {
    const workload = zipfWorkload(random, { features: 50, calls: 110, featuresPerRun: 3 })
    const runs = Array.from({ length: 60 }, () => workload.run(random))
    seen[settlingOf(coverageOf(60, incidencesOfUnits(runs)), DEFAULT_GATE)]++
  }
  t.comment(JSON.stringify(seen))
  t.ok(seen.unstable <= 10, 'at most one in ten is misjudged')
})
