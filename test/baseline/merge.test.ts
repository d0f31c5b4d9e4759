/** Merging: a join of what baselines say, whatever their order, their grouping, and what they share. */
import { equal } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { Baseline } from '../../src/baseline/baseline.js'
import { decodeBaseline, encodeBaseline } from '../../src/baseline/codec.js'
import type { Behaviour } from '../../src/baseline/behaviour.js'
import type { EndpointItem } from '../../src/baseline/endpoint-item.js'
import { HISTORY_LIMITS } from '../../src/baseline/history.js'
import { itemKeyOf } from '../../src/baseline/item-key.js'
import {
  CONNECTION_LIMIT,
  EXEC_LIMIT,
  LISTENER_LIMIT,
  RUN_LIMIT,
} from '../../src/baseline/limits.js'
import { merged } from '../../src/baseline/merge.js'
import type { RunRecord } from '../../src/baseline/run-record.js'
import { byteStringOfText } from '../../src/bytes.js'
import type { EndpointObservation, ExecObservation } from '../../src/observation.js'
import { IMAGE, runFacts, steps, take } from '../support/baseline-steps.js'
import { bytesOf, shard, TIGHT } from '../support/shards.js'

const NOTHING = Baseline.empty({ ...IMAGE, name: '' })

function itemsOf({ behaviours }: RunRecord): readonly object[] {
  return Object.values(behaviours).flatMap((behaviour): object[] => {
    const { syscalls, arguments: values, execs } = behaviour
    return [...syscalls, ...values, ...execs, ...endpointsOf(behaviour)]
  })
}

function textsOf({ behaviours }: RunRecord): readonly string[] {
  return Object.values(behaviours).flatMap((behaviour) => [
    ...behaviour.execs.map(({ path, exe }) => path + exe),
    ...endpointsOf(behaviour).map(({ address }) => address),
  ])
}

function endpointsOf({ connections, listeners }: Behaviour): readonly EndpointItem[] {
  return [...connections, ...listeners]
}

/** Both kinds of limits: those of the model, which such shards never meet, and ones that they always do. */
const EITHER = fc.constantFrom(HISTORY_LIMITS, TIGHT)

function execution(path: string, atMs: number, changes: Partial<ExecObservation> = {}) {
  return {
    kind: 'exec',
    cgroupId: 7,
    lineage: 'main',
    atMs,
    pid: 1,
    ppid: 0,
    uid: 0,
    atNs: 0,
    comm: byteStringOfText('x'),
    path: byteStringOfText(path),
    exe: byteStringOfText('x'),
    inode: 1,
    links: 1,
    fsMagic: 0x794c7630,
    upper: false,
    truncated: false,
    ...changes,
  } as const
}

function endpoint(kind: 'connect' | 'listen', address: string, atMs: number): EndpointObservation {
  return {
    kind,
    cgroupId: 7,
    lineage: 'main',
    atMs,
    pid: 1,
    ppid: 0,
    uid: 0,
    atNs: 0,
    protocol: 'unix',
    address: byteStringOfText(address),
    port: 0,
    source: 'user',
    count: 3,
    truncated: false,
  }
}

t.test('the order does not matter', async (t) => {
  fc.assert(
    fc.property(shard, shard, EITHER, (a, b, limits) => {
      equal(bytesOf(merged(a, b, limits)), bytesOf(merged(b, a, limits)))
    }),
    { numRuns: 300 },
  )
  t.pass('300 pairs')
})

t.test('the grouping does not matter', async (t) => {
  fc.assert(
    fc.property(shard, shard, shard, EITHER, (a, b, c, limits) => {
      const left = merged(merged(a, b, limits), c, limits)
      const right = merged(a, merged(b, c, limits), limits)
      equal(bytesOf(left), bytesOf(right))
    }),
    { numRuns: 300 },
  )
  t.pass('300 triples')
})

t.test('nothing is added twice', async (t) => {
  fc.assert(
    fc.property(shard, shard, EITHER, (first, second, limits) => {
      const [a, b] = [merged(first, NOTHING, limits), merged(second, NOTHING, limits)]
      const sum = merged(a, b, limits)
      equal(bytesOf(merged(a, a, limits)), bytesOf(a))
      equal(bytesOf(merged(sum, b, limits)), bytesOf(sum), 'a part brings nothing')
      equal(bytesOf(merged(a, sum, limits)), bytesOf(sum), 'a whole is taken over')
      equal(bytesOf(merged(sum, NOTHING, limits)), bytesOf(sum), 'nothing brings nothing')
    }),
    { numRuns: 200 },
  )
  t.pass('200 pairs')
})

