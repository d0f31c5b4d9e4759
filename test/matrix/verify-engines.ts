/** `profile verify` with services, with docker, after learning, and when it is disturbed. */
import { containerName } from '../support/live/container-runtime.js'
import { docker } from '../support/live/docker.js'
import { REDIS } from '../support/live/images.js'
import { MAIN } from '../support/live/plimsoll.js'
import { podman } from '../support/live/podman.js'
import { start, type Running } from '../support/live/process.js'
import { liveTest } from '../support/live/requirements.js'
import { until } from '../support/live/until.js'
import {
  changed,
  deniedLine,
  expectOutcome,
  type Learned,
  learned,
  type VerificationView,
  verify,
  verifying,
  without,
  WRITER,
} from '../support/live/verified.js'

const NEEDS = ['root', 'bpf', 'podman', 'busybox'] as const

liveTest('a service is stopped when its time is over', [...NEEDS, 'redis'], async (t) => {
  const runtime = podman()
  const found = await learned(t, runtime, REDIS, 'verify', async (image) => {
    const name = containerName('verify-redis')
    const running = runtime.launch({ image, name })
    await until('redis', () => running.stdout().includes('Ready to accept connections'))
    await runtime.mustCli(['stop', '-t', '5', name])
    return running.finished
  })
  const outcome = await verify(found, found.profile, '--for', '2s')
  // Each of its threads tries clone3 first, which every profile answers with ENOSYS.
  const denied = outcome.view.denied.filter(({ standing }) => standing !== 'expected')
  const failing = { ...outcome, view: { ...outcome.view, denied } }
  expectOutcome(t, failing, 'redis', { result: 'holds', denied: [] })
  t.ok(outcome.view.runs.every(({ wasStopped }) => wasStopped))
})

const SLEEPER = { ...WRITER, name: 'busybox-sleeper', command: ['/bin/sleep', '4'] }

/** A verification of one run, once the container under the profile is there: the process, and the container's name. */
async function underWay({
  session,
  runtime,
  image,
  profile,
  env,
}: Learned): Promise<{ readonly running: Running; readonly name: string }> {
  const args = ['profile', 'verify', image, profile, '--json', '--times', '1']
  const running = start(process.execPath, [MAIN, ...args], { env })
  session.adopt(running.pid)
  const names = new Set<string>()
  const second = async (): Promise<string | undefined> => {
    for (const name of await verifying(runtime)) names.add(name)
    return [...names][1]
  }
  return { running, name: await until('the run under the profile', second, 60_000) }
}

liveTest(
  'nothing holds while the sensor was away, or before all runs are over',
  NEEDS,
  async (t) => {
    const found = await learned(t, podman(), SLEEPER, 'verify')
    const { session, runtime } = found
    for (const [what, act, doubt] of [
      ['bpftrace is killed', () => process.kill(session.bpftrace()[0] ?? 0, 'SIGKILL'), 'missed'],
      ['it is interrupted', (pid: number) => process.kill(pid, 'SIGINT'), 'interrupted'],
    ] as const) {
      const { running } = await underWay(found)
      act(running.pid)
      const finished = await session.ended(running)
      const view = JSON.parse(finished.stdout) as VerificationView
      t.match({ code: finished.code, view }, { code: 1, view: { result: 'unknown' } }, what)
      t.ok(
        view.doubts.some(({ kind }) => kind === doubt),
        `${what}: ${doubt}`,
      )
      t.same(await verifying(runtime), [], `${what}: no container is left`)
      await session.nothingLeft(t)
    }
  },
)

liveTest(
  'what is denied to an injected process counts, under its own lineage',
  NEEDS,
  async (t) => {
    const found = await learned(t, podman(), SLEEPER, 'verify-exec')
    const { session, runtime } = found
    const { running, name } = await underWay(found)
    await until('the denial', async () => {
      const { stderr } = await runtime.cli(['exec', name, '/bin/mkdir', '/tmp/a'])
      return stderr.includes('not implemented')
    })
    const { code, stdout } = await session.ended(running)
    const view = JSON.parse(stdout) as VerificationView
    const denied = view.denied.filter(({ lineage }) => lineage !== 'runtime').map(deniedLine)
    t.equal(code, 3)
    t.same(denied, ['mkdir x86_64 exec ENOSYS 1/1 /bin/mkdir fails'])
    t.match(view.runs, [{ status: 0 }], 'the entrypoint ended as it does')
    t.comment(`podman exec: ${denied.join('; ')}`)
  },
)

liveTest(
  'docker verifies, and learning ends with a verification',
  [...NEEDS, 'docker'],
  async (t) => {
    const runtime = await docker(t)
    const found = await learned(t, runtime, WRITER, 'verify-docker')
    const { session, profile, image, env } = found
    const flags = ['--runtime', 'docker', '--times', '2']
    const whole = await verify(found, profile, ...flags)
    expectOutcome(t, whole, 'docker', { result: 'holds', denied: [] })
    t.match(whole.view, { engine: /^docker \d/, runtime: /^runc \d/, reference: { status: 7 } })
    const lacking = changed(profile, session.path('lacking.json'), (d) => without(d, ['mkdir']))
    const { finished, view } = await verify(found, lacking, ...flags)
    t.equal(finished.code, 3)
    // Docker 20.10 does not know defaultErrnoRet, and answers EPERM.
    t.match(
      view.denied.map(deniedLine).join('; '),
      /^mkdir x86_64 main E\w+ 2\/2 \/bin\/mkdir fails$/,
    )
    const isOther = view.denied.some(({ answer }) => answer !== 'ENOSYS')
    t.same(view.otherwiseAnswered, isOther ? ['mkdir'] : [])
    t.comment(`${view.engine} answered mkdir with ${view.denied[0]?.answer}`)

    const again = session.path('again.json')
    const learning = ['learn', '--image', image, '--runs', '1', '--seccomp', again, '--verify']
    const running = await session.attach(learning, { env })
    await runtime.run({ image })
    const { code, stdout, stderr } = await session.ended(running)
    t.equal(code, 0, stderr)
    t.match(stdout, /^holds: 3 runs ended as without the profile, nothing denied$/m)
    t.match(stderr, /not verified yet: plimsoll profile verify /)
  },
)
