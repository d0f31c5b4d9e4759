/**
 * A profile of what the application did and of the calibrated floor is enough, however the container is started: every time
 * (`make test-matrix`: thirty of thirty), with and without no_new_privs, as root and as another user. And it goes on waiting
 * after a freeze or a stop, which takes a call that no tracing sees beforehand.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import type { Test } from 'tap'
import { profileAt } from '../../support/live/baseline-view.js'
import { containerName, type ContainerRuntime } from '../../support/live/container-runtime.js'
import {
  type Disturbance,
  freezeAndThaw,
  pauseAndResume,
  stateOf,
  stopAndContinue,
} from '../../support/live/disturb.js'
import { CALLS, imageOf } from '../../support/live/images.js'
import { Session } from '../../support/live/plimsoll.js'
import { podman } from '../../support/live/podman.js'
import type { Finished } from '../../support/live/process.js'
import { liveTest } from '../../support/live/requirements.js'
import { until } from '../../support/live/until.js'

const STARTS = Number(process.env['FLOOR_STARTS'] ?? 6)
const EXECS = Math.ceil(STARTS / 3)
/** Of one kind at a time: the machine may have two processors. */
const AT_A_TIME = 3
const WAITS = ['nanosleep', 'poll', 'futex']
/** Long enough to be disturbed on a busy machine. */
const WAIT_MS = 4000

const DISTURBANCES: Readonly<Record<string, Disturbance>> = {
  'SIGSTOP and SIGCONT': stopAndContinue,
  "the engine's pause": pauseAndResume,
  'the v2 freezer': freezeAndThaw,
}

/** Profiles of the image, with the floor that was calibrated just now. */
interface Profiles {
  readonly runtime: ContainerRuntime
  readonly image: string
  readonly plain: string
  readonly noNewPrivileges: string
  /** `plain` without restart_syscall. */
  readonly withoutRestart: string
}

liveTest(
  'application and floor start a container every time, and survive what interrupts a wait',
  ['root', 'bpf', 'podman', 'gcc'],
  async (t) => {
    const profiles = await learned(t)
    await t.test('starts and execs', (t) => startsEveryTime(t, profiles))
    await t.test('waits', (t) => waitsOn(t, profiles))
  },
)

/** Calibrates, learns one run of each wait, and writes the profiles. */
async function learned(t: Test): Promise<Profiles> {
  const runtime = podman()
  const session = new Session(t, runtime.env)
  const image = await imageOf(runtime, CALLS, 'floor-holds')
  await session.mustRun(['calibrate', '--runtime', 'runc'])
  const runs = String(WAITS.length)
  const learning = await session.attach(['learn', '--image', image, '--runs', runs])
  for (const how of WAITS) await runtime.mustRun({ image, command: ['/bin/wait', how, '1'] })
  t.equal((await session.ended(learning)).code, 0)

  const written = async (name: string, flags: readonly string[]): Promise<string> => {
    const path = session.path(name)
    const args = ['profile', image, '--runtime', 'runc', ...flags, '--out', path]
    const { stderr } = await session.mustRun(args)
    t.match(stderr, /note: floor of runc [\d.]+, calibrated on this host on \d{4}-\d\d-\d\d\n/)
    t.comment(`${name}: ${profileAt(path).allowed.length} names allowed`)
    return path
  }
  const plain = await written('plain.json', [])
  const noNewPrivileges = await written('nnp.json', ['--assume-nnp'])
  const { syscalls } = JSON.parse(readFileSync(session.path('plain.provenance.json'), 'utf8')) as {
    syscalls: Record<string, { origins: readonly string[]; floor?: readonly string[] }>
  }
  t.same(
    Object.entries(syscalls).filter(([, { origins }]) => origins.join() === 'runtime'),
    [],
    'what runc did while it was learned is in its floor',
  )
  t.match(syscalls['capset']?.floor, [/^runc [\d.]+ \(start, exec\)$/])
  const withoutRestart = session.path('without-restart.json')
  writeFileSync(withoutRestart, readFileSync(plain, 'utf8').replace(/^ *"restart_syscall",\n/m, ''))
  return { runtime, image, plain, noNewPrivileges, withoutRestart }
}

