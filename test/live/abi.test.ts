/**
 * A system call is always (ABI, number): calls by int 0x80 and by x32 numbers are learned under their own ABI, never as
 * the x86_64 call that happens to have the number, and a profile names an architecture only if it was used.
 */
import { callOf, namesOf, profileAt, syscallsOf } from '../support/live/baseline-view.js'
import { CALLS, imageOf } from '../support/live/images.js'
import { Session } from '../support/live/plimsoll.js'
import { podman } from '../support/live/podman.js'
import { liveTest } from '../support/live/requirements.js'

const NEEDS = ['root', 'bpf', 'podman', 'gcc'] as const

/** Each program is a run of an image of its own, so that one baseline holds one ABI. */
const CASES = [
  {
    program: 'int80',
    abi: 'i386',
    calls: [
      { nr: 20, name: 'getpid' },
      { nr: 183, name: 'getcwd' },
      { nr: 199, name: 'getuid32' },
    ],
    // The meanings of 20, 183 and 199 on x86_64; the program makes none of them there.
    mistaken: ['writev', 'afs_syscall', 'fremovexattr'],
    foreign: ['SCMP_ARCH_X86'],
  },
  {
    program: 'x32',
    abi: 'x32',
    calls: [{ nr: 110, name: 'getppid' }],
    mistaken: ['getppid'],
    foreign: ['SCMP_ARCH_X32'],
  },
  { program: 'refused', abi: 'x86_64', calls: [], mistaken: [], foreign: [] },
] as const

for (const { program, abi, calls, mistaken, foreign } of CASES) {
  liveTest(`${program} is learned under its own ABI`, NEEDS, async (t) => {
    const runtime = podman()
    const session = new Session(t, runtime.env)
    const image = await imageOf(runtime, CALLS, `abi-${program}`)
    const seccomp = session.path('profile.json')
    const learning = await session.attach([
      'learn',
      '--image',
      image,
      '--runs',
      '1',
      '--seccomp',
      seccomp,
    ])
    const plain = await runtime.mustRun({ image, command: [`/bin/${program}`] })
    t.equal((await session.ended(learning)).code, 0)

    const view = await session.show(image)
    t.match(view.completeness, { state: 'full' })
    const foreignCalls = syscallsOf(view, 'main').filter((call) => call.abi !== 'x86_64')
    t.same(
      foreignCalls.map(({ abi, nr, name, count }) => ({ abi, nr, name, count })),
      calls.map((call) => ({ abi, ...call, count: 1 })),
    )
    for (const name of mistaken) t.notOk(callOf(view, 'x86_64', name), `no x86_64 ${name}`)
    t.ok(namesOf(view, 'main').includes('exit_group'))
    const { architectures } = profileAt(seccomp)
    t.same([...architectures].sort(), ['SCMP_ARCH_X86_64', ...foreign].sort())

    const confined = await runtime.mustRun({ image, command: [`/bin/${program}`], seccomp })
    t.equal(confined.stdout, plain.stdout, 'under its profile it gets the same answers')
  })
}
