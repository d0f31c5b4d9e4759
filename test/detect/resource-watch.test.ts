/** Deviation over a window, not a spike. */
import t from 'tap'
import { type Deviation, ResourceWatch } from '../../src/detect/resource-watch.js'

const LEARNED = { memory: 100 * 2 ** 20, cpu: 400, pids: 10, samples: 40 }
const USUAL = { memory: 90 * 2 ** 20, cpu: 300, pids: 9 }
const HIGH = { ...USUAL, memory: 400 * 2 ** 20 }

function taken(
  samples: readonly (typeof USUAL)[],
  learned = LEARNED,
): readonly (readonly Deviation[])[] {
  const watch = new ResourceWatch()
  return samples.map((sample) => watch.take(sample, learned))
}

t.test('a spike is no deviation, nine high samples of twelve are, once', async (t) => {
  t.strictSame(taken([HIGH, HIGH, HIGH, ...Array<typeof USUAL>(40).fill(USUAL)]).flat(), [])
  const told = taken(Array<typeof USUAL>(40).fill(HIGH))
  t.strictSame(
    told.map(({ length }) => length),
    [...Array<number>(8).fill(0), 1, ...Array<number>(31).fill(0)],
  )
  t.strictSame(told[8], [{ resource: 'memory', value: 400 * 2 ** 20, learned: LEARNED.memory }])
})

t.test('what was itself again may deviate again', async (t) => {
  const long = Array<typeof USUAL>(12)
  const told = taken([
    ...long.fill(HIGH),
    ...Array<typeof USUAL>(12).fill(USUAL),
    ...Array<typeof USUAL>(12).fill(HIGH),
  ])
  t.equal(told.flat().length, 2)
})

t.test(
  'half as much again and a slack are usual, and so is anything while little was learned',
  async (t) => {
    const more = { memory: 180 * 2 ** 20, cpu: 840, pids: 22 }
    t.strictSame(taken(Array<typeof USUAL>(40).fill(more)).flat(), [])
    t.strictSame(taken(Array<typeof USUAL>(40).fill(HIGH), { ...LEARNED, samples: 11 }).flat(), [])
  },
)

t.test('each resource is looked at by itself', async (t) => {
  const all = { memory: 2 ** 31, cpu: 2000, pids: 500 }
  t.strictSame(
    taken(Array<typeof USUAL>(9).fill(all))
      .flat()
      .map(({ resource }) => resource),
    ['memory', 'cpu', 'pids'],
  )
})
