/** What a document decides, case by case. That libseccomp decides the same is in libseccomp.test.ts. */
import t from 'tap'
import type { Abi } from '../../src/observation.js'
import { syscallNr } from '../../src/kernel/syscalls.js'
import { deciderOf } from '../../src/seccomp/evaluate.js'
import type { ArgumentTest, SeccompProfile, SyscallRule } from '../../src/seccomp/profile.js'

const ALLOW = 'SCMP_ACT_ALLOW'

function masked(index: 0 | 1 | 2, value: bigint, valueTwo: bigint): ArgumentTest {
  return { index, value, valueTwo, op: 'SCMP_CMP_MASKED_EQ' }
}

function equal(index: 0 | 1 | 2, value: bigint): ArgumentTest {
  return { index, value, op: 'SCMP_CMP_EQ' }
}

function document(
  syscalls: readonly SyscallRule[],
  architectures: SeccompProfile['architectures'] = ['SCMP_ARCH_X86_64'],
): SeccompProfile {
  return { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 38, architectures, syscalls }
}

function answer(
  profile: SeccompProfile,
  name: string,
  args: readonly bigint[] = [],
  abi: Abi = 'x86_64',
): string {
  const { action, errno } = deciderOf(profile)(abi, syscallNr(abi, name) ?? 999, args)
  return errno === undefined ? action : `${action} ${errno}`
}

t.test('the default answers what no rule names', async (t) => {
  const profile = document([{ names: ['read'], action: ALLOW }])
  t.equal(answer(profile, 'read'), ALLOW)
  t.equal(answer(profile, 'write'), 'SCMP_ACT_ERRNO 38')
  t.equal(answer(profile, 'of_no_table'), 'SCMP_ACT_ERRNO 38')
  const log: SeccompProfile = { ...profile, defaultAction: 'SCMP_ACT_LOG' }
  t.equal(answer(log, 'write'), 'SCMP_ACT_LOG', 'an errno beside another action counts nothing')
})

t.test('a refusal without an errno is EPERM, as runtimes have it', async (t) => {
  const refuse = (errnoRet?: number): SyscallRule => ({
    names: ['mount'],
    action: 'SCMP_ACT_ERRNO',
    ...(errnoRet === undefined ? {} : { errnoRet }),
  })
  t.equal(answer(document([refuse()]), 'mount'), 'SCMP_ACT_ERRNO 1')
  t.equal(answer(document([refuse(95)]), 'mount'), 'SCMP_ACT_ERRNO 95')
  const withoutErrno: SeccompProfile = {
    defaultAction: 'SCMP_ACT_ERRNO',
    architectures: ['SCMP_ARCH_X86_64'],
    syscalls: [refuse(95)],
  }
  t.equal(answer(withoutErrno, 'read'), 'SCMP_ACT_ERRNO 1')
})

t.test('tests of one rule all have to hold, of several rules one is enough', async (t) => {
  const profile = document([
    { names: ['socket'], action: ALLOW, args: [equal(0, 1n), equal(1, 2n)] },
    { names: ['socket'], action: ALLOW, args: [equal(0, 2n)] },
  ])
  const cases: readonly (readonly [readonly bigint[], string])[] = [
    [[1n, 2n], ALLOW],
    [[1n, 3n], 'SCMP_ACT_ERRNO 38'],
    [[2n, 3n], ALLOW],
    [[3n, 2n], 'SCMP_ACT_ERRNO 38'],
    [[], 'SCMP_ACT_ERRNO 38'],
  ]
  for (const [args, expected] of cases) t.equal(answer(profile, 'socket', args), expected)
})

t.test('a rule without tests wins over those with, wherever it stands', async (t) => {
  const whole: SyscallRule = { names: ['socket'], action: ALLOW }
  const some: SyscallRule = {
    names: ['socket'],
    action: 'SCMP_ACT_KILL_PROCESS',
    args: [equal(0, 1n)],
  }
  for (const rules of [
    [whole, some],
    [some, whole],
  ]) {
    t.equal(answer(document(rules), 'socket', [1n]), ALLOW)
  }
})