t.test('any number of shards in any order, grouping and repetition say the same', async (t) => {
  const shuffled = fc.array(shard, { minLength: 2, maxLength: 7 }).chain((shards) =>
    fc.tuple(
      fc.constant(shards),
      fc.shuffledSubarray([...shards, ...shards], {
        minLength: shards.length * 2,
        maxLength: shards.length * 2,
      }),
      fc.array(fc.nat({ max: 20 }), { minLength: 20, maxLength: 20 }),
    ),
  )
  fc.assert(
    fc.property(shuffled, EITHER, ([shards, mixed, picks], limits) => {
      const inOrder = shards.reduce((sum, one) => merged(sum, one, limits), NOTHING)
      // Merges two neighbours, which ones chance says, until one is left.
      const groups = [...mixed]
      for (let n = 0; groups.length > 1; n++) {
        const at = (picks[n % picks.length] ?? 0) % (groups.length - 1)
        const [a, b] = groups.splice(at, 2)
        if (a && b) groups.splice(at, 0, merged(a, b, limits))
      }
      equal(bytesOf(groups[0] ?? NOTHING), bytesOf(inOrder))
    }),
    { numRuns: 150 },
  )
  t.pass('150 sets of shards')
})

t.test('an earlier and a later state of a run merge to the later', async (t) => {
  fc.assert(
    fc.property(steps(12), steps(12), (before, after) => {
      const baseline = Baseline.empty(IMAGE)
      const runs = ['a', 'b', 'c'].map((id) => baseline.startRun(runFacts(id, { endedMs: 0 })))
      for (const step of before) take(baseline, runs, step)
      const earlier = Baseline.of(baseline.snapshot())
      for (const step of after) take(baseline, runs, step)
      for (const run of runs) baseline.endRun(run, 9_000)
      const later = bytesOf(baseline)
      equal(bytesOf(merged(earlier, baseline)), later)
      equal(bytesOf(merged(baseline, earlier)), later)
    }),
    { numRuns: 300 },
  )
  t.pass('300 histories')
})

t.test('the sum can be stored, and says what both say', async (t) => {
  fc.assert(
    fc.property(shard, shard, EITHER, (a, b, limits) => {
      const before = [bytesOf(a), bytesOf(b)]
      const sum = merged(a, b, limits)
      t.strictSame([bytesOf(a), bytesOf(b)], before, 'neither is changed')
      t.notOk('problem' in decodeBaseline(encodeBaseline(sum)))
      const { runs } = sum.snapshot()
      t.ok(runs.length <= limits.runs)
      t.ok(runs.flatMap(itemsOf).length <= limits.items)
      t.ok(runs.flatMap(textsOf).join('').length <= limits.textBytes)
      for (const one of [a, b]) {
        for (const lineage of ['runtime', 'main', 'exec', 'probe'] as const) {
          for (const { abi, nr } of one.syscalls(lineage)) {
            t.ok(sum.hasSyscall(lineage, abi, nr), `${lineage} ${abi} ${nr}`)
          }
          const known = sum.execs(lineage).map(({ path, exe }) => `${path.length} ${path}${exe}`)
          for (const { path, exe } of one.execs(lineage)) {
            t.ok(known.includes(`${path.length} ${path}${exe}`))
          }
        }
      }
    }),
    { numRuns: 40 },
  )
})

t.test('counts of different runs are added, of one run the greatest counts', async (t) => {
  const shards = [3, 5, 4].map((count, n) => {
    const baseline = Baseline.empty(IMAGE)
    for (const runId of ['shared', `own ${n}`]) {
      const run = baseline.startRun(runFacts(runId))
      baseline.learnSyscall(run, 'main', 'x86_64', 1, count, 1_000 + n)
    }
    return baseline
  })
  const sum = shards.reduce((a, b) => merged(a, b))
  t.match(sum.syscalls('main'), [
    { count: 5 + 3 + 5 + 4, runs: 4, windows: 4, firstMs: 1_000, lastMs: 1_002 },
  ])
  t.equal(sum.runCount, 4)
})

t.test(
  'the revision is that of the first, the name that of the run that started last',
  async (t) => {
    const named = (name: string, startedMs: number, revision: number): Baseline => {
      const baseline = Baseline.empty({ ...IMAGE, name })
      baseline.startRun(runFacts(name, { startedMs }))
      baseline.revision = revision
      return baseline
    }
    const [old, young] = [named('web:1', 10, 7), named('web:2', 20, 3)]
    t.match(merged(old, young), { revision: 7, image: { name: 'web:2' } })
    t.match(merged(young, old), { revision: 3, image: { name: 'web:2' } })
  },
)

