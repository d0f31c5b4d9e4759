/** The validator: every hazard of a seccomp document is found, at its place, and good documents pass. */
import fc from 'fast-check'
import t from 'tap'
import { problemsOf } from '../../src/seccomp/validate.js'
import { ALLOW, arg, ERRNO, masked, withFields, withRules } from '../support/seccomp-documents.js'

t.test('good documents have no problems', async (t) => {
  const cases: readonly (readonly [string, unknown])[] = [
    ['the smallest', withFields({})],
    ['one with a comment and a field of its own', withFields({ comment: 'x', 'x-tool': 1 })],
    ['one with a refusal', withRules({ names: ['mount'], action: ERRNO, errnoRet: 1 })],
    ['one with argument tests', withRules({ names: ['socket'], action: ALLOW, args: [arg(0, 1)] })],
    [
      'one with alternatives of a test',
      withRules(
        { names: ['socket'], action: ALLOW, args: [arg(0, 1)] },
        { names: ['socket'], action: ALLOW, args: [arg(0, 2)] },
      ),
    ],
    [
      'one that only logs, with conditions on clone',
      withFields({
        defaultAction: 'SCMP_ACT_LOG',
        defaultErrnoRet: undefined,
        syscalls: [
          { names: ['read'], action: ALLOW },
          { names: ['clone'], action: ALLOW, args: [arg(0, 0)] },
        ],
      }),
    ],
    [
      'one with two actions for calls that cannot be the same',
      withRules(
        { names: ['clone'], action: ALLOW, args: [masked(0, 0x7e02_0000, 0)] },
        {
          names: ['clone'],
          action: ERRNO,
          errnoRet: 1,
          args: [masked(0, 0x1000_0000, 0x1000_0000)],
        },
      ),
    ],
    ['one with null for absent', withRules({ names: ['getpid'], action: ALLOW, args: null })],
    ['one that logs', withFields({ defaultAction: 'SCMP_ACT_LOG', defaultErrnoRet: undefined })],
  ]
  for (const [title, document] of cases) t.strictSame(problemsOf(document), [], title)
})

