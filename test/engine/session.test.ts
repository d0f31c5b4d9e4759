/** The learning session, over the bytes of a sensor and the answers of a host that are made up. */
import t from 'tap'
import type { Baseline } from '../../src/baseline/baseline.js'
import { byteStringOfText } from '../../src/bytes.js'
import type { Incompleteness } from '../../src/observation.js'
import {
  containerId,
  digestOf,
  LearningScript,
  pathOf,
  START_MS,
} from '../support/learning-script.js'
import { exec, keyOf, record } from '../support/sensor-lines.js'

/** Calls of the application by number, with their counts. */
function callsOf(baseline: Baseline | undefined): Record<number, number> {
  return Object.fromEntries((baseline?.syscalls('main') ?? []).map(({ nr, count }) => [nr, count]))
}

function reasonsOf(baseline: Baseline | undefined): readonly Incompleteness[] {
  return baseline?.completeness().reasons ?? []
}

t.test('a container that is known before its facts is learned in full', async (t) => {
  const script = new LearningScript().attach()
  t.strictSame(script.asked(), ['scan'], 'the tree is looked at when the probes are attached')
  script.pass(10).created(7, pathOf('web'))
  t.strictSame(script.requests, [
    { kind: 'resolve', runtime: 'podman', containerId: containerId('web') },
  ])
  script.pass(20).answer('web').pass(5)
  script.bytes(exec(keyOf(7, 'main', 0), 100, 1, script.nsecs, '/bin/sh', 'busybox'))
  script.bytes(exec(keyOf(7, 'main', 0), 101, 100, script.nsecs, '/bin/ls', 'busybox'))
  script.hint(7, 39, 101).calls(7, { 39: 1009, 0: 3 })
  script.pass(30).removed(7)
  const [web, ...others] = script.pass(10).end()
  t.strictSame(others, [])
  t.strictSame(web?.completeness(), { state: 'full', reasons: [] })
  t.strictSame(callsOf(web), { 0: 3, 39: 1009 })
  t.strictSame(web?.syscalls('main')[1]?.programs, ['/bin/ls'], 'the path, not the task name')
  const [ls, sh] = web?.execs('main') ?? []
  t.match(ls, { path: '/bin/ls', exe: 'busybox', programs: ['/bin/sh'], count: 1 })
  t.match(sh, { path: '/bin/sh', programs: [] }, 'who started the first program is not known')
  t.match(web?.image, { kind: 'container', digest: digestOf('web'), name: 'localhost/web:1.0' })
  t.match(web?.snapshot().runs, [
    {
      runId: 'script/1',
      runtime: 'podman',
      containerId: containerId('web'),
      containerName: 'web',
      attachedMs: START_MS + 600,
      startedMs: START_MS + 610,
      endedMs: START_MS + 665,
      kernel: '6.1.0',
      runtimeVersion: '4.3.1',
    },
  ])
})

t.test('facts wait for the image, and are then learned in their order', async (t) => {
  const script = new LearningScript().attach().pass(10).created(7, pathOf('web'))
  script.calls(7, { 1: 5 }).hint(7, 2).calls(7, { 1: 8 }).removed(7)
  t.strictSame(script.session.baselines(), [], 'nobody knows whose they are yet')
  script.pass(50).answer('web')
  const [web] = script.end()
  t.strictSame(callsOf(web), { 1: 8, 2: 0 })
  t.equal(web?.completeness().state, 'full')
  t.equal(web?.snapshot().runs[0]?.endedMs, START_MS + 610, 'the end was held too')
})

t.test('only what was asked for is learned', async (t) => {
  const digest = digestOf('web')
  const cases: readonly [string, ConstructorParameters<typeof LearningScript>[0], boolean][] = [
    ['all', { all: true }, true],
    ['the image by name', { image: 'web' }, true],
    ['the image by digest', { image: digest }, true],
    ['another image', { image: 'other' }, false],
    ['the container by name', { container: 'one' }, true],
    ['the container by id', { container: containerId('one').slice(0, 8) }, true],
    ['another container', { container: 'two' }, false],
    ['nothing, because a command is learned', {}, false],
  ]
  for (const [name, selection, expected] of cases) {
    const script = new LearningScript(selection).attach().created(7, pathOf('one')).hint(7, 1)
    const baselines = script.answer('one').calls(7, { 1: 1 }).end()
    t.equal(baselines.length, expected ? 1 : 0, name)
    t.equal(script.session.runs().length, expected ? 1 : 0, name)
  }
})

