/** The commands that need no kernel, run in this process on a state that a replay has filled. */
import { copyFile, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Baseline } from '../../src/baseline/baseline.js'
import type { BaselineView } from '../../src/baseline/json-view.js'
import { imageKeyOf } from '../../src/baseline/image-identity.js'
import { BaselineStore } from '../../src/baseline/store.js'
import { stateDirectory } from '../../src/cli/context.js'
import type { Summary } from '../../src/cli/summary.js'
import type { Check } from '../../src/sensor/preflight.js'
import type { SeccompProfile } from '../../src/seccomp/profile.js'
import { IMAGE, runFacts } from '../support/baseline-steps.js'
import { plimsoll } from '../support/fake-terminal.js'
import { hostileBaseline } from '../support/hostile-baseline.js'
import { DEMO_TRACE } from '../support/repository.js'

const DIGITS = 'de8ca0049c09'
const KEY = 'container-de8ca0049c09a7bfdaa863acd1cb9a0f96b4186c5766e4d9b80f57e00d3fcb83'

/** A state directory that knows the demo. */
async function demoState(t: Test): Promise<string> {
  const state = join(t.testdir(), 'state')
  t.equal((await plimsoll(['replay', DEMO_TRACE, '--state', state])).status, 0)
  return state
}

t.test('wrong usage has status 2, says what is wrong and where help is', async (t) => {
  const cases: readonly [readonly string[], RegExp][] = [
    [[], /Usage: plimsoll/],
    [['nonsense'], /unknown command 'nonsense'/],
    [['baseline'], /Usage: plimsoll baseline/],
    [['baseline', 'show'], /missing required argument 'ref'/],
    [['baseline', 'show', 'x', '--lineage', 'y'], /Allowed choices are runtime, main/],
    [['baseline', 'merge', '-o', 'x'], /missing required argument 'baseline'/],
    [['baseline', 'merge', 'x.plb'], /required option '-o, --out <file>' not specified/],
    [['baseline', 'export', 'x', '--format', 'xml'], /Allowed choices are proto, json/],
    [['profile', 'x', '--strength', 'y'], /Allowed choices are complain/],
    [['profile', 'x', '--format', 'y'], /Allowed choices are oci, spo, systemd/],
    [['profile', 'x', '--format', 'spo', '--name', 'X'], /lower-case letters/],
    [['profile', 'x', '--arguments', 'socket,fcntl'], /Give some of socket,.*or none/],
    [['profile', 'x', '--name', 'y'], /--name is for --format spo/],
    [['profile', 'x', '--format', 'systemd', '--runtime', 'runc'], /no runtime starts a systemd/],
    [['replay', '--no-such-option'], /unknown option '--no-such-option'/],
    [['record'], /missing required argument 'file'/],
    [['learn'], /say what to learn/],
    [['learn', '--all', '--', 'true'], /say what to learn/],
    [['learn', '--all', '--image', 'x'], /say what to learn/],
    [['learn', '--runs', '2', '--', 'true'], /--runs counts containers/],
    [['learn', '--for', 'ever', '--', 'true'], /duration such as/],
    [['learn', '--all', '--runs', '0'], /whole number from 1 up/],
  ]
  for (const [args, problem] of cases) {
    const { status, out, said } = await plimsoll(args, { PLIMSOLL_STATE: t.testdirName })
    const name = `plimsoll ${args.join(' ')}`
    t.equal(status, 2, name)
    t.match(said, problem, name)
    t.match(said, /--help|Options:/, name)
    t.equal(out.length, 0, `${name}: nothing on stdout`)
  }
})

t.test('help and version are results, not failures', async (t) => {
  const help = await plimsoll(['--help'])
  t.equal(help.status, 0)
  t.match(help.out.toString(), /^Usage: plimsoll/)
  t.equal((await plimsoll(['baseline', 'show', '--help'])).status, 0)
  t.match((await plimsoll(['--version'])).out.toString(), /^\d+\.\d+\.\d+\n$/)
})