t.test('baselines of different images are not merged', async (t) => {
  const other = Baseline.empty({ ...IMAGE, digest: `sha256:${'9'.repeat(64)}`, name: 'db:3' })
  t.throws(() => merged(Baseline.empty(IMAGE), other), {
    code: 'IMAGES_DIFFER',
    message: /localhost\/web:1\.0 \(sha256:0123456789ab\) and db:3 \(sha256:999999999999\)/,
  })
})

t.test('more decisions than fit are refused, and none is dropped', async (t) => {
  const decided = (word: string, count: number): Baseline => {
    const baseline = Baseline.empty(IMAGE)
    for (let n = 0; n < count; n++) {
      const exe = byteStringOfText(word)
      const item = itemKeyOf({ kind: 'exec', path: byteStringOfText(`/${n}`), exe })
      baseline.setVerdict({ item, verdict: 'approved', atMs: 1, by: 'ann', reason: '' })
    }
    return baseline
  }
  t.equal(merged(decided('a', 2048), decided('b', 2048)).decisions.verdicts.length, 4096)
  t.throws(() => merged(decided('a', 2048), decided('b', 2049)), { code: 'DECISIONS_FULL' })
})

t.test('of programs first seen at the same time one magic wins in both orders', async (t) => {
  const cases = [
    ['of two runs', ['run a', 'run b'], { count: 2, runs: 2 }],
    ['of one run', ['run', 'run'], { count: 1, runs: 1 }],
  ] as const
  for (const [title, runIds, figures] of cases) {
    const [a, b] = [0x01021994, 0x794c7630].map((fsMagic, i) => {
      const baseline = Baseline.empty(IMAGE)
      const run = baseline.startRun(runFacts(runIds[i] ?? ''))
      baseline.learnExec(run, execution('/bin/sh', 500, { fsMagic }))
      return baseline
    })
    if (a === undefined || b === undefined) throw new Error('there are two sides')
    for (const sum of [merged(a, b), merged(b, a)]) {
      t.match(sum.execs('main'), [{ fsMagic: 0x01021994, otherFs: true, ...figures }], title)
    }
  }
})

t.test('what stays of contradicting states does not hang on their order', async (t) => {
  const value = fc.record({ value: fc.nat({ max: 90 }), atMs: fc.nat({ max: 30 }) })
  const state = fc.array(value, { minLength: 30, maxLength: 60 }).map((values) => {
    const baseline = Baseline.empty(IMAGE)
    const run = baseline.startRun(runFacts('run'))
    for (const one of values) {
      baseline.learnArgument(run, 'main', 'x86_64', 41, one.value, 1, one.atMs)
    }
    return baseline
  })
  fc.assert(
    fc.property(state, state, state, (a, b, c) => {
      const sum = bytesOf(merged(merged(a, b), c))
      equal(bytesOf(merged(a, merged(b, c))), sum)
      equal(bytesOf(merged(merged(c, a), b)), sum)
    }),
    { numRuns: 100 },
  )
  t.pass('100 triples')
})

t.test('programs beyond the bound are cut, and their items say so', async (t) => {
  const by = (runId: string, ...programs: readonly string[]): Baseline => {
    const baseline = Baseline.empty(IMAGE)
    const run = baseline.startRun(runFacts(runId))
    for (const [nr, program] of programs.entries()) {
      baseline.learnProgram(run, 'main', 'x86_64', nr, byteStringOfText(program), 1_000)
    }
    return baseline
  }
  const sum = merged(by('a', '/e', '/b', '/c'), by('b', '/d', '/a', '/f'), {
    ...HISTORY_LIMITS,
    programs: 4,
  })
  t.strictSame(sum.snapshot().programs, ['/a', '/b', '/c', '/d'])
  t.match(sum.syscalls('main'), [
    { programs: ['/d'], morePrograms: true },
    { programs: ['/a', '/b'], morePrograms: false },
    { programs: ['/c'], morePrograms: true },
  ])
})

