/** podman and docker by their command lines: what they are told, and what their answers are taken for. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import {
  ContainerEngine,
  type ContainerSpec,
  type EngineName,
} from '../../src/workload/container-engine.js'
import { runEngine } from '../../src/workload/engine-process.js'

const ID = 'a'.repeat(64)

/** An engine whose program is a shell script; `calls` gives the arguments of each call, one a line. */
function fake(
  t: Test,
  name: EngineName,
  script: string,
  env: Readonly<Record<string, string>> = {},
): { readonly engine: ContainerEngine; readonly calls: () => readonly string[] } {
  const dir = t.testdir()
  const path = join(dir, name)
  writeFileSync(
    path,
    `#!/bin/sh\nfor a; do printf '%s|' "$a"; done >>${dir}/calls; echo >>${dir}/calls\n${script}\n`,
  )
  chmodSync(path, 0o755)
  const engine = new ContainerEngine(name, { PATH: `${dir}:/usr/bin:/bin`, ...env })
  const calls = (): readonly string[] => readFileSync(join(dir, 'calls'), 'utf8').trim().split('\n')
  return { engine, calls }
}

const SPEC: ContainerSpec = {
  image: ID,
  command: [],
  name: 'n',
  seccomp: '/tmp/p.json',
  network: 'none',
  user: undefined,
  noNewPrivileges: false,
  engineArguments: [],
}

t.test('an image is known by its id, or the engine says why not', async (t) => {
  const podman = fake(t, 'podman', `echo ${ID}`)
  t.strictSame(await podman.engine.imageId('web'), { id: ID })
  t.strictSame(podman.calls(), ['image|inspect|--format|{{.Id}}|--|web|'])
  const docker = fake(t, 'docker', `echo sha256:${ID}`)
  t.strictSame(await docker.engine.imageId('web'), { id: `sha256:${ID}` })
  const failing: readonly [string, string][] = [
    [
      'printf "a\\nError: no such image \\033[2J\\n" >&2; exit 125',
      'Error: no such image \\x1b[2J',
    ],
    ['echo no id', ''],
  ]
  for (const [script, problem] of failing) {
    t.strictSame(await fake(t, 'podman', script).engine.imageId('web'), { problem })
  }
  const none = new ContainerEngine('podman', { PATH: t.testdir() })
  t.match(await none.imageId('web'), { problem: /ENOENT/ })
  const remote = fake(t, 'docker', `echo ${ID}`, { DOCKER_HOST: 'tcp://other:2376' })
  t.match(await remote.engine.imageId('web'), { problem: 'its daemon is not on this host' })
})

t.test('a container is made as the options say, each argument by itself', async (t) => {
  const { engine, calls } = fake(t, 'podman', `echo pulled; echo ${ID}`)
  t.strictSame(await engine.create(SPEC), { containerId: ID })
  await engine.create({
    ...SPEC,
    command: ['sh', '-c', 'echo a b'],
    network: 'host',
    user: '1000',
    noNewPrivileges: true,
    engineArguments: ['--pids-limit=-1', '--volume=/a b:/c'],
  })
  const [plain, full] = calls()
  const off = '--annotation=plimsoll.profile=off'
  t.equal(plain, `create|--name=n|--network=none|--security-opt=seccomp=/tmp/p.json|${off}|${ID}|`)
  t.equal(
    full,
    `create|--name=n|--network=host|--security-opt=seccomp=/tmp/p.json|${off}|` +
      `--security-opt=no-new-privileges|--user=1000|--pids-limit=-1|--volume=/a b:/c|${ID}|sh|-c|echo a b|`,
  )
  const refused = fake(t, 'podman', 'echo bad profile >&2; exit 125')
  t.strictSame(await refused.engine.create(SPEC), { problem: 'bad profile\n' })
})

t.test('how a container ended is what its state says', async (t) => {
  const state = (fields: object): string =>
    `cat <<'END'\n${JSON.stringify([{ State: { ExitCode: 0, StartedAt: '0001-01-01T00:00:00Z', ...fields } }])}\nEND`
  const cases: readonly [string, string, object | undefined][] = [
    [
      'one that ran',
      state({ ExitCode: 3, StartedAt: '2026-11-21T10:03:34.020234743Z' }),
      { hasStarted: true, exitCode: 3, error: '' },
    ],
    ['one that was made only', state({}), { hasStarted: false, exitCode: 0, error: '' }],
    [
      "one with the engine's own words",
      state({ ExitCode: 127, Error: 'OCI runtime' }),
      { hasStarted: false, exitCode: 127, error: 'OCI runtime' },
    ],
    ['no such container', 'echo []; exit 125', undefined],
    ['nonsense', 'echo nonsense', undefined],
  ]
  for (const [name, script, expected] of cases) {
    t.strictSame(await fake(t, 'podman', script).engine.state(ID), expected, name)
  }
})

t.test('versions are those of engine and runtime', async (t) => {
  const said = 'runc version 1.1.5+ds1\nlibseccomp: 2.5.4'
  const info = {
    host: { ociRuntime: { path: '/usr/bin/runc', version: said } },
    version: { Version: '4.3.1' },
  }
  const podman = fake(t, 'podman', `cat <<'END'\n${JSON.stringify(info)}\nEND`)
  t.strictSame(await podman.engine.versions(), {
    engine: '4.3.1',
    runtime: { program: '/usr/bin/runc', version: 'runc 1.1.5+ds1', versionText: said },
  })
  const answer = {
    ServerVersion: '28.2',
    DefaultRuntime: 'crun',
    Runtimes: { crun: { path: 'no-such-crun' } },
  }
  const docker = fake(t, 'docker', `cat <<'END'\n${JSON.stringify(answer)}\nEND`)
  t.strictSame(await docker.engine.versions(), {
    engine: '28.2',
    runtime: { program: 'no-such-crun', version: '', versionText: '' },
  })
  const silent = fake(t, 'podman', 'exit 1')
  t.strictSame(await silent.engine.versions(), {
    engine: '',
    runtime: { program: '', version: '', versionText: '' },
  })
})

t.test('of what a container says the beginning and the end are kept, and no more', async (t) => {
  const script = 'echo first >&2; yes "a line" | head -c 9000000 >&2; echo last >&2; exit 3'
  const { engine } = fake(t, 'podman', script)
  const said = await engine.start(ID, AbortSignal.timeout(30_000))
  t.equal(said.length, 512 + 1 + 4096)
  t.ok(said.startsWith('first\na line\n'))
  t.ok(said.endsWith('a line\nlast\n') || said.endsWith('last\n'))
})

t.test('a client that hangs is killed when nobody waits any longer', async (t) => {
  const end = new AbortController()
  const call = { env: process.env, signal: end.signal, keptBytes: 100 }
  const hung = runEngine({ ...call, program: '/bin/sh', args: ['-c', 'echo x; exec sleep 600'] })
  end.abort()
  t.match(await hung, { code: undefined })
  const missing = await runEngine({
    ...call,
    program: '/no/such',
    args: [],
    signal: AbortSignal.timeout(9000),
  })
  t.match(missing, { code: undefined, stdout: '', stderr: /ENOENT/ })
})
