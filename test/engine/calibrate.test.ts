/** What rounds of a calibration add up to, and the floors that are kept on disk. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { calibrationText } from '../../src/cli/calibrate-text.js'
import { type Calls, Round, type Tally, tallyOf } from '../../src/engine/calibrate-rounds.js'
import { loadFloors, previousFloor, saveFloor } from '../../src/engine/floors.js'
import { comparedFloors } from '../../src/seccomp/floor-compare.js'
import { type FloorDocument, MEASURES } from '../../src/seccomp/floor-document.js'
import { plimsoll } from '../support/fake-terminal.js'

const [START, START_NNP] = MEASURES
if (START === undefined || START_NNP === undefined) throw new Error('there are four measures')

/** One round per list, each with one cgroup that made these calls and one exec. */
function tallied(rounds: readonly (readonly string[])[], spoil: readonly number[] = []): Tally {
  const calls = new Map<number, Calls>()
  const made = rounds.map((names, index) => {
    calls.set(index, new Map([...names, 'execve'].map((name) => [name, 3])))
    const round = new Round()
    round.watched({ cgroupId: index, measure: START ?? MEASURES[0]!, programs: 1 })
    round.ended(1000 + index, index)
    if (spoil.includes(index)) round.spoil('it failed')
    return round
  })
  return tallyOf(made, (cgroupId) => calls.get(cgroupId) ?? new Map<string, number>())
}

t.test('a floor says in how many rounds each call was seen', async (t) => {
  const { floors, rounds, quiet, spoiled } = tallied([['read'], ['read', 'futex'], ['read']])
  t.strictSame(floors[0]?.names, { execve: 3, futex: 1, read: 3 })
  t.strictSame(Object.keys(floors[0]?.names ?? {}), ['execve', 'futex', 'read'], 'in order')
  t.strictSame(floors[1]?.names, {})
  t.match({ rounds, quiet, spoiled }, { rounds: 3, quiet: 1, spoiled: [] })
  t.equal(floors[0]?.rounds, 3)
})

t.test('a round that does not count adds nothing and interrupts nothing', async (t) => {
  const tally = tallied([['read'], ['sync'], ['read']], [1])
  t.strictSame(tally.floors[0]?.names, { execve: 2, read: 2 })
  t.match(tally, { rounds: 2, quiet: 1, spoiled: ['it failed'], spoiledInARow: 0 })
  t.equal(tallied([['read'], ['read'], ['read']], [1, 2]).spoiledInARow, 2)
})

t.test('what no floor may have is listed apart, with what has no name', async (t) => {
  const { floors, tried, quiet } = tallied([['mount', 'x86_64:700?'], ['fsopen']])
  t.strictSame(floors[0]?.names, { execve: 2 })
  t.strictSame(tried, ['fsopen', 'mount', 'x86_64:700?'])
  t.equal(quiet, 1, 'it is nothing new for the floor')
})

t.test('a round counts when all of it was seen, and is known to have been', async (t) => {
  const seen = (execs: number) => () => new Map([['execve', execs]])
  const round = new Round()
  round.watched({ cgroupId: 1, measure: START, programs: 2 })
  t.equal(round.isSettled(100), false, 'it still runs')
  round.ended(5000, 10)
  t.strictSame(
    [10, 12, 13].map((prints) => round.isSettled(prints)),
    [false, false, true],
    'three prints later',
  )
  t.equal(round.problem(seen(2)), '')
  t.equal(round.problem(seen(1)), 'a program started unseen')
  round.missed('lost-events (lineage)', 5001)
  t.equal(round.problem(seen(2)), '', 'that was later')
  round.missed('lost-events (lineage)', 5000)
  round.missed('map-full', 5000)
  t.equal(round.problem(seen(2)), 'lost-events (lineage)', 'the first one')
  t.equal(new Round().isSettled(1000), false)

  const running = new Round()
  running.missed('the sensor ended', 9_999_999)
  t.equal(running.problem(seen(0)), 'the sensor ended', 'whatever happens to one that still runs')
  t.ok(running.isSettled(0), 'and then nothing more is wanted of it')
})

