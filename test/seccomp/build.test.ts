/** The profile builder: what enters a profile, why, and what happens to everything else. */
import fc from 'fast-check'
import t from 'tap'
import type { Abi } from '../../src/observation.js'
import { buildProfile, type ProfileInput } from '../../src/seccomp/build.js'
import { RUNTIMES } from '../../src/seccomp/floor-tables.js'
import type { ObservedCall } from '../../src/seccomp/observed-call.js'
import { serializeProfile, type SeccompProfile, type Strength } from '../../src/seccomp/profile.js'
import { problemsOf } from '../../src/seccomp/validate.js'
import { anyCall, anyInput, call, input } from '../support/profile-inputs.js'

function namesFor(profile: SeccompProfile, action: string): readonly string[] {
  return profile.syscalls.filter((rule) => rule.action === action).flatMap((rule) => rule.names)
}

t.test('an observed call is allowed and says who made it', async (t) => {
  const { profile, origins } = buildProfile(input([call('mkdir'), call('read', 'probe')]))
  t.ok(namesFor(profile, 'SCMP_ACT_ALLOW').includes('mkdir'))
  t.strictSame(origins.get('mkdir'), {
    origins: ['observed'],
    programs: ['busybox'],
    runs: 3,
    abis: ['x86_64'],
  })
  t.strictSame(origins.get('read')?.origins, ['observed', 'floor'])
  t.strictSame(origins.get('rt_sigreturn'), {
    origins: ['required'],
    programs: [],
    runs: 0,
    abis: [],
  })
  t.strictSame([...origins.keys()], namesFor(profile, 'SCMP_ACT_ALLOW'))
})

t.test('each strength has its default and its answer to dangerous calls', async (t) => {
  const built = (strength: Strength): SeccompProfile =>
    buildProfile(input([call('mkdir')], { strength })).profile
  const complain = built('complain')
  t.equal(complain.defaultAction, 'SCMP_ACT_LOG')
  t.notOk('defaultErrnoRet' in complain)
  t.equal(complain.syscalls.length, 1)

  const enforce = built('enforce')
  t.equal(enforce.defaultAction, 'SCMP_ACT_ERRNO')
  t.equal(enforce.defaultErrnoRet, 38)
  t.match(enforce.syscalls[1], { names: ['clone3'], errnoRet: 38 })
  t.equal(enforce.syscalls[2]?.errnoRet, 1)
  t.ok(namesFor(enforce, 'SCMP_ACT_ERRNO').includes('mount'))
  t.strictSame(namesFor(enforce, 'SCMP_ACT_KILL_PROCESS'), [])

  const strict = built('strict')
  const killed = namesFor(strict, 'SCMP_ACT_KILL_PROCESS')
  t.ok(killed.includes('mount') && killed.includes('init_module') && killed.includes('bpf'))
  const spared = ['fsopen', 'fsconfig', 'fsmount', 'open_tree', 'ptrace']
  t.strictSame(
    spared.filter((name) => !namesFor(strict, 'SCMP_ACT_ERRNO').includes(name)),
    [],
  )
  t.notOk(namesFor(strict, 'SCMP_ACT_ERRNO').some((name) => killed.includes(name)))
})

t.test('a dangerous call stays out until it is approved by name', async (t) => {
  const calls = [call('mkdir'), call('ptrace'), call('io_uring_setup')]
  for (const strength of ['enforce', 'strict'] as const) {
    const without = buildProfile(input(calls, { strength }))
    t.notOk(without.origins.has('ptrace'))
    t.ok(without.notes.some((note) => note.startsWith('ptrace: left out')))
    t.ok(namesFor(without.profile, 'SCMP_ACT_ERRNO').includes('io_uring_setup'), 'used: not killed')
  }
  const approved = buildProfile(input(calls, { approved: ['ptrace', 'bpf'] }))
  t.strictSame(approved.origins.get('ptrace')?.origins, ['observed', 'approved'])
  t.notOk(approved.origins.has('bpf'), 'approval without observation adds nothing')
  t.notOk(namesFor(approved.profile, 'SCMP_ACT_ERRNO').includes('ptrace'))
  t.ok(approved.notes.some((note) => note.startsWith('io_uring_setup: left out')))
})

