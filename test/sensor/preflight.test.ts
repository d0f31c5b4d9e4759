import { join } from 'node:path'
import t from 'tap'
import { hasSysAdmin, pidNamespaceDepth, sensorChecks } from '../../src/sensor/preflight.js'

const FAKES = 'test/fixtures/fake-bpftrace'

t.test('the capability is read from the effective set alone', async (t) => {
  const cases: readonly [name: string, status: string, has: boolean][] = [
    ['all capabilities', 'CapEff:\t000001ffffffffff\n', true],
    ['only CAP_SYS_ADMIN', 'CapEff:\t0000000000200000\n', true],
    ['all others', 'CapEff:\t000001ffffdfffff\n', false],
    [
      'only in other sets',
      'CapPrm:\t000001ffffffffff\nCapEff:\t0000000000000000\nCapBnd:\t000001ffffffffff\n',
      false,
    ],
    ['no such line', 'Name:\tnode\n', false],
    ['nothing', '', false],
  ]
  for (const [name, status, has] of cases) t.equal(hasSysAdmin(status), has, name)
})

t.test('the depth of the pid namespace is the number of ids that a process has', async (t) => {
  const cases: readonly [name: string, status: string, depth: number][] = [
    ['the initial one', 'Pid:\t77\nNSpid:\t77\nNSpgid:\t77\n', 1],
    ['one below', 'NSpid:\t77\t1\n', 2],
    ['three below', 'NSpid:\t77\t5\t3\t1\n', 4],
    ['a kernel that does not say', 'Pid:\t77\n', 1],
  ]
  for (const [name, status, depth] of cases) t.equal(pidNamespaceDepth(status), depth, name)
})

t.test('every check has a name of its own, what was found, and a remedy', async (t) => {
  const checks = await sensorChecks(join(FAKES, 'there-is-no-such-file'))
  t.strictSame(
    checks.map(({ name }) => name),
    'platform privilege pid-namespace btf tracefs tracepoints capability io-uring bpftrace'.split(
      ' ',
    ),
  )
  for (const { name, found, remedy } of checks) {
    t.match(found, /^\S.*$/, `${name}: found`)
    t.match(remedy, /^[A-Z].*\.$/, `${name}: remedy`)
  }
})

t.test('a probe that the host has no tracepoint for is said, and fails nothing', async (t) => {
  const checks = await sensorChecks(join(FAKES, 'there-is-no-such-file'))
  for (const { name, ok, found, unseen } of checks) {
    if (name !== 'capability' && name !== 'io-uring') {
      t.equal(unseen, undefined, `${name}: all or nothing`)
      continue
    }
    t.ok(ok, name)
    t.equal(unseen !== undefined, found.startsWith('no '), `${name}: ${found}`)
  }
})

t.test('a bpftrace that is missing or none is named, and how to install it', async (t) => {
  const cases: readonly [fake: string, found: string][] = [
    ['there-is-no-such-file', 'not installed'],
    ['fails-early.sh', 'not installed'],
    ['no-version.sh', 'not the program that you are looking for'],
  ]
  for (const [fake, found] of cases) {
    const check = (await sensorChecks(join(FAKES, fake))).find(({ name }) => name === 'bpftrace')
    t.match(check, { ok: false, found, remedy: /^Install bpftrace 0\.17 or newer/ }, fake)
    t.equal(check?.fix?.[0], 'apt-get', `${fake}: can be mended`)
  }
})