t.test('each hazard is an error at its place', async (t) => {
  const cases: readonly (readonly [string, string, unknown])[] = [
    ['no object', '', null],
    ['a list', '', []],
    ['an empty document', '', {}],
    ['too many bytes', '', withFields({ comment: 'x'.repeat(1024 * 1024) })],
    ['no default', 'defaultAction', withFields({ defaultAction: undefined })],
    ['an unknown default', 'defaultAction', withFields({ defaultAction: 'ALLOW' })],
    ['a listener', 'defaultAction', withFields({ defaultAction: 'SCMP_ACT_NOTIFY' })],
    [
      'an errno beside an action without one',
      'defaultErrnoRet',
      withFields({ defaultAction: 'SCMP_ACT_LOG' }),
    ],
    ['an errno out of range', 'defaultErrnoRet', withFields({ defaultErrnoRet: 4096 })],
    ['an errno name', 'defaultErrno', withFields({ defaultErrno: 'ENOSYS' })],
    ['flags', 'flags', withFields({ flags: ['SECCOMP_FILTER_FLAG_LOG'] })],
    ['archMap', 'archMap', withFields({ archMap: [{ architecture: 'SCMP_ARCH_X86_64' }] })],
    ['a listener path', 'listenerPath', withFields({ listenerPath: '/run/x' })],
    [
      'an unknown architecture',
      'architectures[1]',
      withFields({ architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_NATIVE'] }),
    ],
    [
      'an architecture twice',
      'architectures[1]',
      withFields({ architectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X86'] }),
    ],
    ['no rules', 'syscalls', withFields({ syscalls: [] })],
    [
      'nothing allowed',
      'syscalls',
      withFields({ syscalls: [{ names: ['mount'], action: ERRNO }] }),
    ],
    [
      'too many rules',
      'syscalls',
      withRules(
        ...Array.from({ length: 128 }, (_, at) => ({
          names: ['socket'],
          action: ALLOW,
          args: [arg(0, at)],
        })),
      ),
    ],
    ['a rule that is no object', 'syscalls[1]', withRules('read')],
    ['no names', 'syscalls[1].names', withRules({ names: [], action: ALLOW })],
    ['a name that is a number', 'syscalls[1].names[0]', withRules({ names: [1], action: ALLOW })],
    ['an unknown name', 'syscalls[1].names[0]', withRules({ names: ['raed'], action: ALLOW })],
    [
      'a name twice in a rule',
      'syscalls[1].names[1]',
      withRules({ names: ['getpid', 'getpid'], action: ALLOW }),
    ],
    ['a name in two rules', 'syscalls[1].names[0]', withRules({ names: ['read'], action: ALLOW })],
    [
      'two actions for one condition',
      'syscalls[1].names[0]',
      withRules({ names: ['read'], action: ERRNO, errnoRet: 1 }),
    ],
    [
      'two actions for one condition with tests in another order',
      'syscalls[2].names[0]',
      withRules(
        { names: ['socket'], action: ALLOW, args: [arg(0, 1), arg(1, 2)] },
        { names: ['socket'], action: ERRNO, errnoRet: 1, args: [arg(1, 2), arg(0, 1)] },
      ),
    ],
    [
      'two actions for a call that meets both conditions',
      'syscalls[2].names[0]',
      withRules(
        { names: ['clone'], action: ALLOW, args: [masked(0, 0x2_0000, 0)] },
        {
          names: ['clone'],
          action: ERRNO,
          errnoRet: 1,
          args: [masked(0, 0x1000_0000, 0x1000_0000)],
        },
      ),
    ],
    [
      'two actions for a call that meets conditions on different arguments',
      'syscalls[2].names[0]',
      withRules(
        { names: ['socket'], action: ALLOW, args: [arg(0, 1)] },
        { names: ['socket'], action: ERRNO, errnoRet: 1, args: [arg(1, 2)] },
      ),
    ],
    [
      'clone with conditions in a deny list, and clone3 let through',
      'syscalls',
      withFields({
        defaultAction: ALLOW,
        defaultErrnoRet: undefined,
        syscalls: [
          { names: ['clone'], action: ERRNO, args: [masked(0, 0x1000_0000, 0x1000_0000)] },
        ],
      }),
    ],
    [
      'a rule with conditions beside one without',
      'syscalls[1].names[0]',
      withRules({ names: ['read'], action: ALLOW, args: [arg(0, 1)] }),
    ],
    [
      'a rule that equals the default',
      'syscalls[1]',
      withRules({ names: ['mount'], action: ERRNO, errnoRet: 38 }),
    ],
    [
      'a rule that equals the default by the errno left out',
      'syscalls[1]',
      {
        ...withRules({ names: ['mount'], action: ERRNO, errnoRet: 1 }),
        defaultErrnoRet: undefined,
      },
    ],
    [
      'an errno beside allow',
      'syscalls[1].errnoRet',
      withRules({ names: ['getpid'], action: ALLOW, errnoRet: 1 }),
    ],
    ...['includes', 'excludes'].map(
      (key) =>
        [
          key,
          `syscalls[1].${key}`,
          withRules({ names: ['bpf'], action: ALLOW, [key]: { caps: ['CAP_BPF'] } }),
        ] as const,
    ),
    [
      'an errno name in a rule',
      'syscalls[1].errno',
      withRules({ names: ['mount'], action: ERRNO, errno: 'EPERM' }),
    ],
    ['the old spelling of names', 'syscalls[1].name', withRules({ name: 'getpid', action: ALLOW })],
    [
      'one argument tested twice',
      'syscalls[1].args[1].index',
      withRules({ names: ['socket'], action: ALLOW, args: [arg(0, 1), arg(0, 2)] }),
    ],
    [
      'an argument that does not exist',
      'syscalls[1].args[0].index',
      withRules({ names: ['socket'], action: ALLOW, args: [arg(6, 1)] }),
    ],
    [
      'an unknown comparison',
      'syscalls[1].args[0].op',
      withRules({ names: ['socket'], action: ALLOW, args: [arg(0, 1, '==')] }),
    ],
    ...[-1, 1.5, 1e30, '1', 2n ** 64n, -1n].map(
      (value) =>
        [
          `the value ${value}`,
          'syscalls[1].args[0].value',
          withRules({ names: ['socket'], action: ALLOW, args: [arg(0, value)] }),
        ] as const,
    ),
    [
      'clone with conditions and clone3 without',
      'syscalls',
      withRules(
        { names: ['clone'], action: ALLOW, args: [arg(0, 1)] },
        { names: ['clone3'], action: ALLOW },
      ),
    ],
  ]
  for (const [title, path, document] of cases) {
    const errors = problemsOf(document).filter(({ severity }) => severity === 'error')
    t.ok(
      errors.some((error) => error.path === path),
      `${title}: ${JSON.stringify(errors)}`,
    )
  }
})

t.test('what works but not everywhere is a warning', async (t) => {
  const cases: readonly (readonly [string, string, unknown])[] = [
    [
      'no default errno',
      'defaultErrnoRet',
      {
        ...withRules({ names: ['clone3'], action: ERRNO, errnoRet: 38 }),
        defaultErrnoRet: undefined,
      },
    ],
    ['no architectures', 'architectures', withFields({ architectures: undefined })],
    ['an unknown field', '', withFields({ syscallz: [] })],
    [
      'a relational test',
      'syscalls[1].args[0].op',
      withRules({ names: ['socket'], action: ALLOW, args: [arg(0, 1, 'SCMP_CMP_LT')] }),
    ],
    [
      'a rounded value',
      'syscalls[1].args[0].value',
      withRules({ names: ['socket'], action: ALLOW, args: [arg(0, 2 ** 60)] }),
    ],
    [
      'a test that never holds',
      'syscalls[1].args[0].valueTwo',
      withRules({
        names: ['socket'],
        action: ALLOW,
        args: [{ index: 0, value: 1, valueTwo: 2, op: 'SCMP_CMP_MASKED_EQ' }],
      }),
    ],
    [
      'the death of one thread',
      'syscalls[1].action',
      withRules({ names: ['mount'], action: 'SCMP_ACT_KILL' }),
    ],
    [
      'clone3 refused with EPERM',
      'syscalls',
      withRules({ names: ['clone3'], action: ERRNO, errnoRet: 1 }),
    ],
    [
      'a name of an architecture without a table',
      'syscalls[1].names[0]',
      {
        ...withRules({ names: ['s390_runtime_instr'], action: ALLOW }),
        architectures: ['SCMP_ARCH_S390X'],
      },
    ],
  ]
  for (const [title, path, document] of cases) {
    const problems = problemsOf(document)
    t.strictSame(
      problems.map((problem) => [problem.severity, problem.path]),
      [['warning', path]],
      title,
    )
  }
})

t.test('names and values of JavaScript itself are no loophole', async (t) => {
  const parsed: unknown = JSON.parse(
    '{"__proto__": {"defaultAction": "SCMP_ACT_ALLOW"}, "constructor": 1, "x-a": 2}',
  )
  const paths = problemsOf(parsed).map(({ path }) => path)
  t.ok(paths.includes('defaultAction') && paths.includes('syscalls'))
  const rule: unknown = JSON.parse('{"names": ["constructor"], "action": "toString"}')
  t.strictSame(
    problemsOf(withRules(rule)).map(({ path }) => path),
    ['syscalls[1].action', 'syscalls[1].names[0]'],
  )
})

t.test(
  'no value makes the validator throw, and no message carries control characters',
  async (t) => {
    const rule = fc.record(
      {
        names: fc.oneof(
          fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.anything())),
          fc.anything(),
        ),
        action: fc.oneof(fc.constantFrom(ALLOW, ERRNO, 'SCMP_ACT_NOTIFY'), fc.anything()),
        errnoRet: fc.anything(),
        args: fc.oneof(
          fc.array(fc.record({ index: fc.anything(), value: fc.anything(), op: fc.anything() })),
          fc.anything(),
        ),
      },
      { requiredKeys: [] },
    )
    const document = fc.oneof(
      fc.anything({ withBigInt: true, withNullPrototype: true }),
      fc.record(
        {
          defaultAction: fc.oneof(fc.constantFrom(ALLOW, ERRNO), fc.anything()),
          architectures: fc.anything(),
          syscalls: fc.oneof(fc.array(rule), fc.anything()),
          [`x\u001b[2J`]: fc.anything(),
        },
        { requiredKeys: [] },
      ),
    )
    fc.assert(
      fc.property(document, (value) =>
        problemsOf(value).every(({ path, problem }) => /^[\u0020-\u007e]*$/.test(path + problem)),
      ),
      { numRuns: 300 },
    )
    t.pass('no counterexample')
  },
)