t.test('the lineage of a call decides whether it enters', async (t) => {
  const calls = [
    call('mkdir'),
    call('sync', 'runtime'),
    call('fsopen', 'runtime'),
    call('setns', 'runtime'),
    call('vfork', 'exec'),
  ]
  const { origins, notes } = buildProfile(input(calls, { approved: ['fsopen', 'setns'] }))
  t.strictSame(origins.get('sync')?.origins, ['runtime'])
  for (const name of ['fsopen', 'setns', 'vfork']) {
    t.notOk(origins.has(name), name)
    t.ok(
      notes.some((note) => note.includes(name)),
      `${name} has a note`,
    )
  }
  const own = buildProfile(input([...calls, call('setns')], { approved: ['setns'] }))
  t.strictSame(own.origins.get('setns')?.origins, ['observed', 'approved'])
  t.notOk(own.notes.some((note) => note.startsWith('setns')))
})

t.test('a number without a name is left out with a note', async (t) => {
  const strange = (abi: Abi, nr: number): ObservedCall => ({ ...call('read'), abi, nr })
  const { profile, notes } = buildProfile(
    input([call('mkdir'), strange('x86_64', 700), strange('arm', 3), strange('x86_64', 1023)]),
  )
  for (const label of ['x86_64:700?', 'x86_64:1023?', 'arm:3?']) {
    t.ok(
      notes.some((note) => note.startsWith(`${label}: left out`)),
      label,
    )
  }
  t.strictSame(profile.architectures, ['SCMP_ARCH_X86_64'])
})

t.test('architectures are those in use, and the native one of the runtime', async (t) => {
  const cases: readonly (readonly [readonly Abi[], Strength, string])[] = [
    [['x86_64'], 'enforce', 'X86_64'],
    [['i386'], 'enforce', 'X86_64 X86'],
    [['x32', 'x86_64'], 'strict', 'X86_64 X32'],
    [['aarch64'], 'enforce', 'AARCH64'],
    [['aarch64'], 'complain', 'AARCH64'],
    [['x86_64'], 'complain', 'X86_64 X86 X32'],
  ]
  for (const [abis, strength, expected] of cases) {
    const calls = abis.map((abi) => call('read', 'main', abi))
    const { profile } = buildProfile(input(calls, { strength }))
    const listed = profile.architectures.map((name) => name.replace('SCMP_ARCH_', '')).join(' ')
    t.equal(listed, expected, `${abis.join(' ')} ${strength}`)
  }
  const { origins, notes } = buildProfile(input([call('read'), call('socketcall', 'main', 'i386')]))
  t.ok(origins.has('sigreturn') && origins.has('socketcall'))
  t.ok(notes.some((note) => note.startsWith('x86_64, i386 are covered')))
  t.notOk(buildProfile(input([call('read')])).origins.has('sigreturn'))
})

t.test('no application call means no profile', async (t) => {
  const cases = [[], [call('read', 'runtime')], [call('read', 'exec')], [call('mount')]]
  for (const calls of cases) {
    t.throws(() => buildProfile(input(calls)), { code: 'PROFILE_EMPTY' })
  }
})

t.test('the floor narrows with the runtime and with no_new_privileges, and says so', async (t) => {
  const size = (more: Partial<ProfileInput>): number =>
    buildProfile(input([call('read')], more)).origins.size
  t.ok(size({}) > size({ runtimes: ['runc'] }))
  t.ok(size({ runtimes: ['runc'] }) > size({ runtimes: ['runc'], assumeNoNewPrivileges: true }))
  t.ok(size({ runtimes: ['crun'] }) > size({ runtimes: ['crun'], assumeNoNewPrivileges: true }))
  t.equal(size({ runtimes: [] }), size({ runtimes: RUNTIMES }))
  const { notes } = buildProfile(input([call('read')], { runtimes: ['crun'] }))
  t.ok(notes.some((note) => note.includes('crun') && note.includes('capget')))
})

