import t from 'tap'
import {
  argumentsOf,
  ARRIVED_MS,
  callKey,
  countsOf,
  decoded,
  mapPrint,
  observationsOf,
  printf,
} from '../support/sensor-stream.js'

const MAIN = callKey(4, 2, 0, 0)

t.test(
  'times are wall-clock, before readiness too, and never go back between prints',
  async (t) => {
    const calls = (count: number): Buffer => mapPrint('calls_a', [[callKey(4, 2, 0, 1), count]])
    const early = decoded([printf('g 5 9000000000')])
    t.match(observationsOf(early), [{ atMs: ARRIVED_MS }], 'a record that comes before readiness')
    const { told } = decoded([
      printf('R 5000000000'),
      printf('H 7000000000'),
      printf('g 5 6000000000'),
      calls(1),
      printf('H 8000000000'),
      calls(2),
    ])
    t.match(told, [
      ['ready', ARRIVED_MS],
      ['observe', { atMs: ARRIVED_MS + 1000 }],
      ['syscall', 4, 'main', 0, 'x86_64', 1, 1, ARRIVED_MS + 2000],
      ['syscall', 4, 'main', 0, 'x86_64', 1, 1, ARRIVED_MS + 3000],
    ])
  },
)

t.test('the clock of a host that has been up for 104 days and longer is read', async (t) => {
  // 2^53 nanoseconds are 104.2 days; 2^64 are 584 years.
  for (const days of [104, 105, 1000, 200_000]) {
    const atNs = days * 86_400e9
    const { told, malformed } = decoded([
      printf(`R ${BigInt(atNs)}`),
      printf(`S ${callKey(4, 2, 0, 1)} 7 6 0 ${BigInt(atNs) + 3_000_000n} a`),
      printf(`H ${BigInt(atNs) + 5_000_000n}`),
      mapPrint('calls_a', [[callKey(4, 2, 0, 1), 1]]),
    ])
    t.equal(malformed, 0, `${days} days`)
    const [, seen, counted] = told
    t.match(seen, ['observe', { atNs: atNs + 3_000_000 }])
    // At 584 years a double is exact to two microseconds only.
    const atMs = Number(counted?.at(-1)) - ARRIVED_MS
    t.ok(atMs === 5 || atMs === 4, `${days} days: in wall-clock time`)
  }
})

t.test('each call is counted once, however the maps alternate', async (t) => {
  const a = (...values: readonly number[]): Buffer =>
    mapPrint(
      'calls_a',
      values.map((value, nr) => [callKey(4, 2, 0, nr), value] as const),
    )
  const b = (value: number): Buffer => mapPrint('calls_b', [[callKey(4, 2, 0, 0), value]])
  const cases: readonly [
    name: string,
    lines: readonly Buffer[],
    counts: readonly (readonly [number, number])[],
  ][] = [
    [
      'a count that grows',
      [a(3), a(5), a(5), a(6)],
      [
        [0, 3],
        [0, 2],
        [0, 1],
      ],
    ],
    [
      'a second call',
      [a(3), a(3, 2)],
      [
        [0, 3],
        [1, 2],
      ],
    ],
    [
      'both maps count by themselves',
      [a(3), b(3), a(4), b(5)],
      [
        [0, 3],
        [0, 3],
        [0, 1],
        [0, 2],
      ],
    ],
    [
      'the last print before a clear adds its rest, the next starts over',
      [a(3), printf('W 1 1'), a(5), b(1), printf('C 0 2'), a(7), b(2), printf('W 0 3'), a(2), b(2)],
      [
        [0, 3],
        [0, 2],
        [0, 1],
        [0, 2],
        [0, 1],
        [0, 2],
      ],
    ],
    [
      'the same value after a clear is new',
      [a(5), printf('C 0 1'), a(5), a(5)],
      [
        [0, 5],
        [0, 5],
      ],
    ],
    [
      'the clear of an empty map, which is not printed, is no clear of the next',
      [printf('C 0 1'), a(5), a(6)],
      [
        [0, 5],
        [0, 1],
      ],
    ],
    [
      'a clear concerns its own map',
      [a(5), b(5), printf('C 1 1'), b(5), a(5), b(5)],
      [
        [0, 5],
        [0, 5],
        [0, 5],
      ],
    ],
    [
      'two clears',
      [a(5), printf('C 0 1'), a(5), a(1), printf('C 0 2'), a(1), a(1)],
      [
        [0, 5],
        [0, 1],
        [0, 1],
      ],
    ],
    [
      'a value that went down is all new',
      [a(5), a(2), a(3)],
      [
        [0, 5],
        [0, 2],
        [0, 1],
      ],
    ],
  ]
  for (const [name, lines, counts] of cases) t.strictSame(countsOf(decoded(lines)), counts, name)
})

t.test('endpoints are counted like calls, by their own rotation', async (t) => {
  const print = (times: number): Buffer =>
    mapPrint('endpoints_b', [[`${MAIN},131152,::ffff:127.0.0.1`, times]])
  const lines = [print(3), printf('C 1 1'), print(4), printf('c 1 2'), print(4), print(2)]
  const told = observationsOf(decoded(lines))
  t.match(
    told,
    [3, 1, 2].map((count) => ({ kind: 'connect', address: '127.0.0.1', port: 80, pid: 0, count })),
  )
  t.equal(told.length, 3)
})

