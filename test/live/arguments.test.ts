/**
 * A profile lets socket and clone through by their arguments: what was seen works, what was not is refused by the kernel, and
 * threads start although clone3, whose arguments no filter can see, is not there.
 */
import { writeFileSync } from 'node:fs'
import type { Abi } from '../../src/observation.js'
import { ARGUMENT_CALLS } from '../../src/kernel/arguments.js'
import { buildProfile, type ProfileInput } from '../../src/seccomp/build.js'
import type { ObservedCall } from '../../src/seccomp/observed-call.js'
import { serializeProfile } from '../../src/seccomp/profile.js'
import { type BaselineView, profileAt, syscallsOf } from '../support/live/baseline-view.js'
import { CALLS, imageOf } from '../support/live/images.js'
import { NODE, PYTHON } from '../support/live/interpreters.js'
import { Session } from '../support/live/plimsoll.js'
import { podman } from '../support/live/podman.js'
import { liveTest } from '../support/live/requirements.js'

/** What test/fixtures/programs/arguments.c passes: AF_INET and SOCK_STREAM, packed, and no namespace flag. */
const VALUES: Readonly<Record<string, readonly number[]>> = { socket: [0x21], clone: [0] }

liveTest(
  'a socket and a clone with other arguments than those seen are refused',
  ['root', 'bpf', 'podman', 'gcc'],
  async (t) => {
    const runtime = podman()
    const session = new Session(t, runtime.env)
    const image = await imageOf(runtime, CALLS, 'arguments')
    const learning = await session.attach(['learn', '--image', image, '--runs', '1'])
    await runtime.mustRun({ image, command: ['/bin/arguments'] })
    t.equal((await session.ended(learning)).code, 0)
    const calls = callsOf(await session.show(image))
    t.ok(
      calls.some(({ values }) => values === VALUES['socket']),
      'it made a socket',
    )

    const all = { image, command: ['/bin/arguments', 'all'] }
    const open = outcomes((await runtime.mustRun({ ...all, seccomp: 'unconfined' })).stdout)
    t.match(open, { inet: 0, child: 0, thread: 0, clone3: 0 }, 'without a filter')
    t.not(open['alg'], 38)
    t.not(open['namespace'], 38)

    const cases: readonly (readonly [string, Partial<ProfileInput>])[] = [
      ['enforce', {}],
      ['strict', { strength: 'strict' }],
      // Of prctl, the runtime gets what the table of its options has.
      ['every-call', { arguments: ARGUMENT_CALLS }],
    ]
    for (const [name, more] of cases) {
      const seccomp = session.path(`${name}.json`)
      const { profile, origins } = buildProfile({
        calls,
        strength: 'enforce',
        runtimes: [],
        assumeNoNewPrivileges: false,
        ...more,
      })
      writeFileSync(seccomp, serializeProfile(profile))
      const { stdout } = await runtime.mustRun({ ...all, seccomp })
      t.same(
        outcomes(stdout),
        { inet: 0, child: 0, thread: 0, alg: 38, namespace: 38, clone3: 38 },
        `${name}: only what was seen`,
      )
      const filtered = [...origins].filter(([, { values }]) => values !== undefined)
      t.comment(
        `${filtered.map(([call]) => call).join(', ')} filtered: ${stdout.trim().replaceAll('\n', ', ')}`,
      )
    }
  },
)

for (const [recipe, need] of [
  [PYTHON, 'python3'],
  [NODE, 'root'],
] as const) {
  liveTest(
    `${recipe.name} starts threads under a profile without clone3`,
    ['root', 'bpf', 'podman', need],
    async (t) => {
      const runtime = podman()
      const session = new Session(t, runtime.env)
      const image = await imageOf(runtime, recipe, 'arguments')
      const seccomp = session.path('profile.json')
      const args = ['learn', '--image', image, '--runs', '1', '--seccomp', seccomp]
      const learning = await session.attach(args)
      await runtime.mustRun({ image })
      t.equal((await session.ended(learning)).code, 0)
      const made = syscallsOf(await session.show(image), 'main').map(({ name }) => name)
      t.comment(`made ${made.filter((name) => name.startsWith('clone')).join(' and ')}`)
      const { allowed } = profileAt(seccomp)
      t.ok(allowed.includes('clone'))
      t.notOk(allowed.includes('clone3'))
      const { stdout } = await runtime.mustRun({ image, seccomp })
      t.equal(stdout, 'afloat\n')
    },
  )
}

/** What the builder is given of the application, for a baseline whose arguments are known. */
function callsOf(view: BaselineView): readonly ObservedCall[] {
  return syscallsOf(view, 'main').map(({ abi, nr, name, count, runs, programs }) => {
    const values = VALUES[name]
    const facts = { abi: abi as Abi, nr, lineage: 'main' as const, count, runs, programs }
    return values === undefined ? facts : { ...facts, values }
  })
}

/** Errnos by what was tried. */
function outcomes(stdout: string): Readonly<Record<string, number>> {
  const lines = [...stdout.matchAll(/^(\w+) errno (\d+)$/gm)]
  return Object.fromEntries(lines.map(([, what = '', errno]) => [what, Number(errno)]))
}
