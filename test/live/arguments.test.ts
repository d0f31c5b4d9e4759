/**
 * A profile lets socket and clone through by their arguments: what was seen works, what was not is refused by the kernel, and
 * threads start although clone3, whose arguments no filter can see, is not there.
 */
import { readFileSync } from 'node:fs'
import { ARGUMENT_CALLS } from '../../src/kernel/arguments.js'
import { profileAt, syscallsOf } from '../support/live/baseline-view.js'
import { docker } from '../support/live/docker.js'
import { CALLS, imageOf } from '../support/live/images.js'
import { NODE, PYTHON } from '../support/live/interpreters.js'
import { Session } from '../support/live/plimsoll.js'
import { podman } from '../support/live/podman.js'
import { liveTest } from '../support/live/requirements.js'

liveTest(
  'a socket and a clone with other arguments than those seen are refused',
  ['root', 'bpf', 'podman', 'docker', 'gcc'],
  async (t) => {
    const runtime = podman()
    const session = new Session(t, runtime.env)
    const image = await imageOf(runtime, CALLS, 'arguments')
    const learning = await session.attach(['learn', '--image', image, '--runs', '1'])
    await runtime.mustRun({ image, command: ['/bin/arguments'] })
    t.equal((await session.ended(learning)).code, 0)
    const all = { image, command: ['/bin/arguments', 'all'] }
    const open = outcomes((await runtime.mustRun({ ...all, seccomp: 'unconfined' })).stdout)
    t.match(open, { inet: 0, child: 0, thread: 0, clone3: 0 }, 'without a filter')
    t.not(open['alg'], 38)
    t.not(open['namespace'], 38)

    const cases: readonly (readonly [string, readonly string[]])[] = [
      ['enforce', []],
      ['strict', ['--strength', 'strict']],
      // Of prctl, the runtime gets what the table of its options has.
      ['every-call', ['--arguments', ARGUMENT_CALLS.join(',')]],
    ]
    for (const [name, flags] of cases) {
      const seccomp = session.path(`${name}.json`)
      await session.mustRun(['profile', image, '--out', seccomp, ...flags])
      const { stdout } = await runtime.mustRun({ ...all, seccomp })
      t.same(
        outcomes(stdout),
        { inet: 0, child: 0, thread: 0, alg: 38, namespace: 38, clone3: 38 },
        `${name}: only what was seen`,
      )
      const filtered = filteredIn(seccomp)
      t.ok(filtered.includes('socket') && filtered.includes('clone'))
      t.comment(`${filtered.join(', ')} filtered: ${stdout.trim().replaceAll('\n', ', ')}`)
    }

    // docker 20.10 does not read `defaultErrnoRet`: what is not allowed gets EPERM there, but clone3 must not.
    const daemon = await docker(t)
    const there = await imageOf(daemon, CALLS, 'arguments')
    const seccomp = session.path('enforce.json')
    const { stdout } = await daemon.mustRun({ ...all, image: there, seccomp })
    t.match(outcomes(stdout), { inet: 0, child: 0, thread: 0, clone3: 38 }, 'docker')
    t.ok([1, 38].includes(outcomes(stdout)['namespace'] ?? 0), 'refused there too')
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

/** Calls that a profile lets through by value. */
function filteredIn(path: string): readonly string[] {
  const { syscalls } = JSON.parse(readFileSync(path, 'utf8')) as {
    readonly syscalls: readonly { readonly names: readonly string[]; readonly args?: object }[]
  }
  const names = syscalls.filter(({ args }) => args !== undefined).flatMap((rule) => rule.names)
  return [...new Set(names)].sort()
}

/** Errnos by what was tried. */
function outcomes(stdout: string): Readonly<Record<string, number>> {
  const lines = [...stdout.matchAll(/^(\w+) errno (\d+)$/gm)]
  return Object.fromEntries(lines.map(([, what = '', errno]) => [what, Number(errno)]))
}