t.test('a document is written with plain digits and a newline at the end', async (t) => {
  const text = serializeProfile({
    defaultAction: 'SCMP_ACT_LOG',
    architectures: [],
    syscalls: [
      {
        names: ['socket'],
        action: 'SCMP_ACT_ALLOW',
        args: [{ index: 0, value: 2n ** 64n - 1n, valueTwo: 2n, op: 'SCMP_CMP_MASKED_EQ' }],
      },
    ],
  })
  t.match(text, '"value": 18446744073709551615,')
  t.equal(text, text.trimEnd() + '\n')
  const built = buildProfile(input([call('read')])).profile
  t.equal(serializeProfile(built), `${JSON.stringify(built, null, 2)}\n`)
})

t.test('whatever was observed, the validator finds nothing wrong with the profile', async (t) => {
  fc.assert(
    fc.property(anyInput, (given) => {
      const { profile } = buildProfile(given)
      const read: unknown = JSON.parse(serializeProfile(profile))
      return problemsOf(profile).length === 0 && problemsOf(read).length === 0
    }),
  )
  t.pass('no counterexample')
})

t.test('the order of the observations does not matter', async (t) => {
  fc.assert(
    fc.property(
      anyInput.chain((given) =>
        fc.tuple(
          fc.constant(given),
          fc.shuffledSubarray([...given.calls], { minLength: given.calls.length }),
        ),
      ),
      ([given, calls]) => {
        const one = buildProfile(given)
        const other = buildProfile({ ...given, calls })
        return (
          serializeProfile(one.profile) === serializeProfile(other.profile) &&
          JSON.stringify([...one.origins]) === JSON.stringify([...other.origins]) &&
          JSON.stringify(one.notes) === JSON.stringify(other.notes)
        )
      },
    ),
  )
  t.pass('no counterexample')
})

t.test('strength changes what happens to other calls, never what is allowed', async (t) => {
  fc.assert(
    fc.property(anyInput, (given) => {
      const names = (strength: Strength): string =>
        [...buildProfile({ ...given, strength }).origins.keys()].join()
      return names('complain') === names('enforce') && names('enforce') === names('strict')
    }),
  )
  t.pass('no counterexample')
})

t.test('more observations never take a name away', async (t) => {
  fc.assert(
    fc.property(anyInput, anyCall, (given, more) => {
      const before = buildProfile(given).origins
      const after = buildProfile({ ...given, calls: [...given.calls, more] }).origins
      return [...before.keys()].every((name) => after.has(name))
    }),
  )
  t.pass('no counterexample')
})

t.test(
  'what people keep out stays out, is not inferred, and says so where a floor needs it',
  async (t) => {
    const calls = [call('getppid'), call('chmod'), call('openat')]
    const withheld = new Map([
      ['chmod', 'a person rejected it'],
      ['fchown', 'a person rejected it'],
      ['openat2', 'a person rejected it'],
    ])
    const { origins, notes } = buildProfile(input(calls, { withheld }))
    t.notOk(origins.has('chmod'))
    t.notOk(origins.has('fchmodat'), 'nothing is inferred from it')
    t.notOk(origins.get('openat2')?.origins.includes('inferred'), 'it is not inferred itself')
    t.ok(notes.includes('chmod: left out: a person rejected it'))
    t.ok(notes.some((note) => note.startsWith('fchown: allowed although a person rejected it')))
  },
)

t.test('other lineages enter where they are asked for', async (t) => {
  const calls = [call('getppid'), { ...call('chmod'), lineage: 'exec' as const }]
  t.notOk(buildProfile(input(calls)).origins.has('chmod'))
  const lineages = ['main', 'probe', 'exec'] as const
  t.ok(buildProfile(input(calls, { lineages })).origins.has('chmod'))
})

t.test('an approved call needs not have been seen', async (t) => {
  const calls = [call('getppid'), { ...call('mkdir'), count: 0, runs: 0, programs: [] }]
  const { origins } = buildProfile(input(calls, { approved: ['mkdir'] }))
  t.strictSame(origins.get('mkdir')?.origins, ['approved'])
})