t.test(
  'what fails has status 1, a message and a hint, and a stack only with --debug',
  async (t) => {
    const state = t.testdir()
    const cases: readonly [readonly string[], RegExp][] = [
      [['baseline', 'show', 'no-such'], /no baseline matches no-such/],
      [['baseline', 'export', 'no-such'], /no baseline matches/],
      [['baseline', 'rm', 'no-such'], /no baseline matches/],
      [['profile', 'no-such'], /no baseline matches/],
      [['replay', join(state, 'missing.trace')], /cannot read trace .*missing\.trace/],
      [['baseline', 'import', join(state, 'missing.plb')], /cannot read .*missing\.plb/],
      [['baseline', 'import', DEMO_TRACE], /damaged: it is another kind of file/],
      [['baseline', 'merge', 'no-such', '-o', 'x'], /no baseline matches no-such/],
      [['baseline', 'merge', DEMO_TRACE, '-o', 'x'], /damaged: it is another kind of file/],
      [['baseline', 'show', '\u001b[31mred\u009b0m'], /matches \\u001b\[31mred\\u009b0m/],
    ]
    for (const [args, message] of cases) {
      const { status, said } = await plimsoll(args, { PLIMSOLL_STATE: state })
      t.equal(status, 1, args.join(' '))
      t.match(said, message)
      t.match(said, /^plimsoll: [^\n]+\nhint: [^\n]+\n$/, 'one line each')
      const debug = await plimsoll(['--debug', ...args], { PLIMSOLL_STATE: state })
      t.ok(debug.said.startsWith(said))
      t.match(debug.said, /\n\s+at .*:\d+/, 'the stack')
    }
    const caused = await plimsoll(['--debug', 'replay', join(state, 'missing.trace')])
    t.match(caused.said, /caused by: Error: ENOENT/)
  },
)

t.test('a replay says what was learned, once', async (t) => {
  const state = join(t.testdir(), 'state')
  const first = await plimsoll(['replay', DEMO_TRACE], { PLIMSOLL_STATE: state })
  t.equal(first.status, 0)
  t.match(first.out.toString(), /^localhost\/plimsoll-demo:1: 1 run, full\n/)
  t.match(first.out.toString(), /system calls {2}30 \(and 24 of the runtime, kept apart\)/)
  const again = await plimsoll(['replay', DEMO_TRACE, '--json', '--state', state])
  const [summary] = JSON.parse(again.out.toString()) as Summary[]
  t.match(summary, { key: KEY, runs: 1, syscalls: 30, programs: 2, completeness: 'full' })
  t.match(summary?.profile, { allows: Number, fewerThanDocker: Number })
})

t.test('baselines are listed, shown, moved and removed', async (t) => {
  const state = await demoState(t)
  const env = { PLIMSOLL_STATE: state }
  const listed = await plimsoll(['baseline', 'ls'], env)
  t.match(listed.out.toString(), /^IMAGE .* STATE\nlocalhost\/plimsoll-demo:1 .* 30 .* full\n$/)
  const inJson = await plimsoll(['baseline', 'ls', '--json'], env)
  t.match(JSON.parse(inJson.out.toString()), [{ key: KEY, revision: 1, syscalls: 30 }])

  for (const ref of [
    KEY,
    DIGITS,
    `sha256:${DIGITS}`,
    'plimsoll-demo',
    'localhost/plimsoll-demo:1',
  ]) {
    const { status, out } = await plimsoll(['baseline', 'show', ref], env)
    t.equal(status, 0, ref)
    t.match(out.toString(), /\nsystem calls: 30\nABI +NR +NAME/)
  }
  const runtime = await plimsoll(['baseline', 'show', DIGITS, '--lineage', 'runtime'], env)
  t.match(runtime.out.toString(), /\nsystem calls: 24\n/)
  const shown = await plimsoll(['baseline', 'show', DIGITS, '--json'], env)
  const view = JSON.parse(shown.out.toString()) as BaselineView
  t.equal(view.lineages.main.syscalls.length, 30)
  t.ok(view.lineages.main.syscalls.some(({ name }) => name === 'write'))

  const file = join(t.testdirName, 'demo.plb')
  t.equal((await plimsoll(['baseline', 'export', DIGITS, '--out', file], env)).status, 0)
  const exported = await readFile(file)
  t.strictSame((await plimsoll(['baseline', 'export', DIGITS], env)).out, exported)
  const text = await plimsoll(['baseline', 'export', DIGITS, '--format', 'json'], env)
  t.strictSame(JSON.parse(text.out.toString()), view)

  const other = { PLIMSOLL_STATE: join(t.testdirName, 'other') }
  const imported = await plimsoll(['baseline', 'import', file], other)
  t.match(imported.out.toString(), /plimsoll-demo:1: 1 run, full\n/)
  const back = await plimsoll(['baseline', 'export', DIGITS], other)
  t.strictSame(back.out, exported, 'the same bytes')
  t.equal((await plimsoll(['baseline', 'import', file], other)).status, 0)
  const twice = await plimsoll(['baseline', 'ls', '--json'], other)
  t.match(JSON.parse(twice.out.toString()), [{ runs: 1 }], 'importing it again adds nothing')

  const removed = await plimsoll(['baseline', 'rm', DIGITS], env)
  t.equal(removed.status, 0)
  t.match(removed.said, KEY)
  t.equal((await plimsoll(['baseline', 'show', DIGITS], env)).status, 1)
  t.strictSame(JSON.parse((await plimsoll(['baseline', 'ls', '--json'], env)).out.toString()), [])
})

t.test('a damaged baseline is listed as such, refused, and left as it is', async (t) => {
  const state = await demoState(t)
  const path = join(state, 'baselines', KEY, '1.plb')
  await truncate(path, 500)
  const damaged = await readFile(path)
  const listed = await plimsoll(['baseline', 'ls', '--state', state])
  t.equal(listed.status, 0)
  t.match(listed.out.toString(), /damaged: its checksum does not match/)
  for (const args of [
    ['baseline', 'show', DIGITS],
    ['profile', DIGITS],
    ['replay', DEMO_TRACE],
  ]) {
    const { status, said } = await plimsoll([...args, '--state', state])
    t.equal(status, 1, args.join(' '))
    t.ok(said.includes(path), 'names the file')
  }
  const copy = join(t.testdirName, 'copy.plb')
  await copyFile(path, copy)
  const { status, said } = await plimsoll(['baseline', 'import', copy, '--state', state])
  t.equal(status, 1)
  t.ok(said.includes(copy))
  t.strictSame(await readFile(path), damaged)
})

t.test('a profile is made, has its reasons beside it, and passes the check', async (t) => {
  const state = await demoState(t)
  const printed = await plimsoll(['profile', DIGITS, '--state', state])
  t.equal(printed.status, 0)
  const profile = JSON.parse(printed.out.toString()) as SeccompProfile
  t.equal(profile.defaultAction, 'SCMP_ACT_ERRNO')
  t.match(printed.said, /plimsoll: allows \d+ calls, \d+ fewer than Docker's default/)

  const out = join(t.testdirName, 'demo.json')
  await plimsoll(['profile', DIGITS, '--state', state, '--out', out])
  t.equal(await readFile(out, 'utf8'), printed.out.toString())
  const reasons = JSON.parse(
    await readFile(join(t.testdirName, 'demo.provenance.json'), 'utf8'),
  ) as { verified: boolean; syscalls: Record<string, unknown> }
  t.equal(reasons.verified, false)
  t.ok(reasons.syscalls['write'])

  const good = await plimsoll(['profile', 'check', out])
  t.equal(good.status, 0)
  t.match(good.out.toString(), /ok\n$/)
  const bad = join(t.testdirName, 'bad.json')
  const name = 'wri\u001bte'
  await writeFile(bad, JSON.stringify({ ...profile, syscalls: [{ names: [name], action: 'NO' }] }))
  const refused = await plimsoll(['profile', 'check', bad])
  t.equal(refused.status, 3)
  t.match(refused.out.toString(), /^error: [\s\S]*not usable\n$/)
  t.notMatch(refused.out.toString(), '\u001b')
  const inJson = await plimsoll(['profile', 'check', bad, '--json'])
  t.equal(inJson.status, 3)
  t.match(JSON.parse(inJson.out.toString()), { ok: false, problems: [{ severity: 'error' }] })
  await writeFile(bad, '{')
  t.equal((await plimsoll(['profile', 'check', bad])).status, 1, 'no JSON at all')
})

t.test('a baseline without calls has no profile', async (t) => {
  const state = t.testdir()
  const empty = Baseline.empty(IMAGE)
  empty.startRun(runFacts('a'))
  await new BaselineStore(state).save(empty)
  const { status, said } = await plimsoll(['profile', 'web', '--state', state])
  t.equal(status, 1)
  t.match(said, /no profile can be built/)
})

t.test('nothing that a container chose reaches a terminal raw', async (t) => {
  const state = t.testdir()
  const hostile = hostileBaseline()
  await new BaselineStore(state).save(hostile)
  const ref = imageKeyOf(hostile.image)
  const file = join(t.testdirName, 'hostile.plb')
  const lines: readonly (readonly string[])[] = [
    ['baseline', 'ls'],
    ['baseline', 'ls', '--json'],
    ['baseline', 'show', ref],
    ['baseline', 'show', ref, '--json'],
    ['baseline', 'export', ref, '--format', 'json'],
    ['baseline', 'export', ref, '--out', file],
    ['baseline', 'import', file],
    ['profile', ref],
    ['profile', ref, '--format', 'spo'],
    ['profile', ref, '--format', 'systemd'],
    ['profile', ref, '--out', join(t.testdirName, 'hostile.json')],
    ['baseline', 'show', 'no such'],
    ['baseline', 'rm', ref],
  ]
  for (const args of lines) {
    const { out, said } = await plimsoll(args, { PLIMSOLL_STATE: state })
    t.notMatch(
      `${out.toString()}${said}`,
      // oxlint-disable-next-line no-control-regex -- these must not be printed
      /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/,
      args.join(' '),
    )
    if (args.includes('--json')) t.doesNotThrow(() => void JSON.parse(out.toString()))
  }
  const reasons = await readFile(join(t.testdirName, 'hostile.provenance.json'), 'utf8')
  // oxlint-disable-next-line no-control-regex -- these must not be in a file that people look at
  t.notMatch(reasons, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/)
})

t.test('doctor says what was found, and answers no with status 3', async (t) => {
  const env = { PLIMSOLL_BPFTRACE: join(t.testdir(), 'no-bpftrace') }
  const { status, out } = await plimsoll(['doctor', '--json'], env)
  t.equal(status, 3)
  const { ready, checks } = JSON.parse(out.toString()) as { ready: boolean; checks: Check[] }
  t.equal(ready, false)
  for (const check of checks) {
    t.match(check, { name: /^[a-z0-9-]+$/, ok: Boolean, found: /./, remedy: /^[A-Z].*/ })
  }
  t.match(checks.at(-2), { name: 'bpftrace', ok: false, found: 'not installed' })
  t.equal(checks.at(-1)?.name, 'cgroup2')
  const text = await plimsoll(['doctor'], env)
  t.equal(text.status, 3)
  t.match(text.out.toString(), /^FAIL {2}bpftrace {7}not installed\n {6}Install bpftrace/m)
})

t.test(
  'the state directory is the option, the environment, or the place for the user',
  async (t) => {
    const isRoot = process.geteuid?.() === 0
    const own = (path: string): string => (isRoot ? '/var/lib/plimsoll' : path)
    const cases: readonly [string | undefined, NodeJS.ProcessEnv, string][] = [
      ['/a', { PLIMSOLL_STATE: '/b' }, '/a'],
      [undefined, { PLIMSOLL_STATE: '/b', XDG_STATE_HOME: '/c' }, '/b'],
      [undefined, { XDG_STATE_HOME: '/c', HOME: '/d' }, own('/c/plimsoll')],
      [undefined, { HOME: '/d' }, own('/d/.local/state/plimsoll')],
    ]
    for (const [option, env, expected] of cases) t.equal(stateDirectory(option, env), expected)
  },
)
