/** What the decoder makes of the maps of capabilities, io_uring operations and what was left out. */
import t from 'tap'
import {
  ARRIVED_MS,
  callKey,
  decoded,
  mapPrint,
  observationsOf,
  printf,
} from '../support/sensor-stream.js'

const MAIN = callKey(4, 2, 0, 0)

t.test('each use is counted once, however the maps alternate', async (t) => {
  const cases = [
    ['caps', 'k', 'capability', 'capability'],
    ['uring', 'u', 'io_uring', 'opcode'],
  ] as const
  for (const [map, letter, kind, number] of cases) {
    const print = (half: string, count: number): Buffer =>
      mapPrint(`${map}_${half}`, [[`${MAIN},7`, count]])
    const lines = [print('a', 3), print('a', 5), print('b', 2), printf(`${letter} 0 1`)]
    const result = decoded([...lines, print('a', 6), print('b', 2), print('a', 4)])
    const owner = { kind, cgroupId: 4, lineage: 'main', [number]: 7, program: '' }
    const nobody = { pid: 0, ppid: 0, uid: undefined, atNs: 0 }
    t.match(
      observationsOf(result),
      [3, 2, 2, 1, 4].map((count) => ({ ...owner, ...nobody, count })),
      kind,
    )
    t.equal(result.malformed, 0)
    const many = Array.from({ length: 65536 }, (_, i) => [`${callKey(i, 2, 0, 0)},1`, 1] as const)
    t.match(decoded([mapPrint(`${map}_a`, many)]).told.at(-1), ['mapFull', kind], 'and full')
  }
})

t.test('what was left out of one cgroup is told once, also across rotations', async (t) => {
  const capped = (endpoints: number, paths: number): Buffer =>
    mapPrint('capped', [
      ['4,78', endpoints],
      ['5,88', paths],
      ['5,68', 7],
    ])
  const result = decoded([
    printf('R 0'),
    capped(3, 1),
    capped(3, 1),
    printf('c 0 2000000'),
    capped(10, 1),
  ])
  const at = { kind: 'capped', lineage: 'main', atMs: ARRIVED_MS }
  t.strictSame(observationsOf(result), [
    { ...at, cgroupId: 4, what: 'endpoint', count: 3 },
    { ...at, cgroupId: 5, what: 'unix', count: 1 },
    { ...at, cgroupId: 5, what: 'datagram', count: 7 },
    { ...at, cgroupId: 4, what: 'endpoint', count: 7, atMs: ARRIVED_MS + 2 },
  ])
})