t.test('a run that comes after it was folded is folded again, and changes nothing', async (t) => {
  const lives = ['a', 'b', 'c', 'd', 'e'].map((runId, startedMs) => {
    const baseline = Baseline.empty(IMAGE)
    const run = baseline.startRun(runFacts(runId, { startedMs }))
    baseline.learnSyscall(run, 'main', 'x86_64', startedMs, 7, 1_000)
    return baseline
  })
  const sum = lives.reduce((a, b) => merged(a, b, TIGHT))
  t.match(sum.snapshot(), { runs: [{ runId: 'c' }, {}, {}], folded: { upTo: { runId: 'b' } } })
  for (const life of lives) t.equal(bytesOf(merged(sum, life, TIGHT)), bytesOf(sum))
  t.match(sum.syscalls('main'), Array(5).fill({ count: 7, runs: 1 }))
})

/** One run that nearly fills every set of `main`. */
function filled(runId: string, word: string, firstMs: number): Baseline {
  const baseline = Baseline.empty(IMAGE)
  const run = baseline.startRun(runFacts(runId))
  for (let i = 0; i < EXEC_LIMIT - 10; i++) {
    baseline.learnExec(run, execution(`/${word}/${i}`, firstMs + i))
  }
  for (let i = 0; i < CONNECTION_LIMIT - 10; i++) {
    baseline.learnEndpoint(run, endpoint('connect', `/${word}/${i}`, firstMs + i))
  }
  for (let i = 0; i < LISTENER_LIMIT - 10; i++) {
    baseline.learnEndpoint(run, endpoint('listen', `/${word}/${i}`, firstMs + i))
  }
  return baseline
}

const SETS = [
  ['execs', EXEC_LIMIT, 1],
  ['connections', CONNECTION_LIMIT, 3],
  ['listeners', LISTENER_LIMIT, 3],
] as const

t.test('a set of all runs that would be too large shows what was seen first', async (t) => {
  const early = filled('early', 'early', 1_000)
  const late = filled('late', 'late', 100_000)
  const sum = merged(late, early)
  t.equal(bytesOf(sum), bytesOf(merged(early, late)))
  const { reasons } = sum.completeness()
  for (const [set, limit, each] of SETS) {
    const items = sum[set]('main')
    t.equal(items.length, limit, set)
    t.equal(items.filter(({ firstMs }) => firstMs < 100_000).length, limit - 10, set)
    t.match(reasons.find((reason) => reason.detail === `main ${set}`) ?? {}, {
      reason: 'map-full',
      count: (limit - 20) * each,
      fromMs: 100_000 + 10,
      toMs: 100_000 + limit - 11,
    })
  }
  t.equal(
    sum.snapshot().runs[1]?.behaviours.main.execs.length,
    EXEC_LIMIT - 10,
    'a run keeps its own',
  )
})

t.test('states of one run that contradict each other stay within its bounds', async (t) => {
  const states = ['x', 'yy', 'zzz'].map((word, n) => filled('run', word, 1_000 * n))
  const [x, y, z] = states
  if (x === undefined || y === undefined || z === undefined) throw new Error('there are three')
  const sum = merged(merged(x, y), z)
  t.equal(bytesOf(merged(x, merged(z, y))), bytesOf(sum))
  t.notOk('problem' in decodeBaseline(encodeBaseline(sum)), 'it can be read back')
  const [run] = sum.snapshot().runs
  for (const [set, limit] of SETS) {
    t.equal(run?.behaviours.main[set].length, limit, set)
    t.ok(run?.behaviours.main[`${set}Collapsed`], set)
  }
})

t.test('beyond the limit of runs the oldest are folded, in whatever order they come', async (t) => {
  const lives = (word: string, count: number, startedMs: number): Baseline => {
    const baseline = Baseline.empty(IMAGE)
    for (let i = 0; i < count; i++) {
      const run = baseline.startRun(runFacts(`${word}/${i}`, { startedMs: startedMs + i }))
      baseline.learnSyscall(run, 'main', 'x86_64', i % 300, 2, 5_000)
      baseline.learnExec(run, execution(`/${word}/${i % 10}`, 5_000))
    }
    return baseline
  }
  const old = lives('old', 600, 1_000)
  const young = lives('young', 600, 5_000)
  const more = lives('more', 100, 9_000)
  const sum = merged(merged(old, young), more)
  for (const other of [
    merged(more, merged(young, old)),
    merged(merged(old, more), merged(young, old)),
    merged(merged(sum, old), young),
  ]) {
    t.equal(bytesOf(other), bytesOf(sum))
  }
  t.equal(sum.runCount, RUN_LIMIT)
  t.match(sum.snapshot(), {
    folded: { upTo: { runId: 'old/299', startedMs: 1_299 }, firstStartedMs: 1_000 },
    runs: [{ runId: 'old/300' }],
  })
  t.equal(sum.syscalls('main').length, 300)
  t.equal(sum.execs('main').length, 30)
})
