/** Health checks and other processes that join a container: from the sensor's bytes to the lineages of the baseline. */
import t from 'tap'
import type { Baseline } from '../../src/baseline/baseline.js'
import type { Lineage } from '../../src/observation.js'
import { entryOf, otherArgvOfTag } from '../support/entry-of.js'
import { digestOf, LearningScript, pathOf } from '../support/learning-script.js'
import { counters, entry, exec, keyOf, mapPrint, record } from '../support/sensor-lines.js'

const CHECK = ['/bin/sh', '-c', 'ls /ready']
const SHELL = ['/bin/sh', '-c', 'cat /etc/shadow']
const OTHER = otherArgvOfTag(...CHECK)
const CGROUP = 7

/** A script in which one container runs, whose runtime told of that health check. */
function running(healthChecks: readonly (readonly string[])[] = [CHECK]): LearningScript {
  return new LearningScript()
    .attach()
    .created(CGROUP, pathOf('web'))
    .answer('web', { healthChecks })
}

function tagged(argv: readonly string[], nr = 0): number {
  return keyOf(CGROUP, 'exec', nr, { tag: entryOf(...argv).tag })
}

/** An entry with that argv joins, calls `nr` once, and is seen to have done so by the next print. */
function joins(script: LearningScript, argv: readonly string[], nr: number): LearningScript {
  return script.bytes(entry(CGROUP, 200, script.nsecs, argv), called(argv, nr))
}

function called(argv: readonly string[], nr: number): string {
  return mapPrint('calls_a', { [tagged(argv, nr)]: 1 })
}

function printed(script: LearningScript, times = 2): LearningScript {
  for (let i = 0; i < times; i++) script.pass(2000).bytes(counters({}))
  return script
}

/** Numbers of the calls, by the lineages that made any. */
function callsOf(baseline: Baseline | undefined): Partial<Record<Lineage, readonly number[]>> {
  const calls = (['main', 'exec', 'probe'] as const).map(
    (lineage) => [lineage, baseline?.syscalls(lineage).map(({ nr }) => nr) ?? []] as const,
  )
  return Object.fromEntries(calls.filter(([, numbers]) => numbers.length > 0))
}

t.test('what the health check does is probe, what others do from outside is exec', async (t) => {
  const script = running().calls(CGROUP, { 1: 5 })
  joins(joins(script, CHECK, 2), SHELL, 3)
  script.bytes(
    record('S', tagged(CHECK, 4), 200, 1, 0, script.nsecs, 'sh'),
    mapPrint('args_a', { [`${tagged(CHECK, 41)},33`]: 3 } as Record<string, number>),
    exec(tagged(CHECK), 200, 1, script.nsecs, '/bin/sh', 'busybox'),
    exec(tagged(SHELL), 201, 1, script.nsecs, '/bin/sh', 'busybox'),
    record('N', tagged(CHECK), 2 * 65_536 + 80, 200, 1, 0, script.nsecs, '127.0.0.1'),
    record('N', tagged(SHELL), 2 * 65_536 + 81, 201, 1, 0, script.nsecs, '127.0.0.1'),
  )
  const [web] = printed(script).end()
  t.strictSame(callsOf(web), { main: [1], exec: [3], probe: [2, 4] })
  t.strictSame(
    web?.execs('probe').map(({ path }) => path),
    ['/bin/sh'],
  )
  t.strictSame(
    web?.execs('exec').map(({ path }) => path),
    ['/bin/sh'],
  )
  t.strictSame([web?.connections('probe')[0]?.port, web?.connections('exec')[0]?.port], [80, 81])
  t.strictSame(web?.completeness(), { state: 'full', reasons: [] })
})

t.test('facts wait for two prints of the maps, or for the end of the sensor', async (t) => {
  const script = joins(running(), CHECK, 2).calls(CGROUP, { 1: 5 })
  const [web] = script.session.baselines()
  t.strictSame(callsOf(web), { main: [1] })
  printed(script, 1)
  t.strictSame(callsOf(web), { main: [1] })
  printed(script, 1)
  t.strictSame(callsOf(web), { main: [1], probe: [2] })
  script.bytes(called(CHECK, 3)).sensorEnded(false)
  t.strictSame(callsOf(web), { main: [1], probe: [2, 3] })
})

