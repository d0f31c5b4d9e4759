/** Applied profiles: containers start under them without a flag, and what stands against that is loud. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import { DEFAULT_HOOKS_DIR, hookPath } from '../../../src/engine/hook-file.js'
import { readUnapplied } from '../../../src/engine/unapplied-spool.js'
import type { ContainerRuntime, ContainerSpec } from '../../support/live/container-runtime.js'
import { dockerDaemon } from '../../support/live/docker.js'
import { BUSYBOX, imageOf } from '../../support/live/images.js'
import { Enforcing } from '../../support/live/enforcing.js'
import { plimsoll, Session } from '../../support/live/plimsoll.js'
import { podman, podmanWith } from '../../support/live/podman.js'
import { failureOf, type Finished } from '../../support/live/process.js'
import { liveTest } from '../../support/live/requirements.js'
import { until } from '../../support/live/until.js'

/** What is learned: which filter there is, and a limit that no double can hold. */
const LEARNED = 'grep Seccomp: /proc/self/status; ulimit -c; ls /tmp'
/** The same with a call that was not learned. */
const MORE = `${LEARNED}; chmod 700 /tmp && echo changed`

/** What holds of the hook, each with hooks and notes of its own, under the one baseline. */
const BY_HOOK: Readonly<Record<string, (t: Test, found: Learned) => Promise<void>>> = {
  'podman starts an image under its applied profile without a flag, and all others as before':
    async (t, found) => {
      const { session, image, hooks, spool, engine } = await applied(found, 'hook')
      const other = await imageOf(podman(), BUSYBOX, 'apply-other')
      await session.mustRun(['apply', 'hook', 'install', '--dir', hooks, '--spool', spool])

      const held = await run(engine, image, { flags: ['--ulimit', 'core=-1:-1'] })
      t.equal(held.code, 1, failureOf(held))
      t.match(held.stdout, /Seccomp:\t2\n/)
      t.match(held.stdout, /\nunlimited\n/, 'the rest of the configuration is what podman made')
      t.match(held.stderr, /chmod: \/tmp: Function not implemented/)
      t.match((await run(engine, other)).stdout, /changed/, 'another image is untouched')
      t.match((await run(podman(), image)).stdout, /changed/, 'so is a podman without the hook')
      t.same(readUnapplied(spool), { notes: [], garbage: 0, isFull: false })

      const off = await run(engine, image, { flags: ['--annotation', 'plimsoll.profile=off'] })
      t.match(off.stdout, /changed/)
      t.match(readUnapplied(spool).notes, [{ outcome: 'off', imageName: image }])

      await session.mustRun(['apply', 'rm', image])
      t.match((await run(engine, image)).stdout, /changed/, 'removed, nothing is applied')
      await session.mustRun(['apply', image])
      t.notMatch((await run(engine, image)).stdout, /changed/)
      t.equal((await plimsoll(['apply', 'hook', 'remove', '--dir', hooks])).code, 0)
      t.match((await run(engine, image)).stdout, /changed/, 'without the hook nothing is applied')
    },
  'what stands against a profile refuses the container with the reason, or lets it start with a note':
    async (t, found) => {
      const { session, image, hooks, spool, engine } = await applied(found, 'failures')
      const install = (...flags: readonly string[]): Promise<Finished> =>
        session.mustRun(['apply', 'hook', 'install', '--dir', hooks, '--spool', spool, ...flags])
      const directory = join(session.stateDir, 'applied')
      const file = join(directory, readdirSync(directory)[0] ?? '')
      const good = readFileSync(file)
      const cases: readonly (readonly [string, RegExp, () => void, () => void])[] = [
        [
          'a state directory that is not there',
          /cannot read \S+\/applied: it is missing/,
          () => {
            renameSync(session.stateDir, `${session.stateDir}.away`)
            symlinkSync('/nonexistent/state', session.stateDir)
          },
          () => {
            rmSync(session.stateDir)
            renameSync(`${session.stateDir}.away`, session.stateDir)
          },
        ],
        [
          'a damaged profile',
          /cannot read \S+\.plp: its checksum does not match/,
          () =>
            writeFileSync(
              file,
              Buffer.concat([good.subarray(0, 100), Buffer.from('x'), good.subarray(101)]),
            ),
          () => writeFileSync(file, good),
        ],
      ]
      await install()
      for (const [what, reason, break_, mend] of cases) {
        break_()
        const refused = await run(engine, image)
        mend()
        t.equal(refused.code, 126, `${what}: ${failureOf(refused)}`)
        t.match(refused.stderr, /plimsoll refuses to start a container of localhost/)
        t.match(refused.stderr, reason)
        t.equal(refused.stdout, '', 'nothing of the container ran')
      }
      t.match(
        readUnapplied(spool).notes.map(({ outcome }) => outcome),
        ['refused', 'refused'],
      )
      t.notMatch((await run(engine, image)).stdout, /changed/, 'mended, it is applied again')

      await install('--fail-open')
      for (const [what, reason, break_, mend] of cases) {
        break_()
        const started = await run(engine, image)
        mend()
        t.match(started.stdout, /changed/, what)
        const note = readUnapplied(spool).notes.at(-1)
        t.match(note, { outcome: 'started', imageName: image, reason })
      }
      t.notMatch((await run(engine, image)).stdout, /changed/, 'mended, it is applied again')

      // As after an uninstallation that forgot the hook.
      const path = hookPath(hooks)
      writeFileSync(path, readFileSync(path, 'utf8').replace('precreate.js', 'gone.js'))
      t.match((await run(engine, image)).stdout, /changed/)
      t.match(readUnapplied(spool).notes.at(-1), { outcome: 'started', reason: /could not be run/ })
    },
  'a container that starts without its profile is an anomaly of the sensor': async (t, found) => {
    const { session, image, hooks, spool, engine } = await applied(found, 'told')
    const install = ['apply', 'hook', 'install', '--dir', hooks, '--spool', spool, '--fail-open']
    await session.mustRun(install)
    const args = ['--all', '--unknown', 'ignore', '--json', '--spool', spool]
    const enforcing = await Enforcing.start(t, session, args)
    const directory = join(session.stateDir, 'applied')
    writeFileSync(join(directory, readdirSync(directory)[0] ?? ''), 'no profile')
    t.match((await run(engine, image)).stdout, /changed/, 'it started')
    const told = await enforcing.anomaly('unapplied', ({ kind }) => kind === 'sensor')
    t.match(told, { severity: 'high', subject: { what: 'unapplied' } })
    t.match(told.what, image)
    t.equal((await enforcing.stop()).code, 0)
  },
  'a profile made for no_new_privileges is not applied to a container without it': async (
    t,
    found,
  ) => {
    const { session, image, hooks, spool, engine } = await applied(found, 'nnp', ['--assume-nnp'])
    await session.mustRun(['apply', 'hook', 'install', '--dir', hooks, '--spool', spool])
    const refused = await run(engine, image)
    t.equal(refused.code, 126)
    t.match(refused.stderr, /made for no_new_privileges/)
    const held = await run(engine, image, { noNewPrivileges: true })
    t.match(held.stdout, /Seccomp:\t2\n/)
    t.match(held.stderr, /Function not implemented/)
  },
  'the hook works in the directory that podman reads by itself, and leaves nothing behind': async (
    t,
    found,
  ) => {
    if (existsSync(hookPath(DEFAULT_HOOKS_DIR))) throw new Error('a hook of plimsoll is installed')
    const made = [DEFAULT_HOOKS_DIR, dirname(DEFAULT_HOOKS_DIR)].filter((dir) => !existsSync(dir))
    t.teardown(() => {
      rmSync(hookPath(DEFAULT_HOOKS_DIR), { force: true })
      for (const dir of made) rmdirSync(dir)
    })
    const { session, image, spool } = await applied(found, 'default')
    const { stderr } = await session.mustRun(['apply', 'hook', 'install', '--spool', spool])
    t.match(stderr, /podman build .*--hooks-dir/)
    const { stdout } = await plimsoll(['apply', 'hook', 'ls'])
    t.match(stdout, /^\/usr\/share\/containers\/oci\/hooks\.d\/plimsoll\.json: .* is refused/)
    const held = await run(podman(), image)
    t.match(held.stdout, /Seccomp:\t2\n/)
    t.match(held.stderr, /Function not implemented/)
    await plimsoll(['apply', 'hook', 'remove'])
    t.notOk(existsSync(hookPath(DEFAULT_HOOKS_DIR)))
    t.match((await run(podman(), image)).stdout, /changed/)
  },
}

