/** One command in a cgroup of its own, from look-up to clean-up, and the signals that go to it. */
import { EventEmitter } from 'node:events'
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { findCgroupMount } from '../../src/workload/cgroup-mount.js'
import { killCgroup, killMembersOf, removeCgroup } from '../../src/workload/cgroup-files.js'
import { createCommandCgroup } from '../../src/workload/command-cgroup.js'
import { identityOfCommand } from '../../src/workload/command-identity.js'
import { startCommand } from '../../src/workload/command.js'
import { findExecutable } from '../../src/workload/executable.js'
import { isAlive, ownIdentity } from '../../src/workload/process-stat.js'
import type { SignalAction } from '../../src/workload/signals.js'
import { actionFor, FORWARDED, forwardSignals, INSIST_MS } from '../../src/workload/signals.js'
import { cleanUpStale } from '../../src/workload/stale-cgroups.js'
import { liveTest } from '../support/live/requirements.js'

const ENV = { PATH: '/usr/local/bin:/usr/bin:/bin', GREETING: 'hello there' }
const cgroupMount = await findCgroupMount().catch(() => undefined)

/** A private piece of the real tree that passes for the mount, so that nobody else's cgroups are touched. */
function privateMount(t: Test): string {
  const mount = join(cgroupMount ?? '', `plimsoll-test-${process.pid}`)
  mkdirSync(mount)
  t.teardown(async () => {
    await killCgroup(mount)
    await removeCgroup(mount)
  })
  return mount
}

function cgroupTest(title: string, body: (t: Test) => Promise<void>): void {
  if (cgroupMount !== undefined || process.env['CI'] === 'true') liveTest(title, ['root'], body)
  else void t.test(title, { skip: 'no cgroup2 is mounted' }, body)
}

void t.test('a command name is looked up as a shell does', async (t) => {
  const cwd = t.testdir({
    a: { tool: '', both: '', sub: {} },
    b: { tool: '#!/bin/sh\n', both: '' },
    here: '#!/bin/sh\n',
  })
  chmodSync(join(cwd, 'b/tool'), 0o755)
  chmodSync(join(cwd, 'here'), 0o755)
  const path = `${cwd}/a:${cwd}/b`
  const cases: readonly (readonly [string, string, string | undefined])[] = [
    ['tool', path, join(cwd, 'b/tool')],
    ['./here', path, join(cwd, 'here')],
    ['here', `${path}:`, join(cwd, 'here')],
    ['here', 'x::y', join(cwd, 'here')],
    ['b/tool', '', join(cwd, 'b/tool')],
    [join(cwd, 'here'), '', join(cwd, 'here')],
    ['here', path, undefined],
    ['', path, undefined],
    ['both', path, undefined],
    ['sub', path, undefined],
    ['./a', path, undefined],
  ]
  for (const [name, value, expected] of cases) {
    const found = await findExecutable(name, value, cwd)
    t.equal(found.kind === 'found' ? found.path : undefined, expected, `${name} in ${value}`)
  }
  t.match(await findExecutable('both', path, cwd), {
    kind: 'not-executable',
    path: join(cwd, 'a/both'),
  })
  t.match(await findExecutable('./a', path, cwd), { kind: 'not-executable', problem: 'not a file' })
  t.same(await findExecutable('nowhere', path, cwd), { kind: 'not-found' })
  t.same(await findExecutable('sh', undefined, cwd), await findExecutable('sh', ENV.PATH, cwd))
})

void t.test(
  'a command that cannot run is refused with the status of a shell, and nothing joins',
  async (t) => {
    const cwd = t.testdir({ data: 'x', procs: { 'cgroup.procs': '' } })
    const cgroup = { path: join(cwd, 'procs') }
    const options = { env: ENV, cwd }
    await t.rejects(startCommand(['no-such-tool'], cgroup, options), {
      code: 'COMMAND_NOT_FOUND',
      exit: 127,
    })
    await t.rejects(startCommand([], cgroup, options), { code: 'COMMAND_NOT_FOUND', exit: 127 })
    await t.rejects(startCommand(['./data'], cgroup, options), {
      code: 'COMMAND_NOT_EXECUTABLE',
      exit: 126,
    })
    await t.rejects(startCommand(['/bin/sh'], cgroup, { env: ENV, cwd: '/nonexistent' }), {
      code: 'COMMAND_NOT_EXECUTABLE',
      exit: 126,
    })
    t.equal(readFileSync(join(cwd, 'procs/cgroup.procs'), 'utf8'), '')
    const lost = await startCommand(['true'], { path: join(cwd, 'gone') }, options)
    t.same(await lost.exited, { code: 125, signal: null }, 'the launcher could not join')
  },
)