async function startsEveryTime(t: Test, profiles: Profiles): Promise<void> {
  const { runtime, image } = profiles
  const cases = [
    { profile: 'plain', noNewPrivileges: false },
    { profile: 'plain', noNewPrivileges: true },
    { profile: 'noNewPrivileges', noNewPrivileges: true },
  ] as const
  for (const { profile, noNewPrivileges } of cases) {
    for (const user of ['0', '1000']) {
      const spec = { image, user, noNewPrivileges, seccomp: profiles[profile] }
      const how = noNewPrivileges ? 'with no-new-privileges' : 'without'
      const title = `profile ${profile}, started ${how}, as uid ${user}`
      const command = ['/bin/wait', 'nanosleep', '0']
      const starts = await repeated(STARTS, () => runtime.run({ ...spec, command }))
      t.equal(good(starts), STARTS, `${title}: ${good(starts)} of ${STARTS} starts`)
      for (const { code, stderr } of starts) if (code !== 0) t.comment(stderr.slice(-500))

      const name = containerName('floor')
      const sleeper = runtime.launch({ ...spec, name, command: ['/bin/wait', 'poll', '60000'] })
      try {
        await processOf(runtime, name)
        const execs = await repeated(EXECS, () => runtime.cli(['exec', name, ...command]))
        t.equal(good(execs), EXECS, `${title}: ${good(execs)} of ${EXECS} execs`)
        for (const { code, stderr } of execs) if (code !== 0) t.comment(stderr.slice(-500))
      } finally {
        await runtime.remove(name)
        await sleeper.finished
      }
    }
  }
}

async function waitsOn(t: Test, profiles: Profiles): Promise<void> {
  for (const [what, disturb] of Object.entries(DISTURBANCES)) {
    const ends = await Promise.all(WAITS.map((how) => disturbed(profiles, 'plain', how, disturb)))
    for (const [index, { code, stdout }] of ends.entries()) {
      const how = WAITS[index] ?? ''
      t.same({ code, stdout }, { code: 0, stdout: `${how} errno 0\n` }, `${how}, ${what}`)
    }
  }
  const control = await disturbed(profiles, 'withoutRestart', 'nanosleep', stopAndContinue)
  t.same(
    { code: control.code, stdout: control.stdout },
    { code: 1, stdout: 'nanosleep errno 38\n' },
    'without restart_syscall the wait ends in ENOSYS: this test can tell',
  )
}

/** One container that waits, is disturbed meanwhile, and goes on to its end. */
async function disturbed(
  profiles: Profiles,
  profile: 'plain' | 'withoutRestart',
  how: string,
  disturb: Disturbance,
): Promise<Finished> {
  const { runtime, image } = profiles
  const name = containerName(how)
  const command = ['/bin/wait', how, String(WAIT_MS)]
  const running = runtime.launch({ image, name, command, seccomp: profiles[profile] })
  try {
    await disturb({ runtime, name, pid: await processOf(runtime, name) })
    return await running.finished
  } finally {
    await runtime.remove(name)
  }
}

/** The pid of the container's program, once it waits. */
async function processOf(runtime: ContainerRuntime, name: string): Promise<number> {
  return until(`${name} to wait`, async () => {
    const { code, stdout } = await runtime.cli(['inspect', '--format', '{{.State.Pid}}', name])
    const pid = Number(stdout)
    if (code !== 0 || !(pid > 0)) return undefined
    const isOurs = readFileSync(`/proc/${pid}/comm`, 'utf8') === 'wait\n'
    return isOurs && stateOf(pid) === 'S' ? pid : undefined
  })
}

/** Runs it so often, a few at a time. */
async function repeated(times: number, run: () => Promise<Finished>): Promise<readonly Finished[]> {
  const all: Finished[] = []
  let due = times
  const worker = async (): Promise<void> => {
    while (due-- > 0) all.push(await run())
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, worker))
  return all
}

function good(all: readonly Finished[]): number {
  return all.filter(({ code, stdout }) => code === 0 && stdout === 'nanosleep errno 0\n').length
}
