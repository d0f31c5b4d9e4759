/**
 * Requests of ioctl are learned where that is asked for and not otherwise; a profile can be built of them, and enforcement
 * looks at them where some sealed image is held to them.
 */
import { argumentsOf, callOf } from '../support/live/baseline-view.js'
import { Enforcing, PERMISSIVE, seal } from '../support/live/enforcing.js'
import { CALLS, imageOf } from '../support/live/images.js'
import { Session } from '../support/live/plimsoll.js'
import { podman } from '../support/live/podman.js'
import { liveTest } from '../support/live/requirements.js'

const NEEDS = ['root', 'bpf', 'podman', 'gcc'] as const
/** What test/fixtures/programs/ioctls.c does. */
const MADE = [
  ['TCGETS', 0x5401, 7],
  ['FIONREAD', 0x541b, 5],
  ['0xc0de1234', 0xc0de1234, 3],
] as const
const EBADF = 9
const ENOSYS = 38

/** Errno by request. */
function outcomes(stdout: string): Readonly<Record<string, number>> {
  const lines = stdout.trim().split('\n')
  return Object.fromEntries(
    lines.map((line): readonly [string, number] => {
      const [request = '', errno] = line.split(' ')
      return [request, Number(errno)]
    }),
  )
}

liveTest('requests of ioctl are learned by wish, filtered, and held to', NEEDS, async (t) => {
  const runtime = podman()
  const session = new Session(t, runtime.env)
  const image = await imageOf(runtime, CALLS, 'ioctl')
  const learn = async (...args: readonly string[]): Promise<void> => {
    const learning = await session.attach([...args, '--image', image, '--runs', '1'])
    await runtime.mustRun({ image, command: ['/bin/ioctls'], seccomp: PERMISSIVE })
    t.equal((await session.ended(learning)).code, 0)
  }
  const learned = async (): Promise<readonly unknown[]> =>
    argumentsOf(await session.show(image), 'main')
      .filter(({ name }) => name === 'ioctl')
      .map(({ label, value, count }) => [label, value, count])

  await learn('learn')
  t.equal(callOf(await session.show(image), 'x86_64', 'ioctl')?.count, 15)
  t.same(await learned(), [], 'not asked for, not learned')
  await session.mustRun(['baseline', 'rm', image])

  await learn('learn', '--ioctl')
  t.same(await learned(), MADE, 'each request as often as it was made')
  await session.mustRun(['baseline', 'rm', image])
  const trace = session.path('ioctl.trace')
  await learn('record', trace, '--ioctl')
  t.same(await learned(), MADE, 'recorded too')
  await session.mustRun(['baseline', 'rm', image])
  await session.mustRun(['replay', trace])
  t.same(await learned(), MADE, 'and replayed')
  const { stdout: shown } = await session.mustRun(['baseline', 'show', image])
  t.match(shown, /ioctl +TCGETS/)
  t.match(shown, /ioctl +FIONREAD/)

  const profile = session.path('profile.json')
  const flags = ['--arguments', 'ioctl', '--runtime', 'runc']
  await session.mustRun(['profile', image, '--out', profile, ...flags])
  const all = { image, command: ['/bin/ioctls', 'all'] }
  const { stdout } = await runtime.mustRun({ ...all, seccomp: profile })
  t.same(
    outcomes(stdout),
    { TCGETS: EBADF, FIONREAD: EBADF, odd: EBADF, another: ENOSYS },
    'the filter lets through what was seen',
  )
  t.comment(stdout.trim().replaceAll('\n', ', '))

  await seal(session, image)
  const enforcing = await Enforcing.start(t, session, ['--image', image, '--json'])
  await runtime.mustRun({ ...all, seccomp: PERMISSIVE })
  const anomaly = await enforcing.anomaly('another request', ({ what }) => /c0de1235/.test(what))
  t.equal(anomaly.kind, 'argument')
  t.comment(`${anomaly.severity} ${anomaly.what}`)
  const others = enforcing
    .anomalies()
    .filter(({ kind, id }) => kind === 'argument' && id !== anomaly.id)
  t.same(others, [], 'and of no other')
})
