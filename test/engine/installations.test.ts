/** What is installed into podman's, Docker's and the kubelet's directories: other people's files stay as they are. */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { addRuntime, configuredRuntime, removeRuntime } from '../../src/engine/docker-config.js'
import { findHook, hookPath, installHook, removeHook } from '../../src/engine/hook-file.js'
import { bundleOf, replaceConfig, sayInLog } from '../../src/engine/oci-bundle.js'
import {
  changeableByOthers,
  type FailMode,
  type PrecreateCall,
} from '../../src/engine/precreate-call.js'
import { removeWrapper, wrapperAt, writeWrapper } from '../../src/engine/runtime-wrapper.js'
import { readUnapplied } from '../../src/engine/unapplied-spool.js'

t.test(
  'daemon.json gets the runtime and loses it again, and all else stays byte for byte',
  async (t) => {
    const path = join(t.testdir({}), 'daemon.json')
    const cases: readonly string[] = [
      '{"log-opts":{"max-size":"10m"},"n":18446744073709551615}',
      '{\n    "debug": true,\n    "runtimes": {\n        "kata": {"path": "/k", "runtimeArgs": ["a"]}\n    }\n}\n',
      '{\n\t"runtimes": {"kata": {"path": "/k"}, "z": {"path": "/z"}},\n\t"debug": false\n}',
    ]
    for (const text of cases) {
      writeFileSync(path, text)
      t.equal(await configuredRuntime(path), undefined)
      t.notOk(await removeRuntime(path))
      await addRuntime(path, '/one')
      await addRuntime(path, '/two')
      t.equal(await configuredRuntime(path), '/two')
      const { runtimes, ...others } = JSON.parse(readFileSync(path, 'utf8')) as { runtimes: object }
      const { runtimes: before, ...same } = JSON.parse(text) as { runtimes?: object }
      t.same(runtimes, { ...before, plimsoll: { path: '/two' } })
      t.same(others, same)
      t.ok(await removeRuntime(path))
      t.equal(readFileSync(path, 'utf8'), text)
    }
  },
)

t.test('a daemon.json that is not there is made, with its directory', async (t) => {
  const path = join(t.testdir({}), 'etc/docker/daemon.json')
  t.equal(await configuredRuntime(path), undefined)
  await addRuntime(path, '/one')
  t.equal(await configuredRuntime(path), '/one')
  await removeRuntime(path)
  t.same(JSON.parse(readFileSync(path, 'utf8')), {})
})

t.test('a daemon.json keeps its mode, and stays a link where it is one', async (t) => {
  const home = t.testdir({ real: { 'daemon.json': '{"debug":true}' } })
  chmodSync(join(home, 'real/daemon.json'), 0o600)
  symlinkSync(join(home, 'real/daemon.json'), join(home, 'daemon.json'))
  await addRuntime(join(home, 'daemon.json'), '/one')
  t.ok(lstatSync(join(home, 'daemon.json')).isSymbolicLink())
  t.equal(statSync(join(home, 'real/daemon.json')).mode & 0o777, 0o600)
  t.equal(await configuredRuntime(join(home, 'real/daemon.json')), '/one')
})

t.test('a daemon.json that dockerd would not read, or need, is left alone', async (t) => {
  const path = join(t.testdir({}), 'daemon.json')
  for (const text of [
    '{',
    '[]',
    'null',
    '{"runtimes":[]}',
    '{"runtimes":{},"runtimes":{}}',
    '{,}',
  ]) {
    writeFileSync(path, text)
    await t.rejects(addRuntime(path, '/one'), { code: 'DOCKER_CONFIG' }, text)
    t.equal(readFileSync(path, 'utf8'), text)
  }
  const used = '{"default-runtime":"plimsoll","runtimes":{"plimsoll":{"path":"/one"}}}'
  writeFileSync(path, used)
  await t.rejects(removeRuntime(path), { message: /default-runtime is plimsoll/ })
  t.equal(readFileSync(path, 'utf8'), used)
})

