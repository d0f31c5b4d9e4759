/** What one profile lets through that another does not: names, values of arguments, the default. */
import t from 'tap'
import { profileDiff } from '../../src/seccomp/profile-diff.js'

const ALLOW = 'SCMP_ACT_ALLOW'
const ERRNO = 'SCMP_ACT_ERRNO'

interface Rule {
  readonly names: readonly string[]
  readonly action: string
  readonly errnoRet?: number
  readonly args?: readonly object[]
}

function profile(rules: readonly Rule[], more: object = {}): object {
  return {
    defaultAction: ERRNO,
    defaultErrnoRet: 38,
    architectures: ['SCMP_ARCH_X86_64'],
    syscalls: rules,
    ...more,
  }
}

const is = (value: number | string): object => ({ index: 0, value, op: 'SCMP_CMP_EQ' })
const allow = (names: string, ...args: readonly object[]): Rule => ({
  names: names.split(' '),
  action: ALLOW,
  ...(args.length === 0 ? {} : { args }),
})
const refuse = (names: string, errnoRet: number): Rule => ({
  names: names.split(' '),
  action: ERRNO,
  errnoRet,
})

t.test('each kind of difference is told, and whether it lets more through', async (t) => {
  const cases: readonly (readonly [string, object, object, readonly object[], boolean])[] = [
    [
      'the same in other groups',
      profile([allow('a b')]),
      profile([allow('b'), allow('a')]),
      [],
      false,
    ],
    [
      'a call more',
      profile([allow('a')]),
      profile([allow('a b')]),
      [{ name: 'b', change: 'added', before: 'ENOSYS', after: 'allowed' }],
      true,
    ],
    [
      'a call fewer',
      profile([allow('a b')]),
      profile([allow('a'), refuse('b', 1)]),
      [{ name: 'b', change: 'removed', before: 'allowed', after: 'EPERM' }],
      false,
    ],
    [
      'a value more',
      profile([allow('a', is(1))]),
      profile([allow('a', is(1)), allow('a', is(2))]),
      [
        {
          name: 'a',
          change: 'wider',
          before: 'allowed if arg0 = 0x1, else ENOSYS',
          after: 'allowed if arg0 = 0x1 or arg0 = 0x2, else ENOSYS',
        },
      ],
      true,
    ],
    [
      'a value fewer',
      profile([allow('a', is(1)), allow('a', is(2))]),
      profile([allow('a', is(2))]),
      [{ name: 'a', change: 'narrower' }],
      false,
    ],
    [
      'another value',
      profile([allow('a', is(1))]),
      profile([allow('a', is(2))]),
      [{ name: 'a', change: 'other-values' }],
      true,
    ],
    [
      'values that differ where a double does not',
      profile([allow('a', is('18446744073709551615'))]),
      profile([allow('a', is('18446744073709551614'))]),
      [{ name: 'a', change: 'other-values' }],
      true,
    ],
    [
      'whatever the value',
      profile([allow('a', is(1))]),
      profile([allow('a')]),
      [{ name: 'a', change: 'wider', after: 'allowed' }],
      true,
    ],
    [
      'another errno',
      profile([allow('a'), refuse('b', 1)]),
      profile([allow('a'), refuse('b', 13)]),
      [{ name: 'b', change: 'answer', before: 'EPERM', after: 'EACCES' }],
      false,
    ],
    [
      'an exception less, where all else is allowed',
      profile([{ ...refuse('a', 1), args: [is(1)] }], { defaultAction: ALLOW }),
      profile([], { defaultAction: ALLOW }),
      [{ name: 'a', change: 'wider', before: 'allowed unless arg0 = 0x1', after: 'allowed' }],
      true,
    ],
    [
      'an exception more',
      profile([], { defaultAction: ALLOW }),
      profile([{ ...refuse('a', 1), args: [is(1)] }], { defaultAction: ALLOW }),
      [{ name: 'a', change: 'narrower' }],
      false,
    ],
  ]
  for (const [name, before, after, names, isWider] of cases) {
    const diff = profileDiff({ document: before }, { document: after })
    t.match(diff.names, names, name)
    t.equal(diff.names.length, names.length, name)
    t.equal(diff.isWider, isWider, name)
  }
})

t.test(
  'a default that lets calls through, and an architecture more, let more through',
  async (t) => {
    const before = profile([allow('a')])
    const open = profileDiff(
      { document: before },
      { document: { ...before, defaultAction: 'SCMP_ACT_LOG' } },
    )
    t.same(open.default, { before: 'ENOSYS', after: 'logged' })
    t.ok(open.isWider)
    const x86 = { ...before, architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'] }
    t.same(profileDiff({ document: before }, { document: x86 }).architectures.added, [
      'SCMP_ARCH_X86',
    ])
    t.ok(profileDiff({ document: before }, { document: x86 }).isWider)
    t.notOk(profileDiff({ document: x86 }, { document: before }).isWider)
  },
)

t.test('origins are those of the side that lets a call through', async (t) => {
  const before = { document: profile([allow('a')]), origins: { a: ['observed'] } }
  const after = { document: profile([allow('b')]), origins: { b: ['approved'] } }
  t.match(profileDiff(before, after).names, [
    { name: 'a', change: 'removed', origins: ['observed'] },
    { name: 'b', change: 'added', origins: ['approved'] },
  ])
})

t.test('no document is too strange to be compared', async (t) => {
  for (const document of [null, [], 1, {}, { syscalls: [null, { names: [1] }, { names: 'x' }] }]) {
    t.notOk(profileDiff({ document }, { document }).isWider)
    t.equal(profileDiff({ document }, { document: profile([allow('a')]) }).isWider, true)
  }
})