t.test('a masked test looks at the bits of its mask alone, an equal one at all 64', async (t) => {
  const profile = document([
    { names: ['socket'], action: ALLOW, args: [masked(0, 0xffff_ffffn, 2n)] },
    { names: ['close'], action: ALLOW, args: [equal(0, 2n)] },
    { names: ['dup'], action: ALLOW, args: [masked(0, 1n, 3n)] },
    {
      names: ['clone'],
      action: ALLOW,
      args: [{ index: 0, value: 0x7e02_0000n, op: 'SCMP_CMP_MASKED_EQ' }],
    },
  ])
  const junk = 0xffff_ffff_0000_0002n
  t.equal(answer(profile, 'socket', [junk]), ALLOW)
  t.equal(answer(profile, 'close', [2n]), ALLOW)
  t.equal(answer(profile, 'close', [junk]), 'SCMP_ACT_ERRNO 38')
  t.equal(answer(profile, 'dup', [3n]), 'SCMP_ACT_ERRNO 38', 'bits outside of the mask never match')
  t.equal(answer(profile, 'clone', [17n]), ALLOW, 'a value left out is 0')
})

t.test('an architecture that is not listed is killed', async (t) => {
  const profile = document([{ names: ['read'], action: ALLOW }])
  for (const abi of ['i386', 'x32', 'aarch64', 'arm'] as const) {
    t.equal(answer(profile, 'read', [], abi), 'SCMP_ACT_KILL', abi)
  }
})

t.test('a name counts for each architecture that has it, by its own number', async (t) => {
  const profile = document(
    [{ names: ['open', 'futex_time64'], action: ALLOW }],
    ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32', 'SCMP_ARCH_AARCH64'],
  )
  const decide = deciderOf(profile)
  t.same(
    [
      decide('x86_64', 2, []),
      decide('i386', 5, []),
      decide('x32', 2, []),
      decide('i386', 422, []),
    ].map(({ action }) => action),
    [ALLOW, ALLOW, ALLOW, ALLOW],
  )
  t.equal(decide('aarch64', 2, []).action, 'SCMP_ACT_ERRNO', 'it has no open')
  t.equal(decide('i386', 2, []).action, 'SCMP_ACT_ERRNO')
})

t.test('on i386, arguments are 32 bits wide', async (t) => {
  const profile = document(
    [{ names: ['clone'], action: ALLOW, args: [equal(0, 17n)] }],
    ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
  )
  t.equal(answer(profile, 'clone', [0x1_0000_0011n], 'i386'), ALLOW)
  t.equal(answer(profile, 'clone', [0x1_0000_0011n]), 'SCMP_ACT_ERRNO 38')
})

t.test(
  'on i386, a socket call is allowed through socketcall too, whatever its arguments',
  async (t) => {
    const profile = document(
      [
        { names: ['socket'], action: ALLOW, args: [masked(0, 0xffff_ffffn, 2n)] },
        { names: ['accept', 'shmat'], action: ALLOW },
      ],
      ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
    )
    const of = (name: string, first: bigint): string => answer(profile, name, [first], 'i386')
    t.same([of('socket', 2n), of('socket', 38n)], [ALLOW, 'SCMP_ACT_ERRNO 38'])
    t.same(
      [1n, 5n, 2n, 0n, 99n].map((sub) => of('socketcall', sub)),
      [ALLOW, ALLOW, 'SCMP_ACT_ERRNO 38', 'SCMP_ACT_ERRNO 38', 'SCMP_ACT_ERRNO 38'],
    )
    t.same(
      [21n, 22n].map((sub) => of('ipc', sub)),
      [ALLOW, 'SCMP_ACT_ERRNO 38'],
    )
  },
)
