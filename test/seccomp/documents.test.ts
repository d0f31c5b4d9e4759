/** The lists and documents that ship, and the comparison of two documents. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ABIS } from '../../src/observation.js'
import { isSyscallName } from '../../src/kernel/syscalls.js'
import { NEVER_LEARNED } from '../../src/kernel/syscall-danger.js'
import { CRITICAL, NEVER_IN_FLOOR, REFUSED } from '../../src/seccomp/call-groups.js'
import { comparedToDockerDefault, DOCKER_DEFAULT } from '../../src/seccomp/docker-default.js'
import { isErrnoOnlyChange } from '../../src/seccomp/errno-change.js'
import { floorFor } from '../../src/seccomp/floor.js'
import { problemsOf } from '../../src/seccomp/validate.js'
import { REPOSITORY } from '../support/repository.js'
import { ERRNO, withRules } from '../support/seccomp-documents.js'

t.test('the lists are consistent with each other', async (t) => {
  const everywhere = floorFor(ABIS, { runtimes: [], assumeNoNewPrivileges: false })
  const floor = new Set([...everywhere.floor, ...everywhere.required])
  t.strictSame(
    [...floor].filter((name) => NEVER_LEARNED.has(name) || NEVER_IN_FLOOR.has(name)),
    [],
    'nothing dangerous is in the floor',
  )
  t.strictSame(
    [...REFUSED, ...NEVER_IN_FLOOR, ...DOCKER_DEFAULT].filter((name) => !isSyscallName(name)),
    [],
    'every name exists',
  )
  t.strictSame(
    [...NEVER_IN_FLOOR, ...CRITICAL].filter((name) => !NEVER_LEARNED.has(name)),
    [],
  )
  t.equal(new Set(REFUSED).size, REFUSED.length)
  t.notOk(REFUSED.includes('clone3'), 'clone3 is missing, never refused')
  t.ok(floor.has('restart_syscall') && floor.has('clock_gettime') && floor.has('fchown'))
})

t.test("a profile is compared with Docker's default by x86_64 names", async (t) => {
  t.equal(DOCKER_DEFAULT.length, 309)
  t.strictSame(DOCKER_DEFAULT, [...new Set(DOCKER_DEFAULT)].toSorted())
  t.strictSame(comparedToDockerDefault(['read', 'read', 'socketcall', 'nonsense', 'write']), {
    defaultAllows: 309,
    profileAllows: 2,
    fewer: 307,
  })
})

t.test('the filter for learning has no problem and changes nothing', async (t) => {
  const learning: unknown = JSON.parse(
    readFileSync(join(REPOSITORY, 'profiles/learning.json'), 'utf8'),
  )
  t.strictSame(problemsOf(learning), [])
  t.strictSame(learning, {
    defaultAction: 'SCMP_ACT_ALLOW',
    // An architecture that is not listed is killed.
    architectures: ['X86_64', 'X86', 'X32', 'AARCH64', 'ARM'].map((name) => `SCMP_ARCH_${name}`),
    // The kernel itself answers ENOSYS to it since 3.1.
    syscalls: [{ names: ['nfsservctl'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 }],
  })
})

t.test('a change of nothing but an errno is recognised', async (t) => {
  const mount = (errnoRet?: number): Record<string, unknown> =>
    withRules({ names: ['mount'], action: ERRNO, errnoRet })
  const cases: readonly (readonly [string, unknown, unknown, boolean])[] = [
    ['another errno', mount(1), mount(2), true],
    ['another errno and comment', mount(1), { ...mount(2), comment: 'x' }, true],
    ['an errno left out that was not EPERM', mount(2), mount(), true],
    ['an errno left out that was EPERM', mount(1), mount(), false],
    ['nothing', mount(1), mount(1), false],
    ['another errno and default', mount(1), { ...mount(2), defaultErrnoRet: 1 }, false],
    [
      'another errno and name',
      mount(1),
      withRules({ names: ['umount2'], action: ERRNO, errnoRet: 2 }),
      false,
    ],
    ['no documents', null, 7, false],
  ]
  for (const [title, before, after, expected] of cases) {
    t.equal(isErrnoOnlyChange(before, after), expected, title)
  }
})
