/** Calls that are allowed because newer builds make them instead of the observed ones. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { ABIS, type Abi } from '../../src/observation.js'
import { isSyscallName, syscallNr } from '../../src/kernel/syscalls.js'
import { buildProfile, type ProfileInput } from '../../src/seccomp/build.js'
import { NEVER_LEARNED } from '../../src/kernel/syscall-danger.js'
import { NEVER_IN_FLOOR, REFUSED } from '../../src/seccomp/call-groups.js'
import { INFERABLE, inferredFrom } from '../../src/seccomp/families.js'
import { anyInput, call, input } from '../support/profile-inputs.js'
import { FIXTURES } from '../support/repository.js'

function inferred(observed: string, abi: Abi = 'x86_64'): string {
  const exists = (name: string): boolean => syscallNr(abi, name) !== undefined
  return [...inferredFrom(observed.split(' '), exists).keys()].toSorted().join(' ')
}

t.test('what newer builds make of a call is inferred, on through its own successors', async (t) => {
  const cases: readonly (readonly [string, string])[] = [
    ['open', 'openat openat2'],
    ['stat', 'fstat newfstatat statx'],
    ['newfstatat', 'fstat statx'],
    ['access', 'faccessat faccessat2'],
    ['readlink', 'readlinkat'],
    ['rename', 'renameat renameat2'],
    ['unlink rmdir', 'unlinkat'],
    ['chmod', 'fchmodat fchmodat2'],
    ['lchown', 'fchownat'],
    ['dup2 pipe accept', 'accept4 dup3 pipe2'],
    ['epoll_wait', 'epoll_pwait epoll_pwait2'],
    ['poll select', 'ppoll pselect6'],
    ['fork', 'clone'],
    ['wait4', 'waitid'],
    ['nanosleep', 'clock_nanosleep'],
    ['getrlimit', 'prlimit64'],
    ['getdents utimes', 'getdents64 utimensat'],
    [
      'eventfd signalfd inotify_init epoll_create',
      'epoll_create1 eventfd2 inotify_init1 signalfd4',
    ],
  ]
  for (const [observed, expected] of cases) t.equal(inferred(observed), expected, observed)
})

t.test('nothing is inferred towards older or mightier calls', async (t) => {
  const observed =
    'openat2 statx faccessat2 renameat2 clone clone3 execve kill creat mknod mknodat sendfile setuid ' +
    'splice read write futex io_setup fchmod fchown'
  t.equal(inferred(observed), '')
})

t.test('64-bit time is inferred where a 32-bit ABI is in use', async (t) => {
  t.equal(inferred('futex clock_nanosleep'), '')
  t.equal(
    inferred('futex nanosleep', 'i386'),
    'clock_nanosleep clock_nanosleep_time64 futex_time64',
  )
  t.equal(inferred('_newselect timer_settime', 'i386'), 'pselect6 pselect6_time64 timer_settime64')
  t.equal(inferred('fstat64', 'i386'), 'statx')
  const { origins } = buildProfile(input([call('read'), call('semtimedop_time64', 'main', 'i386')]))
  t.notOk(origins.has('futex_time64'), 'and only for what was used')
})

t.test('an inferred call says what it follows from', async (t) => {
  const { origins } = buildProfile(input([call('mkdir'), call('rename')]))
  t.strictSame(origins.get('renameat2'), {
    origins: ['inferred'],
    programs: [],
    runs: 0,
    abis: [],
    reason: 'newer libraries rename with renameat2; renameat was inferred',
  })
  t.match(origins.get('renameat')?.reason, /; rename was observed$/)
  const seen = buildProfile(input([call('rename'), call('renameat2')])).origins.get('renameat2')
  t.same(seen?.origins, ['observed'])
  t.notOk('reason' in (seen ?? {}))
})

t.test('without families only what was seen is allowed', async (t) => {
  const { origins } = buildProfile(input([call('rename'), call('fork')], { families: false }))
  t.same(
    [...origins].filter(([, { origins: why }]) => why.includes('inferred')),
    [],
  )
  t.notOk(origins.has('renameat2') || origins.has('clone'))
})

t.test('families add a few names to what real images do', async (t) => {
  for (const image of ['nginx', 'redis', 'python', 'busybox']) {
    const file = join(FIXTURES, `calls/${image}.txt`)
    const names = readFileSync(file, 'utf8').trimEnd().split('\n')
    const added = inferred(names.join(' ')).split(' ')
    t.comment(`${image}: ${names.length} calls, ${added.join(' ')} inferred`)
    t.ok(added.length <= 12, `${added.length} names at most`)
  }
})

t.test('only the calls of the application are expanded', async (t) => {
  const calls = [
    call('read'),
    call('rename', 'runtime'),
    call('mkdir', 'exec'),
    call('dup2', 'probe'),
  ]
  const { origins } = buildProfile(input(calls))
  t.same(
    ['renameat2', 'mkdirat', 'dup3'].map((name) => origins.has(name)),
    [false, false, true],
  )
})

t.test('the table names real calls, and none that takes approval or looks refused', async (t) => {
  const names = [...INFERABLE]
  t.same(
    names.filter((name) => !isSyscallName(name)),
    [],
  )
  const guarded = new Set([...NEVER_LEARNED, ...REFUSED, ...NEVER_IN_FLOOR, 'clone3'])
  t.same(
    names.filter((name) => guarded.has(name)),
    [],
  )
})

t.test(
  'whatever was observed, families add names that some ABI in use has, and take none away',
  async (t) => {
    fc.assert(
      fc.property(anyInput, (given: ProfileInput) => {
        const without = buildProfile({ ...given, families: false }).origins
        const { origins } = buildProfile({ ...given, families: true })
        return (
          [...without.keys()].every((name) => origins.has(name)) &&
          [...origins].every(
            ([name, { origins: why, reason }]) =>
              why.includes('inferred') === (reason !== undefined) &&
              (without.has(name) || INFERABLE.has(name)) &&
              ABIS.some((abi) => syscallNr(abi, name) !== undefined),
          )
        )
      }),
    )
    t.pass('no counterexample')
  },
)