t.test('a container that nobody can name stands in as its own image', async (t) => {
  const cases: readonly [string, (script: LearningScript) => void, string][] = [
    ['gone', (script) => script.unanswered('web', 'no such container'), 'no such container'],
    ['no answer by the end', () => undefined, 'its runtime did not answer in time'],
  ]
  for (const [name, answer, problem] of cases) {
    const script = new LearningScript().attach().created(7, pathOf('web')).calls(7, { 1: 3 })
    answer(script)
    const [web] = script.end()
    t.match(web?.image, { digest: `sha256:${containerId('web')}` }, name)
    t.equal(web?.image.name, `container:${containerId('web').slice(0, 12)}`)
    t.strictSame(reasonsOf(web), [{ reason: 'unresolved-image', count: 1, detail: problem }])
    t.strictSame(callsOf(web), { 1: 3 })
  }
})

t.test('an empty cgroup whose runtime never answers is no run', async (t) => {
  const script = new LearningScript().attach().created(7, pathOf('web')).removed(7)
  t.strictSame(script.end(), [])
})

t.test('two containers of one image are two runs of one baseline', async (t) => {
  const script = new LearningScript().attach()
  script.created(7, pathOf('one')).created(8, pathOf('two'))
  script.answer('two').calls(8, { 1: 5 })
  script.answer('one').calls(7, { 1: 2, 3: 1 }).calls(8, { 1: 9 })
  const [web, ...others] = script.end()
  t.strictSame(others, [])
  t.equal(web?.runCount, 2)
  t.strictSame(callsOf(web), { 1: 11, 3: 1 })
  t.strictSame(
    web?.syscalls('main').map(({ nr, runs }) => [nr, runs]),
    [
      [1, 2],
      [3, 1],
    ],
  )
})

t.test('a container that is started again begins a new run', async (t) => {
  const ended: number[] = []
  const script = new LearningScript({ all: true }, { runEnded: (run) => ended.push(run.endedMs) })
  script.attach().created(7, pathOf('web')).answer('web').hint(7, 1)
  script.pass(10).removed(7).pass(10).created(8, pathOf('web')).hint(8, 1)
  t.strictSame(script.asked(['web']), ['scan', 'web', 'web'], 'it is asked for again')
  const [web] = script.answer('web').pass(10).removed(8).end()
  t.strictSame(
    web?.snapshot().runs.map(({ startedMs, endedMs }) => [startedMs, endedMs]),
    [
      [START_MS + 600, START_MS + 610],
      [START_MS + 620, START_MS + 630],
    ],
  )
  t.strictSame(ended, [START_MS + 610, START_MS + 630])
})

t.test('the cgroups that a container makes in itself are its own', async (t) => {
  const script = new LearningScript().attach().created(7, pathOf('web')).answer('web')
  script
    .created(8, `${pathOf('web')}/init.scope`)
    .calls(8, { 1: 2 })
    .removed(7)
  t.equal(script.session.runs()[0]?.endedMs, 0, 'it lasts as long as one of them')
  const [web] = script.removed(8).end()
  t.equal(web?.runCount, 1)
  t.strictSame(callsOf(web), { 1: 2 })
})

t.test('a cgroup whose path was too long to carry is found by a scan', async (t) => {
  const script = new LearningScript().attach().pass(10).created(7, '').hint(7, 1)
  t.strictSame(script.asked(), ['scan', 'scan'])
  script.pass(10).scan({ id: 7, path: pathOf('web') })
  t.strictSame(script.asked(['web']), ['web'])
  const [web] = script.answer('web').calls(7, { 2: 2 }).end()
  t.strictSame(callsOf(web), { 1: 0, 2: 2 })
  t.equal(web?.completeness().state, 'full', 'its beginning was seen')
})