liveTest(
  'podman starts containers under applied profiles by the hook',
  ['root', 'bpf', 'podman', 'busybox'],
  async (t) => {
    const found = await learned(t, podman(), 'hook')
    for (const [title, holds] of Object.entries(BY_HOOK)) {
      await t.test(title, (t) => holds(t, found))
    }
  },
)

liveTest(
  'docker and podman start containers under applied profiles by the runtime, until it is removed',
  ['root', 'bpf', 'docker', 'podman', 'busybox'],
  async (t) => {
    const home = t.testdir({
      'daemon.json': '{\n  "debug": false,\n  "runtimes": {"other": {"path": "runc"}}\n}\n',
    })
    const config = join(home, 'daemon.json')
    const before = readFileSync(config, 'utf8')
    const wrapper = join(home, 'bin', 'plimsoll-runtime')
    const places = ['--config', config, '--wrapper', wrapper]
    const spool = join(home, 'spool', 'unapplied.jsonl')
    const daemon = await dockerDaemon(t, ['--config-file', config])
    const { session, image } = await learned(t, daemon.runtime, 'docker')
    const install = (...flags: readonly string[]): Promise<Finished> =>
      session.mustRun(['apply', 'docker', 'install', ...places, '--spool', spool, ...flags])
    t.match((await install()).stderr, /kill -HUP/)
    daemon.reload()
    await until('the runtime', async () => (await runtimesOf(daemon.runtime)).includes('plimsoll'))

    const flags = ['--runtime', 'plimsoll', '--ulimit', 'core=-1:-1']
    const held = await run(daemon.runtime, image, { flags })
    t.match(held.stdout, /Seccomp:\t2\n/)
    t.match(held.stdout, /\nunlimited\n/)
    t.match(held.stderr, /chmod: \/tmp: Function not implemented/)
    t.match((await run(daemon.runtime, image)).stdout, /changed/, 'by runc itself it is free')

    const directory = join(session.stateDir, 'applied')
    renameSync(directory, `${directory}.away`)
    writeFileSync(directory, '')
    const refused = await run(daemon.runtime, image, { flags })
    t.equal(refused.code, 125, failureOf(refused))
    t.match(
      refused.stderr,
      /plimsoll refuses to start a container of .*: its path leads through a file/,
    )
    t.equal(refused.stdout, '')
    t.match(readUnapplied(spool).notes, [{ outcome: 'refused', imageName: image }])
    rmSync(directory)
    renameSync(`${directory}.away`, directory)
    await install('--fail-open')
    renameSync(directory, `${directory}.away`)
    writeFileSync(directory, '')
    t.match((await run(daemon.runtime, image, { flags })).stdout, /changed/)
    t.match(readUnapplied(spool).notes.at(-1), {
      outcome: 'started',
      reason: /leads through a file/,
    })
    rmSync(directory)
    renameSync(`${directory}.away`, directory)

    const inPodman = await learned(t, podman(), 'wrapped')
    await inPodman.session.mustRun(['apply', 'docker', 'install', ...places, '--spool', spool])
    const byPodman = await run(podmanWith(['--runtime', wrapper]), inPodman.image)
    t.match(byPodman.stdout, /Seccomp:\t2\n/)
    t.match(byPodman.stderr, /Function not implemented/)

    await plimsoll(['apply', 'docker', 'remove', '--config', config])
    t.equal(readFileSync(config, 'utf8'), before, 'daemon.json is what it was')
    t.notOk(existsSync(wrapper))
    daemon.reload()
    await until('no runtime', async () => !(await runtimesOf(daemon.runtime)).includes('plimsoll'))
    t.match((await run(daemon.runtime, image)).stdout, /changed/)
  },
)