void t.test('a command is identified by the content of its file', async (t) => {
  const cwd = t.testdir({ tool: 'abc', other: 'abc' })
  // SHA-256 of "abc", FIPS 180-2 appendix B.1
  const digest = 'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
  t.same(await identityOfCommand(join(cwd, 'tool'), ['tool', '-x']), {
    kind: 'command',
    digest,
    name: `command:${join(cwd, 'tool')}`,
    entrypoint: ['tool', '-x'],
  })
  t.equal((await identityOfCommand(join(cwd, 'other'), [])).digest, digest)
  await t.rejects(identityOfCommand(join(cwd, 'missing'), []), { code: 'ENOENT' })
})

cgroupTest(
  'a command runs in its cgroup with its own environment, directory and status',
  async (t) => {
    const cwd = t.testdir({})
    const cgroup = await createCommandCgroup(privateMount(t))
    t.equal(lstatSync(cgroup.path).ino, cgroup.id)
    t.equal(await cgroup.populated(), false)
    const script = 'cat /proc/self/cgroup >out; echo "$0 $1 $GREETING $HOME" >>out; exit 7'
    const command = await startCommand(['sh', '-c', script, '-x', 'a "b'], cgroup, {
      env: ENV,
      cwd,
    })
    t.same(await findExecutable('sh', ENV.PATH, cwd), { kind: 'found', path: command.executable })
    t.same(await command.exited, { code: 7, signal: null })
    t.equal(command.signal('SIGTERM'), false, 'it has ended')
    const out = readFileSync(join(cwd, 'out'), 'utf8')
    t.ok(out.includes(`0::${cgroup.path.slice((cgroupMount ?? '').length)}\n`), out)
    t.ok(out.endsWith('-x a "b hello there \n'), out)
    await cgroup.remove()
    t.notOk(existsSync(cgroup.path))
    await t.resolves(cgroup.remove(), 'gone already is success')
    await t.resolves(cgroup.kill(), 'so it is for kill')
    t.equal(await cgroup.populated(), false)
  },
)

for (const [how, kill] of [
  ['at once', killCgroup],
  ['one by one', killMembersOf],
] as const) {
  cgroupTest(`everything in a cgroup is killed ${how}, and remove waits for it`, async (t) => {
    const cgroup = await createCommandCgroup(privateMount(t))
    const other = await createCommandCgroup(join(cgroup.path, '../..'))
    t.not(other.path, cgroup.path)
    const nested = join(cgroup.path, 'nested')
    const fifo = join(t.testdir({}), 'fifo')
    execFileSync('mkfifo', [fifo])
    // One that left its session, one in a cgroup below, and the command itself.
    const script = `mkdir ${nested}; setsid sleep 600 & (echo 0 > ${nested}/cgroup.procs; echo > ${fifo}; exec sleep 600) & wait`
    const command = await startCommand(['sh', '-c', script], cgroup, { env: ENV, cwd: '/' })
    await readFile(fifo)
    t.equal(await cgroup.populated(), true)
    await kill(cgroup.path)
    t.same(await command.exited, { code: null, signal: 'SIGKILL' })
    await cgroup.remove()
    t.notOk(existsSync(cgroup.path))
    await other.remove()
  })
}

cgroupTest(
  'what a killed plimsoll left behind is removed, what a living one uses is not',
  async (t) => {
    const mount = privateMount(t)
    const self = ownIdentity()
    const dead = { ...self, startTime: self.startTime - 1 }
    const foreign = { ...dead, pidNamespace: self.pidNamespace + 1 }
    const [mine, stale, elsewhere] = [
      await createCommandCgroup(mount, self),
      await createCommandCgroup(mount, dead),
      await createCommandCgroup(mount, foreign),
    ]
    t.ok(isAlive(self))
    t.notOk(isAlive(dead))
    const left = await startCommand(['sleep', '600'], stale, { env: ENV, cwd: '/' })
    const kept = await startCommand(['sleep', '600'], mine, { env: ENV, cwd: '/' })
    mkdirSync(join(mount, 'plimsoll/by-hand'))
    const removed = await cleanUpStale(mount, self)
    t.same(
      removed.map((name) => join(mount, 'plimsoll', name)),
      [stale.path],
    )
    t.same(await left.exited, { code: null, signal: 'SIGKILL' })
    t.notOk(existsSync(stale.path))
    t.ok(existsSync(elsewhere.path), 'nobody can tell from here')
    t.equal(kept.signal('SIGTERM'), true)
    t.same(await kept.exited, { code: null, signal: 'SIGTERM' }, 'it was still alive')
    await mine.remove()
    await elsewhere.remove()
    t.same(await cleanUpStale(mount, self), [])
    t.ok(existsSync(join(mount, 'plimsoll')), 'not empty: somebody else has a cgroup there')
    rmdirSync(join(mount, 'plimsoll/by-hand'))
    t.same(await cleanUpStale(mount, self), [])
    t.notOk(existsSync(join(mount, 'plimsoll')))
    t.same(await cleanUpStale(mount, self), [], 'nothing there at all')
  },
)

