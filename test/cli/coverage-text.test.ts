/** How the statistics of learning are told. */
import t from 'tap'
import { coverageOf } from '../../src/baseline/coverage.js'
import { basisText, expectationText } from '../../src/cli/coverage-text.js'
import { sparkline } from '../../src/cli/sparkline.js'
import { incidencesOfUnits } from '../support/incidences.js'

const of = (units: readonly (readonly string[])[]): ReturnType<typeof coverageOf> =>
  coverageOf(units.length, incidencesOfUnits(units))

t.test('says how soon something new is to be expected, and on what basis', async (t) => {
  const rare = of([['a', 'b'], ['a', 'b', 'c'], ...Array.from({ length: 19 }, () => ['a', 'b'])])
  t.equal(expectationText(rare, 'run'), 'a new item about once every 21 runs')
  t.equal(basisText(rare, 'run'), '3 items in 21 runs: 1 in one only, 0 in two')
  const busy = of(Array.from({ length: 10 }, (_, i) => [`x${i}`, `y${i}`]))
  t.equal(expectationText(busy, 'run'), 'about 2 new items in every further run')
  t.equal(
    basisText(busy, 'run'),
    '20 items in 10 runs: 20 in one only, 0 in two; at least 171 more exist',
  )
})

t.test('promises little where everything was seen again', async (t) => {
  const same = (units: number): string =>
    expectationText(of(Array.from({ length: units }, () => ['a'])), 'window')
  t.equal(same(2), 'nothing was seen in one window only, but 2 windows are few')
  t.equal(same(30), 'something new in less than one of 10 windows (95 %)')
  t.equal(expectationText(of([]), 'run'), 'no run to judge by yet')
})

t.test('draws a curve in the width given', async (t) => {
  t.equal(sparkline([8, 4, 1, 0], 10), '█▅▂▁')
  t.equal(sparkline([], 10), '')
  t.equal(sparkline([0, 0], 10), '▁▁')
  const wide = sparkline(
    Array.from({ length: 1000 }, (_, i) => i),
    40,
  )
  t.equal(wide.length, 40)
})