/** A step that notes how it was called and ends with that status; the paths have what a shell would trip over. */
function callIn(
  t: Test,
  fail: FailMode,
  status = 0,
  output = '',
): { home: string; call: PrecreateCall } {
  const home = join(t.testdir({ "it's here": {} }), "it's here")
  const entry = join(home, 'step.cjs')
  const script =
    `require('fs').appendFileSync(${JSON.stringify(join(home, 'calls'))}, JSON.stringify(process.argv.slice(2)) + '\\n');` +
    `process.stdout.write(${JSON.stringify(output)}); process.exitCode = ${status}\n`
  writeFileSync(entry, script)
  const spool = join(home, 'run/unapplied.jsonl')
  return { home, call: { node: process.execPath, entry, state: join(home, 'state'), spool, fail } }
}

t.test('the hook is a file that podman understands, found again and removed', async (t) => {
  for (const fail of ['closed', 'open'] as const) {
    const { home, call } = callIn(t, fail)
    const hooks = join(home, 'hooks.d')
    t.same(await findHook(hooks), { kind: 'none' })
    await installHook(hooks, call)
    await installHook(hooks, call)
    t.same(await findHook(hooks), { kind: 'hook', path: hookPath(hooks), call })
    const file = JSON.parse(readFileSync(hookPath(hooks), 'utf8')) as object
    t.match(file, { version: '1.0.0', when: { always: true }, stages: ['precreate'] })
    t.match(file, { hook: { path: /^\//, timeout: 10 } })
    t.ok(await removeHook(hooks))
    t.notOk(await removeHook(hooks))
    writeFileSync(hookPath(hooks), '{"version":"1.0.0"}')
    t.match(await findHook(hooks), { kind: 'foreign' })
  }
})

/** Runs the installed hook as podman does: without an environment. */
async function runHook(
  home: string,
  call: PrecreateCall,
  config: string,
): Promise<{ status: number | null; stdout: string }> {
  await installHook(home, call)
  const { hook } = JSON.parse(readFileSync(hookPath(home), 'utf8')) as {
    hook: { path: string; args: string[] }
  }
  const [argv0, ...args] = hook.args
  const { status, stdout } = spawnSync(hook.path, args, {
    argv0: argv0 ?? '',
    input: config,
    env: {},
  })
  return { status, stdout: stdout.toString() }
}

t.test('a hook that fails open passes the configuration on if it cannot do its work', async (t) => {
  const config = '{"a":"\\n%s","b":18446744073709551615}'
  const works = callIn(t, 'open', 0, '{"changed":1}')
  t.same(await runHook(works.home, works.call, config), { status: 0, stdout: '{"changed":1}' })
  t.notOk(existsSync(works.call.spool))
  const cases: readonly (readonly [number, string, Partial<PrecreateCall>])[] = [
    [1, '{"half":', {}],
    [0, '', {}],
    [0, '{}', { node: '/nonexistent/node' }],
    [0, '{}', { entry: '/nonexistent/entry.js' }],
  ]
  for (const [status, output, more] of cases) {
    const { home, call } = callIn(t, 'open', status, output)
    t.same(await runHook(home, { ...call, ...more }, config), { status: 0, stdout: config })
    t.match(readUnapplied(call.spool).notes, [{ outcome: 'started', reason: /could not be run/ }])
    t.equal(statSync(call.spool).mode & 0o777, 0o600)
  }
  const closed = callIn(t, 'closed', 1)
  t.match(await runHook(closed.home, closed.call, config), { status: 1 })
})

t.test('the runtime becomes the real one, and asks only when a container is made', async (t) => {
  const create = ['--root', '/r', 'create', '--bundle', '/b b', 'id']
  const cases: readonly (readonly [FailMode, number, readonly string[], boolean, boolean])[] = [
    ['closed', 0, create, true, true],
    ['closed', 0, ['run', 'id'], true, true],
    ['closed', 3, create, true, false],
    ['open', 1, create, true, true],
    ['closed', 3, ['state', 'id'], false, true],
    ['closed', 3, ['--version'], false, true],
  ]
  for (const [fail, status, args, asks, runs] of cases) {
    const { home, call } = callIn(t, fail, status, 'never on stdout')
    const runtime = join(home, 'runc')
    writeFileSync(runtime, '#!/bin/sh\necho "$$"; for word in "$@"; do echo "$word"; done; cat\n', {
      mode: 0o755,
    })
    const wrapper = join(home, 'bin/plimsoll-runtime')
    await writeWrapper(wrapper, call, runtime)
    const { pid, stdout, status: ended } = spawnSync(wrapper, args, { input: 'stdin' })
    const name = `${fail} ${status} ${args.join(' ')}`
    t.equal(stdout.toString(), runs ? `${[pid, ...args].join('\n')}\nstdin` : '', name)
    t.equal(ended, runs ? 0 : 1, name)
    t.equal(existsSync(join(home, 'calls')), asks, name)
    if (asks) {
      const words = JSON.parse(readFileSync(join(home, 'calls'), 'utf8')) as string[]
      t.same(words.slice(0, 6), [
        'bundle',
        '--state',
        call.state,
        '--spool',
        call.spool,
        `--fail-${fail}`,
      ])
      t.same(words.slice(6), ['--', ...args])
    }
    t.equal(existsSync(call.spool), fail === 'open', name)
    t.ok(await removeWrapper(wrapper))
    t.notOk(await removeWrapper(wrapper))
  }
})

t.test(
  "a program of that name that is somebody else's is neither replaced nor removed",
  async (t) => {
    const { home, call } = callIn(t, 'closed')
    const path = join(home, 'plimsoll-runtime')
    writeFileSync(path, '#!/bin/sh\n')
    await t.rejects(writeWrapper(path, call, '/usr/sbin/runc'), { code: 'FILE_UNWRITABLE' })
    t.notOk(await removeWrapper(path))
    t.equal(await wrapperAt(path), 'foreign')
    t.equal(readFileSync(path, 'utf8'), '#!/bin/sh\n')
  },
)

t.test('a call of the runtime is read as runc and crun read it', async (t) => {
  const id = 'c1'
  const found = (path: string, log?: { path: string; isJson: boolean }): object => ({
    containerId: id,
    configPath: path,
    log,
  })
  const cases: readonly (readonly [readonly string[], object | undefined])[] = [
    [['create', '--bundle', '/b', '--pid-file', '/p', id], found('/b/config.json')],
    [['create', '-b', '/b', id], found('/b/config.json')],
    [
      ['--log', '/l', '--log-format', 'json', 'create', '--bundle=/b', id],
      found('/b/config.json', { path: '/l', isJson: true }),
    ],
    [
      ['--log=/l', '--systemd-cgroup', 'run', '--no-pivot', id],
      found('config.json', { path: '/l', isJson: false }),
    ],
    [['--root', 'create', 'state', id], undefined],
    [['exec', id, 'create'], undefined],
    [['create'], undefined],
    [[], undefined],
  ]
  for (const [args, call] of cases) t.same(bundleOf(args), call, args.join(' '))
})

t.test('a configuration is replaced whole, and a log says why none was used', async (t) => {
  const home = t.testdir({ 'config.json': 'old', log: '' })
  const path = join(home, 'config.json')
  chmodSync(path, 0o640)
  replaceConfig(path, 'new')
  t.equal(readFileSync(path, 'utf8'), 'new')
  t.equal(statSync(path).mode & 0o777, 0o640)
  const log = { path: join(home, 'log'), isJson: true }
  const call = { containerId: 'c1', configPath: path, log }
  sayInLog(call, 'say "why"')
  sayInLog({ ...call, log: { path: join(home, 'none/log'), isJson: true } }, 'nobody hears')
  t.match(JSON.parse(readFileSync(log.path, 'utf8')), { level: 'error', msg: 'say "why"' })
  sayInLog({ ...call, log: { ...log, isJson: false } }, 'say "why"')
  t.match(readFileSync(log.path, 'utf8'), /level=error msg="say \\"why\\""\n$/)
})

t.test('what others than root could change is named', async (t) => {
  const { home, call } = callIn(t, 'closed')
  chmodSync(home, 0o777)
  t.ok(call.entry.startsWith((await changeableByOthers({ ...call, node: '/' })) ?? 'none'))
  t.equal(await changeableByOthers({ node: '/proc/version', entry: '/proc/version' }), undefined)
})