interface Learned {
  readonly session: Session
  readonly image: string
}

/** An image that was learned and sealed, and whose profile is applied. */
async function learned(t: Test, runtime: ContainerRuntime, variant: string): Promise<Learned> {
  const session = new Session(t, runtime.env)
  const image = await imageOf(runtime, BUSYBOX, `apply-${variant}`)
  const learning = await session.attach(['learn', '--image', image, '--runs', '1'])
  await runtime.mustRun({ image, command: ['/bin/sh', '-c', LEARNED] })
  const { code, stderr } = await session.ended(learning)
  t.equal(code, 0, stderr)
  const early = await session.run(['apply', image])
  t.equal(early.code, 1)
  t.match(early.stderr, /is not sealed/)
  const { stdout } = await session.mustRun(['baseline', 'candidates', image, '--json'])
  const { contentHash } = JSON.parse(stdout) as { readonly contentHash: string }
  await session.mustRun(['baseline', 'seal', image, '--hash', contentHash])
  t.match((await session.mustRun(['apply', image])).stdout, /applied, enforce, \d+ calls/)
  return { session, image }
}

interface Applied extends Learned {
  readonly hooks: string
  readonly spool: string
  /** podman that reads those hooks. */
  readonly engine: ContainerRuntime
}

/** The profile is applied anew, as it is made with the flags. */
async function applied(
  found: Learned,
  variant: string,
  flags: readonly string[] = [],
): Promise<Applied> {
  const { session, image } = found
  await session.mustRun(['apply', image, ...flags])
  const hooks = session.path(`${variant}/hooks`)
  mkdirSync(hooks, { recursive: true })
  const spool = session.path(`${variant}/spool/unapplied.jsonl`)
  return { ...found, hooks, spool, engine: podmanWith(['--hooks-dir', hooks]) }
}

/** A container that makes a call that was not learned. */
function run(
  runtime: ContainerRuntime,
  image: string,
  more: Partial<ContainerSpec> = {},
): Promise<Finished> {
  return runtime.run({ image, command: ['/bin/sh', '-c', MORE], ...more })
}

async function runtimesOf(runtime: ContainerRuntime): Promise<readonly string[]> {
  const { stdout } = await runtime.mustCli(['info', '--format', '{{json .Runtimes}}'])
  return Object.keys(JSON.parse(stdout) as object)
}