cgroupTest('a cgroup that cannot be made or removed is an error that names it', async (t) => {
  const mount = privateMount(t)
  const cgroup = await createCommandCgroup(mount)
  await writeFile(join(cgroup.path, 'cgroup.max.descendants'), '0')
  await t.rejects(createCommandCgroup(cgroup.path), { code: 'CGROUP_FAILED', message: /plimsoll/ })
  await t.rejects(createCommandCgroup('/proc/nowhere'), { code: 'CGROUP_FAILED' })
})

void t.test('each signal is forwarded, left to the terminal, or taken for insistence', (t) => {
  const first = Number.POSITIVE_INFINITY
  const cases: readonly (readonly [NodeJS.Signals, boolean, number, SignalAction])[] = [
    ['SIGINT', true, first, 'leave'],
    ['SIGINT', false, first, 'forward'],
    ['SIGINT', true, INSIST_MS - 1, 'kill'],
    ['SIGINT', false, INSIST_MS - 1, 'kill'],
    ['SIGINT', true, INSIST_MS, 'leave'],
    ['SIGQUIT', true, first, 'leave'],
    ['SIGQUIT', false, 0, 'forward'],
    ['SIGTERM', true, first, 'forward'],
    ['SIGTERM', false, 0, 'forward'],
    ['SIGHUP', true, first, 'forward'],
    ['SIGUSR1', true, first, 'forward'],
    ['SIGUSR2', false, first, 'forward'],
    ['SIGWINCH', true, first, 'forward'],
  ]
  for (const [signal, foreground, sinceInterruptMs, expected] of cases) {
    t.equal(
      actionFor(signal, { foreground, sinceInterruptMs }),
      expected,
      `${signal} ${foreground}`,
    )
  }
  t.end()
})

void t.test('forwarding follows the terminal as it changes, and ends without a trace', (t) => {
  const source = new EventEmitter()
  const done: string[] = []
  let foreground = true
  let nowMs = 0
  const uninstall = forwardSignals({
    source,
    command: { signal: (name) => done.push(name) > 0 },
    kill: () => done.push('kill'),
    isForeground: () => foreground,
    nowMs: () => nowMs,
    onSignal: (signal, action) => done.push(`${signal}:${action}`),
  })
  t.equal(source.eventNames().length, FORWARDED.length)
  source.emit('SIGINT', 'SIGINT')
  nowMs += INSIST_MS
  foreground = false
  source.emit('SIGINT', 'SIGINT')
  source.emit('SIGTERM', 'SIGTERM')
  source.emit('SIGINT', 'SIGINT')
  t.same(done, [
    'SIGINT:leave',
    'SIGINT:forward',
    'SIGINT',
    'SIGTERM:forward',
    'SIGTERM',
    'SIGINT:kill',
    'kill',
  ])
  uninstall()
  t.same(source.eventNames(), [])
  t.end()
})

cgroupTest('a signal sent to plimsoll reaches the command', async (t) => {
  const cgroup = await createCommandCgroup(privateMount(t))
  const fifo = join(t.testdir({}), 'fifo')
  execFileSync('mkfifo', [fifo])
  const script = `trap 'exit 9' USR2; echo > ${fifo}; while :; do read _ 2>/dev/null < ${fifo}; done`
  const command = await startCommand(['sh', '-c', script], cgroup, { env: ENV, cwd: '/' })
  const uninstall = forwardSignals({
    source: process,
    command,
    kill: () => undefined,
    isForeground: () => false,
    nowMs: () => 0,
  })
  t.teardown(uninstall)
  await readFile(fifo)
  process.kill(process.pid, 'SIGUSR2')
  t.same(await command.exited, { code: 9, signal: null })
})
