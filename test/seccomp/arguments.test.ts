/** Calls that are let through by the value of their argument: which values, and when the call is let through whole. */
import fc from 'fast-check'
import t from 'tap'
import { ARGUMENT_CALLS, type ArgumentCall, OTHER_VALUE } from '../../src/kernel/arguments.js'
import { syscallNr } from '../../src/kernel/syscalls.js'
import { buildProfile, type BuiltProfile, type ProfileInput } from '../../src/seccomp/build.js'
import { deciderOf } from '../../src/seccomp/evaluate.js'
import type { ObservedCall } from '../../src/seccomp/observed-call.js'
import { MAX_RULES } from '../../src/seccomp/profile.js'
import { problemsOf } from '../../src/seccomp/validate.js'
import { anyInput, call, callWith, input } from '../support/profile-inputs.js'

const [UNIX, INET, NETLINK, ALG] = [1, 2, 16, 38]
const [NEWNS, NEWUSER, NEWPID] = [0x2_0000, 0x1000_0000, 0x2000_0000]
/** CLONE_VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS, PARENT_SETTID, CHILD_CLEARTID: glibc's flags of a thread. */
const THREAD = 0x3d_0f00

function socket(domain: number, type = 1): number {
  return (domain << 4) | type
}

function built(calls: readonly ObservedCall[], more: Partial<ProfileInput> = {}): BuiltProfile {
  return buildProfile(input([call('read'), ...calls], more))
}

/** What the profile answers to the call with that first argument: `allow`, `log`, `kill` or an errno. */
function answer(
  { profile }: BuiltProfile,
  name: string,
  first: number | bigint = 0,
  abi: 'x86_64' | 'i386' = 'x86_64',
): string {
  const decide = deciderOf(profile)
  const { action, errno } = decide(abi, syscallNr(abi, name) ?? -1, [BigInt(first)])
  return errno?.toString() ?? action.replace('SCMP_ACT_', '').toLowerCase()
}

function hasNote(one: BuiltProfile, pattern: RegExp): boolean {
  return one.notes.some((note) => pattern.test(note))
}

t.test('a socket may be of the domains that were seen, of any type, and of no other', async (t) => {
  const one = built([callWith('socket', [socket(UNIX, 2), socket(INET), socket(INET, 2)])])
  t.same(
    [UNIX, INET, NETLINK, ALG, INET + 1].map((domain) => answer(one, 'socket', domain)),
    ['allow', 'allow', '38', '38', '38'],
  )
  t.equal(answer(one, 'socket', 0xdead_beef_0000_0002n), 'allow', 'the upper half is no part of it')
  t.same(one.origins.get('socket')?.values, [
    { value: UNIX, label: 'AF_UNIX' },
    { value: INET, label: 'AF_INET' },
  ])
  t.equal(
    one.profile.syscalls.filter(({ names }) => names.includes('socket')).length,
    2,
    'one rule for each, and none without a test',
  )
})

t.test('a dangerous domain enters only when it was seen and approved', async (t) => {
  const calls = [callWith('socket', [socket(INET), socket(ALG, 5)])]
  const without = built(calls)
  t.equal(answer(without, 'socket', ALG), '38')
  t.ok(hasNote(without, /^socket: AF_ALG left out: .*by approval only$/))
  const approvedValues = [{ call: 'socket', value: socket(ALG, 3) }] as const
  t.equal(answer(built(calls, { approvedValues }), 'socket', ALG), 'allow', 'by its domain')
  const unseen = built([callWith('socket', [socket(INET)])], { approvedValues })
  t.equal(answer(unseen, 'socket', ALG), '38')

  const only = built([callWith('socket', [socket(ALG), socket(40)])])
  t.notOk(only.origins.has('socket'), 'nothing of it is left')
  t.ok(hasNote(only, /^socket: AF_VSOCK left out/))
})