t.test('arguments are counted like calls, and start over with them', async (t) => {
  const socket = callKey(4, 2, 0, 41)
  const print = (...counts: readonly (readonly [number, number])[]): Buffer =>
    mapPrint(
      'args_b',
      counts.map(([value, count]) => [`${socket},${value}`, count] as const),
    )
  const calls = mapPrint('calls_b', [[socket, 3]])
  const lines = [print([33, 3]), print([33, 4], [0xffff_fff0, 2]), printf('c 1 1'), print([33, 4])]
  const cleared = [printf('C 1 1'), print([33, 5]), print([33, 5]), calls]
  const result = decoded([...lines, ...cleared])
  t.strictSame(argumentsOf(result), [
    [41, 33, 3],
    [41, 33, 1],
    [41, 0xffff_fff0, 2],
    [41, 33, 1],
    [41, 33, 5],
  ])
  t.strictSame(countsOf(result), [[41, 3]], 'the calls themselves are counted apart')
  t.equal(result.malformed, 0)
})

t.test('what each cgroup, lineage and entry did is counted by itself', async (t) => {
  const keys = [
    callKey(4, 3, 0, 1, 7),
    callKey(4, 3, 0, 1, 8),
    callKey(4, 2, 0, 1),
    callKey(4, 3, 1, 1, 7),
    callKey(5, 3, 0, 1, 7),
    // These two are one number to a double.
    callKey(2 ** 40 - 1, 3, 0, 1, 7),
    callKey(2 ** 40 - 1, 3, 0, 2, 7),
  ]
  const print = (add: number): Buffer =>
    mapPrint(
      'calls_a',
      keys.map((key, i) => [key, (i + 1) * 10 + add] as const),
    )
  const told = decoded([print(0), print(1)]).told.map((call) => call.slice(1, 7))
  const owners = [
    [4, 'exec', 7, 'x86_64', 1],
    [4, 'exec', 8, 'x86_64', 1],
    [4, 'main', 0, 'x86_64', 1],
    [4, 'exec', 7, 'i386', 1],
    [5, 'exec', 7, 'x86_64', 1],
    [2 ** 40 - 1, 'exec', 7, 'x86_64', 1],
    [2 ** 40 - 1, 'exec', 7, 'x86_64', 2],
  ]
  t.strictSame(
    told.slice(0, 7),
    owners.map((owner, i) => [...owner, (i + 1) * 10]),
  )
  t.strictSame(
    told.slice(7),
    owners.map((owner) => [...owner, 1]),
  )
})

t.test('what was printed but did not arrive is a loss of its class', async (t) => {
  const sent = (counts: Readonly<Record<string, number>>): Buffer =>
    mapPrint('sent', [
      ['0', 9],
      ...Object.entries(counts).map(([letter, n]) => [letter.charCodeAt(0), n] as const),
    ])
  const refused = mapPrint('refused', [
    ['0', 1],
    [76, 11],
    [83, 2],
  ])
  const gone = printf('g 5 1')
  const call = printf(`S ${callKey(5, 2, 0, 1)} 7 6 0 1 a`)

  const all = decoded([gone, call, sent({ g: 1, S: 1 }), sent({ g: 1, S: 1 })])
  t.strictSame([all.running, all.final], [[], []], 'nothing is lost where all arrived')

  const some = decoded([gone, call, sent({ g: 6, S: 4 }), sent({ g: 8, S: 4 })], true, 2000)
  const hint = { what: 'syscall hint', count: 3, isHint: true }
  t.strictSame(
    some.running,
    [{ what: 'cgroup', count: 5, isHint: false }, hint],
    'as of the print before the last',
  )
  t.strictSame(
    some.final,
    [{ what: 'cgroup', count: 7, isHint: false }, hint],
    'as of the last print',
  )

  t.strictSame(decoded([sent({ g: 3 })]).running, [], 'one print may be ahead of its records')
  const queued = [sent({ g: 1 }), sent({ g: 1 })]
  t.strictSame(decoded(queued).running, [], 'so may several that had to queue')
  t.match(decoded([...queued, sent({ g: 1 })], true, 2000).running, [{ count: 1 }])
  t.match(decoded([sent({ g: 3 })]).final, [{ count: 3 }], 'unless it is the last')
  t.strictSame(
    decoded([gone, gone, sent({ g: 1 })]).final,
    [],
    'more arrivals than prints are no loss',
  )

  const exec = decoded([sent({ A: 4, E: 3, P: 2, F: 2, D: 1, X: 1, N: 5, q: 1 })]).final
  t.strictSame(exec, [
    { what: 'entry', count: 4, isHint: false },
    { what: 'exec', count: 7, isHint: false },
    { what: 'datagram', count: 1, isHint: false },
    { what: 'unix', count: 1, isHint: false },
    { what: 'endpoint hint', count: 5, isHint: true },
    { what: 'q', count: 1, isHint: false },
  ])

  const full = decoded([refused, refused])
  t.strictSame(full.refusals, [
    { what: 'lineage', count: 11, isHint: false },
    { what: 'syscall hint', count: 2, isHint: true },
  ])
  t.strictSame(full.told, [['printed'], ['printed']], 'each print of the counters is told')
})

t.test('a map that reached its capacity is told', async (t) => {
  const entries = (count: number): (readonly [string, number])[] =>
    Array.from({ length: count }, (_, i) => [callKey(i + 1, 2, 0, 1), 1] as const)
  const fills = (name: string, count: number): readonly unknown[] =>
    decoded([mapPrint(name, entries(count))]).told.filter(([what]) => what === 'mapFull')
  t.strictSame(fills('calls_a', 65535), [])
  t.strictSame(fills('calls_b', 65536), [['mapFull', 'syscall']])
  const endpoints = entries(65536).map(([key]) => [`${key},131152,::1`, 1] as const)
  t.strictSame(decoded([mapPrint('endpoints_a', endpoints)]).told.at(-1), ['mapFull', 'endpoint'])
  const values = entries(65536).map(([key]) => [`${key},33`, 1] as const)
  t.strictSame(decoded([mapPrint('args_b', values)]).told.at(-1), ['mapFull', 'argument'])
})