t.test('scans and records may overtake each other', async (t) => {
  t.test('a walk that began before the cgroup was made decides nothing', async (t) => {
    const script = new LearningScript().attach().created(7, '').calls(7, { 1: 2 })
    script.asked()
    script.scan()
    t.strictSame(script.asked(), ['scan'], 'another walk is wanted')
    const [web] = script
      .scan({ id: 7, path: pathOf('web') })
      .answer('web')
      .end()
    t.strictSame(callsOf(web), { 1: 2 })
  })
  t.test('what two walks did not find is given up', async (t) => {
    const script = new LearningScript().attach().created(7, '').calls(7, { 1: 2 }).scan().scan()
    script.asked()
    script.hint(7, 3)
    t.strictSame(script.asked(), [], 'and not sought again')
    t.strictSame(script.end(), [])
  })
  t.test('a cgroup that went away before its scan was in still ends', async (t) => {
    const script = new LearningScript().attach().created(7, '').calls(7, { 1: 2 })
    script
      .pass(10)
      .removed(7)
      .pass(10)
      .scan({ id: 7, path: pathOf('web') })
    const [web] = script.answer('web').end()
    t.strictSame(callsOf(web), { 1: 2 })
    t.equal(web?.snapshot().runs[0]?.endedMs, START_MS + 610)
  })
  t.test('a new container that a walk missed goes on', async (t) => {
    const script = new LearningScript().attach().created(7, pathOf('web')).answer('web').scan()
    t.equal(script.session.runs()[0]?.endedMs, 0)
    script.scan({ id: 7, path: pathOf('web') })
    t.equal(script.session.runs()[0]?.endedMs, 0)
  })
  t.test('a scan that is quicker than the record makes nothing late', async (t) => {
    const script = new LearningScript()
      .attach()
      .pass(10)
      .scan({ id: 7, path: pathOf('web') })
    const [web] = script.created(7, pathOf('web')).answer('web').end()
    t.strictSame(reasonsOf(web), [])
  })
  t.test('facts that are quicker than the record wait for it', async (t) => {
    const script = new LearningScript().attach().hint(7, 1).created(7, pathOf('web'))
    const [web] = script.answer('web').end()
    t.strictSame(callsOf(web), { 1: 0 })
    t.equal(web?.completeness().state, 'full')
  })
  t.test(
    'a container that was named by the first record of two is not asked for twice',
    async (t) => {
      const script = new LearningScript().attach().created(7, pathOf('web'))
      script.created(7, '').scan({ id: 7, path: pathOf('web') })
      t.strictSame(script.asked(['web']), ['scan', 'web'])
    },
  )
})

t.test('cgroups of no container teach nothing', async (t) => {
  const script = new LearningScript().attach({ id: 3, path: '/system.slice/ssh.service' })
  script.asked()
  script.calls(3, { 1: 100 }).created(4, '/user.slice').calls(4, { 1: 1 })
  t.strictSame(script.asked(), [])
  t.strictSame(script.end(), [])
})

t.test('a command is known by its cgroup and ends with the session', async (t) => {
  const script = new LearningScript({})
  script.give({ kind: 'sensor-started' })
  script.pass(500).bytes(record('R', script.nsecs))
  const entrypoint = ['/usr/bin/tool', '--fast'].map((word) => byteStringOfText(word))
  const image = {
    kind: 'command',
    digest: digestOf('tool'),
    name: 'command:/usr/bin/tool',
    entrypoint,
  } as const
  script.pass(10).command(5, image).calls(5, { 1: 2, 60: 1 })
  t.equal(script.session.runs()[0]?.endedMs, 0)
  const [tool, ...others] = script.pass(90).end()
  t.strictSame(others, [])
  t.strictSame(tool?.image, image)
  t.strictSame(tool?.completeness(), { state: 'full', reasons: [] })
  t.strictSame(callsOf(tool), { 1: 2, 60: 1 })
  t.match(tool?.snapshot().runs, [
    {
      runtime: 'command',
      containerId: '',
      containerName: 'command:/usr/bin/tool',
      attachedMs: START_MS + 500,
      startedMs: START_MS + 510,
      endedMs: START_MS + 600,
    },
  ])
})

t.test('what is new is told once', async (t) => {
  let news = 0
  const script = new LearningScript({ all: true }, { learned: () => news++ })
  script.attach().created(7, pathOf('web')).answer('web').hint(7, 1).calls(7, { 1: 5, 2: 1 })
  script.calls(7, { 1: 9, 2: 1 })
  t.equal(news, 2)
})

t.test('what a container calls itself cannot pass for another record', async (t) => {
  const script = new LearningScript().attach().created(7, pathOf('web')).answer('web')
  const hostile = [
    `x\n${record('S', keyOf(7, 'main', 175), 1, 1, 'x')}`,
    'x"}\n{"type": "printf", "data": "S 458752 1 1 x\\n"}',
    '\\u0022}\n',
    '\u001b[2J\u0000\uffff',
  ]
  for (const path of hostile) {
    script.bytes(exec(keyOf(7, 'main', 0), 100, 1, script.nsecs, path, 'sh'))
  }
  const [web] = script.end()
  t.strictSame(callsOf(web), {})
  t.strictSame(
    web?.execs('main').map(({ path }) => path),
    hostile.map((path) => byteStringOfText(path)).sort(),
  )
  t.strictSame(reasonsOf(web), [])
})