t.test('clone makes threads and children, and namespaces only as approved', async (t) => {
  const seen = [0, NEWUSER, NEWPID | NEWNS]
  const one = built([callWith('clone', seen)])
  t.same(
    [0, THREAD, 17, NEWUSER, NEWPID | NEWNS, THREAD | NEWNS].map((flags) =>
      answer(one, 'clone', flags),
    ),
    ['allow', 'allow', 'allow', '38', '38', '38'],
  )
  t.ok(hasNote(one, /^clone: CLONE_NEWUSER left out/))
  t.same(one.origins.get('clone')?.values, [{ value: 0, label: 'no namespace' }])
  const approvedValues = [{ call: 'clone', value: NEWUSER }] as const
  const approved = built([callWith('clone', seen)], { approvedValues })
  t.same(
    [17, NEWUSER | 17, NEWPID | NEWNS].map((flags) => answer(approved, 'clone', flags)),
    ['allow', 'allow', '38'],
  )
  t.ok(hasNote(approved, /^clone: CLONE_NEWNS\|CLONE_NEWPID left out/))
})

t.test('what clone was used for need not be known to keep it from namespaces', async (t) => {
  for (const unknown of [call('clone'), callWith('clone', [0, OTHER_VALUE])]) {
    const one = built([unknown])
    t.same(
      [17, NEWUSER].map((flags) => answer(one, 'clone', flags)),
      ['allow', '38'],
    )
    t.ok(hasNote(one, /^clone: allowed without new namespaces only; .* is not known$/))
  }
})

t.test('while clone is filtered, clone3 gets ENOSYS, and threads have clone', async (t) => {
  for (const families of [true, false]) {
    const one = built([call('clone3')], { families })
    t.equal(answer(one, 'clone3'), '38')
    t.same(
      [THREAD, NEWUSER].map((flags) => answer(one, 'clone', flags)),
      ['allow', '38'],
    )
    t.match(one.origins.get('clone'), { origins: ['inferred'], reason: /^clone3 was observed/ })
    t.ok(hasNote(one, /^clone3: left out, .* without falling back fails$/))
    t.notOk(one.origins.has('clone3'))
  }
  const both = built([call('clone3'), callWith('clone', [0])])
  t.same([answer(both, 'clone3'), answer(both, 'clone', NEWUSER)], ['38', '38'])
  t.notOk(hasNote(built([callWith('clone', [0])]), /^clone3/), 'not worth a word if unused')
  const whole = built([call('clone3')], { arguments: [] })
  t.equal(answer(whole, 'clone3'), 'allow')
  t.notOk(whole.origins.has('clone'))
})

t.test('unshare is refused until it, or a value of it, is approved', async (t) => {
  const calls = [callWith('unshare', [0, NEWNS, NEWUSER])]
  const values = [0, 0x400, NEWNS, NEWUSER, 0x80]
  const answers = (more: Partial<ProfileInput>): string =>
    values.map((flags) => answer(built(calls, more), 'unshare', flags)).join(' ')
  t.equal(answers({}), '1 1 1 1 1')
  t.equal(answers({ approved: ['unshare'] }), 'allow allow allow allow 38', 'but no NEWTIME')
  const approvedValues = [{ call: 'unshare', value: NEWNS }] as const
  t.equal(answers({ approvedValues }), '38 38 allow 38 38')
  t.equal(answers({ approvedValues, arguments: [] }), '1 1 1 1 1', 'a value without a filter')
  const other = built([callWith('unshare', [NEWUSER])], { approvedValues, strength: 'strict' })
  t.equal(answer(other, 'unshare', NEWUSER), '1', 'used, so it is not killed')
  t.equal(answer(built([call('unshare')], { approvedValues }), 'unshare', NEWNS), 'allow')
})

t.test('personality and prctl are let through as they were seen', async (t) => {
  const calls = [callWith('personality', [0xffff_ffff]), callWith('prctl', [15, 16, 35])]
  const one = built(calls)
  t.same(
    [0xffff_ffff, 0x4_0000].map((persona) => answer(one, 'personality', persona)),
    ['allow', '38'],
  )
  t.equal(answer(one, 'prctl', 999), 'allow', 'not filtered unless asked for')

  const more = built(calls, { arguments: ['prctl'] })
  t.same(
    [16, 35, 36, 999].map((option) => answer(more, 'prctl', option)),
    ['allow', 'allow', '38', '38'],
  )
  for (const option of [1, 8, 24, 38, 47]) {
    t.equal(answer(more, 'prctl', option), 'allow', `runtimes use ${option}`)
  }
  t.match(
    more.origins.get('prctl')?.values?.filter(({ value }) => value === 24 || value === 35),
    [
      { value: 24, label: 'PR_CAPBSET_DROP', reason: /^runc/ },
      { value: 35, label: 'PR_SET_MM' },
    ],
  )
  t.equal(answer(built([], { arguments: ['prctl'] }), 'prctl', 24), 'allow')
})