t.test('a fact may overtake the record of its entry', async (t) => {
  const script = running().bytes(
    called(CHECK, 2),
    record('S', tagged(CHECK, 3), 200, 1, 0, 0, 'sh'),
  )
  printed(script, 1).bytes(entry(CGROUP, 200, script.nsecs, CHECK))
  t.strictSame(callsOf(printed(script).end()[0]), { probe: [2, 3] })
})

t.test('a fact whose entry was never told is exec', async (t) => {
  const script = printed(running().bytes(called(CHECK, 2)))
  script.bytes(entry(CGROUP, 200, script.nsecs, CHECK), called(CHECK, 3))
  t.strictSame(callsOf(printed(script).end()[0]), { exec: [2], probe: [3] })
})

t.test('one that has the tag of the health check makes it exec from there on', async (t) => {
  t.equal(entryOf(...OTHER).tag, entryOf(...CHECK).tag)
  const script = printed(joins(running(), CHECK, 2))
  joins(script, OTHER, 3)
  printed(joins(printed(script), CHECK, 4))
  t.strictSame(callsOf(script.end()[0]), { exec: [3, 4], probe: [2] })
  const overtaken = running().bytes(entry(CGROUP, 200, 0, CHECK), called(OTHER, 3))
  printed(overtaken, 1).bytes(entry(CGROUP, 201, 0, OTHER))
  t.strictSame(callsOf(printed(overtaken).end()[0]), { exec: [3] }, 'told after its facts, too')
})

t.test('after the record of an entry was lost nothing is taken for the health check', async (t) => {
  const script = printed(joins(running(), CHECK, 2))
  for (let print = 0; print < 3; print++) script.bytes(counters({ A: 2 })).pass(2000)
  const [web] = printed(joins(script, CHECK, 3)).end()
  t.strictSame(callsOf(web), { exec: [3], probe: [2] })
  t.match(web?.completeness().reasons, [{ reason: 'lost-events', count: 1, detail: 'entry' }])
})

t.test(
  'without a health check, or with nobody to tell of it, all that joins is exec',
  async (t) => {
    t.strictSame(callsOf(joins(running([]), CHECK, 2).end()[0]), { exec: [2] })
    const unknown = new LearningScript().attach().created(CGROUP, pathOf('web'))
    joins(unknown, CHECK, 2).unanswered('web', 'no such container')
    t.strictSame(callsOf(unknown.end()[0]), { exec: [2] })
    const silent = new LearningScript().attach().created(CGROUP, pathOf('web'))
    t.strictSame(callsOf(joins(silent, CHECK, 2).end()[0]), { exec: [2] })
    const command = new LearningScript({}).restart()
    const image = { kind: 'command', digest: digestOf('sh'), name: 'sh', entrypoint: [] } as const
    command.command(CGROUP, image)
    t.strictSame(callsOf(joins(command, CHECK, 2).end()[0]), { exec: [2] })
  },
)

t.test('what joined before cgroup and health check were known waits for both', async (t) => {
  const script = new LearningScript().attach().created(CGROUP, '')
  printed(joins(joins(script, CHECK, 2), SHELL, 3), 3)
  script.scan({ id: CGROUP, path: pathOf('web') })
  printed(script, 3).answer('web', { healthChecks: [['sh'], CHECK] })
  t.strictSame(callsOf(printed(script).end()[0]), { exec: [3], probe: [2] })
})

t.test('containers that share a tag do not share a health check', async (t) => {
  const script = running()
    .created(8, pathOf('db'))
    .answer('db', { imageDigest: digestOf('db') })
  joins(script, CHECK, 2)
  const other = keyOf(8, 'exec', 3, { tag: entryOf(...CHECK).tag })
  script.bytes(entry(8, 300, 0, CHECK), mapPrint('calls_a', { [other]: 1 }))
  const baselines = script.end()
  const byImage = new Map(baselines.map((one) => [one.image.digest, callsOf(one)]))
  t.strictSame(byImage.get(digestOf('web')), { probe: [2] })
  t.strictSame(byImage.get(digestOf('db')), { exec: [3] })
})

t.test('a flood of facts about entries is bounded, and what found no room is said', async (t) => {
  const script = running()
  script.bytes(entry(CGROUP, 200, 0, SHELL))
  for (let i = 0; i < 9000; i++) {
    script.bytes(record('S', tagged(SHELL, i % 400), 200, 1, 0, script.nsecs, 'sh'))
  }
  const [web] = printed(script).end()
  t.match(web?.completeness().reasons, [
    { reason: 'lost-events', count: 808, detail: 'held while an entry was decided' },
  ])
})
