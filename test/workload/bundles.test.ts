/** Bundles, the runtimes that run them, and what is left of both: all that needs neither root nor a real runtime. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { makeRoot, processOf, writeBundle } from '../../src/workload/bundle.js'
import { ConsoleSocket } from '../../src/workload/console-socket.js'
import { findOciRuntime } from '../../src/workload/find-oci-runtime.js'
import { OciRuntime } from '../../src/workload/oci-runtime.js'
import { parseRuntimeVersion } from '../../src/workload/oci-version.js'
import { parseV1Mounts } from '../../src/workload/v1-cgroups.js'
import { until } from '../support/live/until.js'

const skip = process.arch === 'x64' ? false : 'the programs are for x86_64'

t.test('the programs do nothing, each in its own way', { skip }, async (t) => {
  const root = join(t.testdir({}), 'root')
  mkdirSync(root)
  await makeRoot(root)
  t.strictSame(readdirSync(root).toSorted(), ['bin', 'dev', 'proc'])
  t.equal(statSync(join(root, 'bin')).mode & 0o777, 0o755)
  t.ok(statSync(join(root, 'bin/exit')).size < 200)

  const exits = spawn(join(root, 'bin/exit'))
  t.strictSame(await once(exits, 'exit'), [0, null])
  const sleeps = spawn(join(root, 'bin/pause'))
  const state = (): string =>
    readFileSync(`/proc/${sleeps.pid}/stat`, 'utf8').split(') ')[1]?.[0] ?? ''
  await until('the program to sleep', () => state() === 'S')
  sleeps.kill('SIGTERM')
  t.strictSame(await once(sleeps, 'exit'), [null, 'SIGTERM'])
})

t.test('a bundle says what engines say, and which filter and cgroup', async (t) => {
  const path = join(t.testdir({}), 'bundle')
  const seccomp = { defaultAction: 'SCMP_ACT_ALLOW' }
  const process = { program: 'exit', uid: 1000, noNewPrivileges: true, terminal: false } as const
  await writeBundle(path, { process, root: '/r', cgroupsPath: '/plimsoll/x', seccomp })
  t.match(JSON.parse(readFileSync(join(path, 'config.json'), 'utf8')), {
    process: { user: { uid: 1000, gid: 1000 }, args: ['exit'], noNewPrivileges: true },
    root: { path: '/r', readonly: true },
    linux: { cgroupsPath: '/plimsoll/x', seccomp },
  })
  t.match(processOf(process), { capabilities: { effective: [], permitted: [] } })
  t.match(processOf({ ...process, uid: 0 }), { capabilities: { effective: [/^CAP_/] } })
})

t.test('a runtime is known by what it says of its build, not of the host', async (t) => {
  const runc =
    'runc version 1.1.5+ds1\ncommit: 1.1.5+ds1-1+deb12u1\nspec: 1.0.2-dev\ngo: go1.19.8\nlibseccomp: 2.5.4\n'
  const crun =
    'crun version 1.8.1\ncommit: f8a096be\nrundir: /run/user/0/crun\nspec: 1.0.0\n+SYSTEMD +SECCOMP\n'
  t.strictSame(parseRuntimeVersion('runc', runc), {
    version: '1.1.5',
    release: '1.1.5+ds1',
    facts: {
      commit: '1.1.5+ds1-1+deb12u1',
      spec: '1.0.2-dev',
      go: 'go1.19.8',
      libseccomp: '2.5.4',
    },
  })
  t.strictSame(parseRuntimeVersion('crun', crun), {
    version: '1.8.1',
    release: '1.8.1',
    facts: { commit: 'f8a096be', spec: '1.0.0' },
  })
  const others = [
    crun.replace('crun', 'runc'),
    'runc version unknown',
    'runc version 1',
    'runc version 1.2.3\u001b[2J',
    `runc version 1.2.3${'x'.repeat(100)}`,
    '',
  ]
  for (const text of others)
    t.equal(parseRuntimeVersion('crun', text), undefined, text.slice(0, 30))
  t.strictSame(parseRuntimeVersion('runc', 'runc version 1.2.3\ngo: \u001b[2J')?.facts, {})
})

t.test('a runtime that fails is quoted from its log, and the log is removed', async (t) => {
  const script = `#!/bin/sh
case "$1" in --version) echo 'runc version 9.9.9'; exit 0;; esac
test "$1 $3 $5 $6" = '--root --log --log-format json' || exit 9
case "$7" in
  create) echo '{"level":"warning","msg":"odd"}' >"$4"; echo '{"level":"error","msg":"no such thing"}' >>"$4"; exit 1;;
  start) exit 3;;
  exec) kill -KILL $$;;
esac
`
  const bin = t.testdir({ runc: script, state: {} })
  chmodSync(join(bin, 'runc'), 0o755)
  const state = join(bin, 'state')
  const found = await findOciRuntime('runc', bin)
  t.match(found, { runtime: 'runc', program: join(bin, 'runc'), version: '9.9.9' })
  const runtime = new OciRuntime(found.program, state)
  await t.rejects(runtime.create('a', '/b', 'pipe'), {
    name: 'RuntimeError',
    message: 'no such thing',
  })
  await t.rejects(runtime.start('a'), { message: 'start ended with status 3' })
  await t.rejects(runtime.exec('a', '/p', 'null'), { message: 'exec ended with SIGKILL' })
  await runtime.remove('a')
  t.strictSame(readdirSync(state), [])
  await t.rejects(new OciRuntime('/none', state).start('a'), { name: 'RuntimeError' })
  await t.rejects(findOciRuntime('no-such-runtime', bin), { message: 'not installed' })
  writeFileSync(join(bin, 'crun'), 'not a program')
  await t.rejects(findOciRuntime('crun', bin), {
    name: 'RuntimeError',
    message: /permission denied/,
  })
  chmodSync(join(bin, 'crun'), 0o755)
  writeFileSync(join(bin, 'crun'), '#!/bin/sh\necho hello\n')
  await t.rejects(findOciRuntime('crun', bin), { message: 'its version cannot be read' })
})

t.test('a console socket takes what it is sent and keeps it until it is closed', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'plimsoll-tty-'))
  t.teardown(() => rmSync(dir, { recursive: true }))
  const path = join(dir, 'tty')
  const console = await ConsoleSocket.listen(path)
  const peer = createConnection(path)
  await once(peer, 'connect')
  peer.write('terminal')
  const closed = new Promise((resolve) => peer.on('error', () => undefined).on('close', resolve))
  await console.close()
  await closed
  t.notOk(existsSync(path))
  await t.rejects(ConsoleSocket.listen(join(dir, 'x'.repeat(100))), { message: /too long/ })
})

t.test('v1 hierarchies are told from v2 and from all other mounts', async (t) => {
  const mountinfo = [
    '31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755',
    '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:3 - cgroup cgroup rw,cpu,cpuacct',
    '33 31 0:30 / /sys/fs/a\\040b rw - cgroup cgroup rw,pids',
    '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw',
    'nonsense',
  ].join('\n')
  t.strictSame(parseV1Mounts(mountinfo), ['/sys/fs/cgroup/cpu,cpuacct', '/sys/fs/a b'])
})