t.test(
  'a call is let through whole where its values are not known, and the notes say so',
  async (t) => {
    const cases: readonly (readonly [string, readonly ObservedCall[]])[] = [
      ['not recorded', [call('socket')]],
      ['none recorded', [callWith('socket', [])]],
      ['some of them others', [callWith('socket', [socket(INET), OTHER_VALUE])]],
      [
        'not recorded under one lineage',
        [callWith('socket', [socket(INET)]), call('socket', 'probe')],
      ],
      [
        'not recorded under one ABI',
        [callWith('socket', [socket(INET)]), call('socket', 'main', 'x32')],
      ],
    ]
    for (const [title, calls] of cases) {
      const one = built(calls)
      t.equal(answer(one, 'socket', ALG), 'allow', title)
      t.ok(hasNote(one, /^socket: allowed whatever its domain: which ones were used is not known$/))
      t.notOk('values' in (one.origins.get('socket') ?? {}))
    }
    const injected = built([callWith('socket', [socket(INET)]), call('socket', 'exec')])
    t.equal(answer(injected, 'socket', ALG), '38', 'what was injected does not count')
  },
)

t.test(
  'with i386 in use, sockets are not filtered, because socketcall goes round it',
  async (t) => {
    const calls = [callWith('socket', [socket(INET), socket(ALG)]), call('read', 'main', 'i386')]
    const one = built(calls)
    t.equal(answer(one, 'socket', ALG), 'allow')
    t.equal(answer(one, 'socketcall', 1, 'i386'), 'allow')
    t.ok(hasNote(one, /^socket: allowed whatever its domain, AF_ALG included: .*socketcall/))
    const only = built([callWith('socket', [socket(ALG)]), call('read', 'main', 'i386')])
    t.notOk(only.origins.has('socket'), 'a dangerous domain alone lets nothing in')
  },
)

t.test('which calls are filtered is the choice of the user', async (t) => {
  const calls = [callWith('socket', [socket(INET)]), callWith('clone', [0])]
  const none = built(calls, { arguments: [] })
  t.same([answer(none, 'socket', ALG), answer(none, 'clone', NEWUSER)], ['allow', 'allow'])
  t.ok(none.profile.syscalls.every((rule) => rule.args === undefined))
  const pairs = [callWith('socketpair', [socket(UNIX)])]
  t.equal(answer(built(pairs), 'socketpair', NETLINK), 'allow')
  t.equal(answer(built(pairs, { arguments: ['socketpair'] }), 'socketpair', NETLINK), '38')
})

t.test('a program that tries every value cannot break the profile', async (t) => {
  const all = (size: number, of: (at: number) => number): number[] =>
    Array.from({ length: size }, (_, at) => of(at))
  const one = built(
    [
      callWith(
        'socket',
        all(63, (domain) => socket(domain)),
      ),
      callWith(
        'socketpair',
        all(63, (domain) => socket(domain)),
      ),
      callWith(
        'prctl',
        all(64, (option) => option + 40),
      ),
      callWith(
        'clone',
        all(64, (at) => ((at & 1) << 17) | ((at >> 1) << 25)),
      ),
    ],
    { arguments: ARGUMENT_CALLS },
  )
  t.ok(one.profile.syscalls.length <= MAX_RULES, `${one.profile.syscalls.length} rules`)
  t.same(problemsOf(one.profile), [])
  t.equal(answer(one, 'socket', ALG), '38', 'what opens most is filtered first')
  t.equal(answer(one, 'clone', NEWUSER), '38')
  t.ok(hasNote(one, /^prctl: allowed whatever its option: there are too many for a filter$/))
})

t.test('however many namespaces are approved, clone and unshare stay filtered', async (t) => {
  const approve = (name: 'clone' | 'unshare'): { call: ArgumentCall; value: number }[] =>
    Array.from({ length: 127 }, (_, at) => ({
      call: name,
      value: (((at + 1) & 1) << 17) | (((at + 1) >> 1) << 25),
    }))
  const approvedValues = [...approve('clone'), ...approve('unshare')]
  const one = built([call('clone'), call('unshare'), callWith('socket', [socket(INET)])], {
    approvedValues,
  })
  t.ok(one.profile.syscalls.length <= MAX_RULES)
  t.same(problemsOf(one.profile), [])
  t.same([answer(one, 'clone', 17), answer(one, 'unshare', NEWNS)], ['allow', '1'])
  t.ok(hasNote(one, /^unshare: .* left out: a filter has no room for more$/))
  t.ok(hasNote(one, /^socket: allowed whatever its domain: there are too many for a filter$/))
})