function documentOf(
  version: string,
  measuredAt: string,
  rounds: readonly string[][],
): FloorDocument {
  const { floors, tried, quiet } = tallied(rounds)
  return {
    format: 1,
    runtime: 'runc',
    version,
    release: `${version}+x`,
    facts: { libseccomp: '2.5.4' },
    architecture: 'x86_64',
    measuredAt,
    kernel: '6.1.0',
    bpftrace: '0.17.0',
    plimsoll: '0.1.0',
    quietRounds: quiet,
    tried,
    floors: floors.map((floor) => ({ ...floor, names: floors[0]?.names ?? {} })),
  }
}

const OLD = documentOf('1.1.5', '2026-01-02T03:04:05.678Z', [['read'], ['read']])
const NEW = documentOf('1.3.6', '2026-02-02T03:04:05.678Z', [['read', 'mount'], ['statx']])

t.test('of each runtime the last calibration hides those before it, and what ships', async (t) => {
  const state = join(t.testdir({}), 'state')
  const shipped = await loadFloors(state)
  t.ok(shipped.length > 0 && shipped.every(({ from }) => from === 'shipped'))

  const path = await saveFloor(state, NEW)
  t.equal(path, join(state, 'floors/runc-1.3.6-x86_64.json'))
  await saveFloor(state, OLD)
  t.strictSame(readdirSync(join(state, 'floors')).length, 2)
  const [first, ...others] = await loadFloors(state)
  t.strictSame(first, { from: 'host', document: NEW })
  t.strictSame(others, shipped)
  t.strictSame(await previousFloor(state, OLD), OLD)
  t.equal(await previousFloor(state, { ...OLD, version: '9.9' }), undefined)
})

t.test('a damaged floor is refused by name, and left as it is', async (t) => {
  const state = join(t.testdir({}), 'state')
  const path = join(state, 'floors/runc-1.1.5-x86_64.json')
  mkdirSync(join(state, 'floors'), { recursive: true })
  for (const text of ['{"format":1}', '', `"${'x'.repeat(300_000)}"`]) {
    writeFileSync(path, text)
    await t.rejects(loadFloors(state), { code: 'FLOOR_DAMAGED', message: new RegExp(path) })
    t.equal(readFileSync(path, 'utf8'), text)
  }
  const listing = await plimsoll(['baseline', 'ls', '--state', state])
  t.match(listing, { status: 1, said: /floor .* is damaged/ })
  t.equal(await previousFloor(state, OLD), undefined, 'a new calibration replaces it')
  await saveFloor(state, OLD)
  t.strictSame((await loadFloors(state))[0], { from: 'host', document: OLD })
})

t.test(
  'a calibration for people names its calls, and how often the odd ones were seen',
  async (t) => {
    const text = calibrationText({
      kind: 'measured',
      document: NEW,
      path: '/state/floors/x\u001b[2J.json',
      spoiled: ['map-full', 'map-full'],
      toShipped: null,
      toPrevious: comparedFloors(OLD, NEW),
    })
    t.match(text, /^runc 1\.3\.6\+x, libseccomp 2\.5\.4: 2 rounds, nothing new in the last 0\n/)
    t.match(text, /\n {2}start {16}3 {2}execve read\(1\) statx\(1\)\n/)
    t.match(text, /2 rounds did not count: map-full\n/)
    t.match(text, /never part of a floor: mount\n/)
    t.match(text, /ships for this version: there is none\n/)
    t.match(text, /last calibration: start \+statx; start, no_new_privs \+statx;/)
    t.notMatch(text, '\u001b')
    for (const line of text.split('\n')) t.ok(line.length <= 100 || line.includes('against'), line)
  },
)
