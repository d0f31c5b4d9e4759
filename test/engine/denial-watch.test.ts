/** What is told of a container from the sensor's bytes: whose the denials are, who made them, and what was missed. */
import t from 'tap'
import type { SensorFact } from '../../src/engine/attach.js'
import type { Denials } from '../../src/engine/denial-tally.js'
import { DenialWatch } from '../../src/engine/denial-watch.js'
import { FILTERED, UNPAIRED } from '../../src/kernel/denial-answer.js'
import type { Lineage } from '../../src/observation.js'
import { counters, exec, keyOf, mapPrint, record } from '../support/sensor-lines.js'

const ID = 'a'.repeat(64)
const OTHER = 'b'.repeat(64)
const START = 1_700_000_000_000

/** A watch that was told those lines by a sensor that has ended as expected. */
function told(
  lines: readonly string[],
  ...more: readonly (readonly [SensorFact, number])[]
): DenialWatch {
  const watch = new DenialWatch(() => undefined)
  watch.apply({ kind: 'sensor-started' }, START)
  for (const line of [record('R', 0), ...lines]) {
    watch.apply({ kind: 'sensor-bytes', bytes: Buffer.from(line) }, START)
  }
  for (const [fact, atMs] of more) watch.apply(fact, atMs)
  watch.apply({ kind: 'sensor-ended', expected: true, reason: '' }, START + 9000)
  return watch
}

const created = (cgroupId: number, id: string, below = ''): string =>
  record('G', cgroupId, 1, `/libpod_parent/libpod-${id}${below}`)

const MKDIR = (cgroupId: number, lineage: Lineage = 'main'): number => keyOf(cgroupId, lineage, 83)

t.test('denials belong to the container of their cgroup, whatever is below it', async (t) => {
  const watch = told([
    created(5, ID),
    created(6, OTHER),
    created(7, ID, '/below'),
    exec(keyOf(5, 'main', 0), 70, 1, 2, '/bin/mkdir', 'busybox'),
    record('B', MKDIR(5), 38, 70, 1, 0, 3, 'busybox'),
    record('B', MKDIR(6), 38, 71, 1, 0, 3, 'other'),
    mapPrint('denials_a', {
      [`${MKDIR(5)},38`]: 2,
      [`${MKDIR(7)},38`]: 3,
      [`${MKDIR(6)},38`]: 5,
      [`${keyOf(5, 'runtime', 0)},${FILTERED}`]: 1,
      [`${keyOf(7, 'main', 0)},${FILTERED}`]: 1,
    }),
  ])
  t.strictSame(watch.ofContainer(ID), {
    hasStarted: true,
    filteredThreads: 2,
    unpaired: 0,
    denied: [
      { lineage: 'main', abi: 'x86_64', nr: 83, answer: 38, count: 5, programs: ['/bin/mkdir'] },
    ],
  })
  t.match(watch.ofContainer(OTHER), {
    hasStarted: false,
    denied: [{ count: 5, programs: ['other'] }],
  })
  t.match(watch.ofCgroup(7), { denied: [{ count: 3, programs: [] }] })
  t.equal(watch.ofContainer('c'.repeat(64)), undefined)
  t.strictSame(watch.missed(), [])
})

t.test('what only the runtime executed is no start', async (t) => {
  const watch = told([
    created(5, ID),
    exec(keyOf(5, 'exec', 0), 70, 1, 2, '/bin/sh', 'busybox'),
    exec(keyOf(8, 'main', 0), 71, 1, 2, '/usr/bin/podman', 'podman'),
    record('B', keyOf(5, 'runtime', 59), 38, 71, 1, 0, 3, 'runc'),
    mapPrint('denials_a', {
      [`${keyOf(5, 'runtime', 59)},38`]: 1,
      [`${keyOf(5, 'main', 0)},${UNPAIRED}`]: 2,
    }),
  ])
  t.match(watch.ofContainer(ID), {
    hasStarted: false,
    unpaired: 2,
    denied: [{ lineage: 'runtime', nr: 59, programs: ['runc'] }],
  })
})

t.test('everything is bounded, and what finds no room is not forgotten', async (t) => {
  const entries: Record<string, number> = {}
  for (let errno = 0; errno < 5; errno++) {
    for (let nr = 0; nr < 1000; nr++) entries[`${keyOf(5, 'main', nr)},${errno}`] = 1
  }
  const programs = Array.from({ length: 20 }, (_, i) =>
    record('B', MKDIR(5), 1, 100 + i, 1, 0, 3, `p${i}`),
  )
  const { denied, unpaired } = told([
    created(5, ID),
    ...programs,
    mapPrint('denials_a', entries),
  ]).ofContainer(ID) as Denials
  t.equal(denied.length, 4096)
  t.equal(unpaired, 5000 - 4096)
  t.ok(denied.every((call) => call.programs.length <= 8))
})

t.test(
  'what was missed is told: lost records, full maps, and times without a sensor',
  async (t) => {
    const lossy = told([created(5, ID), counters({ E: 2, B: 7 }, { b: 3 })])
    t.strictSame(lossy.missed(), [
      { reason: 'map-full', count: 3, detail: 'denial' },
      { reason: 'lost-events', count: 2, detail: 'exec' },
    ])
    const restarted = told(
      [created(5, ID), counters({ G: 1 })],
      [{ kind: 'sensor-ended', expected: false, reason: 'killed' }, START + 2000],
      [{ kind: 'sensor-started' }, START + 3000],
      [{ kind: 'sensor-bytes', bytes: Buffer.from(record('R', 5_000_000_000)) }, START + 4000],
    )
    t.strictSame(restarted.missed(), [
      { reason: 'sensor-restarted', count: 1, fromMs: START, toMs: START + 4000 },
    ])
    const gone = told(
      [],
      [{ kind: 'sensor-ended', expected: false, reason: 'killed' }, START + 2000],
    )
    t.match(gone.missed(), [{ reason: 'sensor-restarted', toMs: START + 9000 }])
  },
)