t.test('strength decides about other values, never about those let through', async (t) => {
  const calls = [callWith('socket', [socket(INET)]), callWith('clone', [0]), call('clone3')]
  const complain = built(calls, { strength: 'complain' })
  t.same(
    [answer(complain, 'socket', INET), answer(complain, 'socket', ALG), answer(complain, 'clone3')],
    ['allow', 'log', 'log'],
  )
  t.same(problemsOf(complain.profile), [])
  const strict = built(calls, { strength: 'strict' })
  t.same(
    [answer(strict, 'socket', ALG), answer(strict, 'clone', NEWUSER), answer(strict, 'unshare')],
    ['38', '38', 'kill_process'],
  )
})

t.test(
  'requests of ioctl are filtered where that is asked for, by its second argument',
  async (t) => {
    const [TCGETS, TIOCSTI] = [0x5401, 0x5412]
    const one = built([callWith('ioctl', [TCGETS, TIOCSTI])], {
      arguments: ['ioctl'],
      runtimes: ['runc'],
    })
    const decide = deciderOf(one.profile)
    const requests = (request: bigint): string =>
      decide('x86_64', syscallNr('x86_64', 'ioctl') ?? -1, [7n, request]).action
    t.equal(requests(BigInt(TCGETS)), 'SCMP_ACT_ALLOW')
    t.equal(requests(BigInt(TCGETS) | (1n << 40n)), 'SCMP_ACT_ALLOW', 'the kernel reads 32 bits')
    t.equal(requests(BigInt(TIOCSTI)), 'SCMP_ACT_ERRNO', 'typing for others takes approval')
    t.equal(requests(0x5413n), 'SCMP_ACT_ERRNO')
    t.ok(hasNote(one, /^ioctl: TIOCSTI left out/))
    const whole = built([callWith('ioctl', [TCGETS])])
    t.equal(answer(whole, 'ioctl', 0x5413), 'allow', 'by default it is let through whole')
    const unseen = built([call('ioctl')], { arguments: ['ioctl'], runtimes: ['runc'] })
    t.ok(
      hasNote(unseen, /^ioctl: allowed whatever its request: which ones were used is not known$/),
    )
    const crun = built([callWith('ioctl', [TCGETS])], { arguments: ['ioctl'], runtimes: ['crun'] })
    t.ok(hasNote(crun, /^ioctl: allowed whatever its request: runtimes need it$/))
  },
)

const DOMAINS = [1, 2, 10, 16, 17, 21, 30, 38, 40, 44]

t.test('no dangerous value passes without approval while its call is filtered', async (t) => {
  fc.assert(
    fc.property(anyInput, (given) => {
      const one = buildProfile({ ...given, strength: 'enforce', approved: [], approvedValues: [] })
      const isFiltered = (name: ArgumentCall): boolean =>
        one.origins.get(name)?.values !== undefined
      const decide = deciderOf(one.profile)
      const passes = (name: string, first: number): boolean =>
        decide('x86_64', syscallNr('x86_64', name) ?? -1, [BigInt(first)]).action ===
        'SCMP_ACT_ALLOW'
      return (
        !(isFiltered('socket') && DOMAINS.slice(4).some((domain) => passes('socket', domain))) &&
        !(isFiltered('clone') && (passes('clone', NEWUSER | 17) || passes('clone3', 0))) &&
        !passes('unshare', NEWNS)
      )
    }),
  )
  t.pass('no counterexample')
})

t.test('no name has a rule with and one without a test', async (t) => {
  fc.assert(
    fc.property(anyInput, (given) => {
      const { profile, origins } = buildProfile(given)
      return [...origins].every(([name, { values }]) => {
        const rules = profile.syscalls.filter(({ names }) => names.includes(name))
        return values === undefined
          ? rules.length === 1 && rules[0]?.args === undefined
          : rules.length === values.length &&
              rules.every(({ args, action }) => args?.length === 1 && action === 'SCMP_ACT_ALLOW')
      })
    }),
  )
  t.pass('no counterexample')
})
