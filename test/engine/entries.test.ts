/** Which of the processes that join a container are its health check: never more than can be shown. */
import fc from 'fast-check'
import t from 'tap'
import { byteStringOfText } from '../../src/bytes.js'
import { Entries, isStartedAs } from '../../src/engine/entries.js'
import { entryOf, otherArgvOfTag } from '../support/entry-of.js'

const CHECK = ['/bin/sh', '-c', 'wget -q -O - http://127.0.0.1/ || exit 1']
const SHELL = ['/bin/sh', '-c', 'cat /etc/shadow']

/** The lineage of the first argv after all of them were seen. */
function lineageOf(healthChecks: readonly (readonly string[])[], ...argvs: readonly string[][]) {
  const entries = new Entries()
  entries.expect(healthChecks)
  for (const argv of argvs) entries.saw(entryOf(...argv))
  return entries.lineageOf(entryOf(...(argvs[0] ?? [])).tag)
}

t.test('an entry is the health check if it is started as the health check is', async (t) => {
  const long = ['sh', '-c', `test ${'-f /some/file -a '.repeat(20)}true`]
  const cases: readonly [name: string, expected: string, checks: string[][], argv: string[]][] = [
    ['the very same', 'probe', [CHECK], CHECK],
    ['one of two forms', 'probe', [['sh', ...CHECK.slice(1)], CHECK], CHECK],
    ['longer than what is carried of it', 'probe', [long], long],
    [
      'text beyond ASCII',
      'probe',
      [['sh', '-c', 'echo \u00e4\u4e16']],
      ['sh', '-c', 'echo \u00e4\u4e16'],
    ],
    ['the same shell with another text', 'exec', [CHECK], SHELL],
    ['the shell alone', 'exec', [CHECK], ['/bin/sh']],
    ['the shell by another path', 'exec', [CHECK], ['sh', ...CHECK.slice(1)]],
    ['a word more', 'exec', [CHECK], [...CHECK, '']],
    ['the same bytes, cut into other words', 'exec', [['a', 'b']], ['a b']],
    ['the same start', 'exec', [long], [...long.slice(0, -1), `${long[2]} -o`]],
    ['a container without health check', 'exec', [], CHECK],
    ['a health check of no words', 'exec', [[]], CHECK],
  ]
  for (const [name, expected, checks, argv] of cases) {
    t.equal(lineageOf(checks, argv), expected, name)
  }
  t.equal(new Entries().lineageOf(7), 'exec', 'a tag of which nothing was told')
  t.equal(new Entries().lineageOf(0), 'exec', 'no tag')
})

t.test('a script is recognised behind its interpreter', async (t) => {
  const byName = ['healthcheck.sh', '--connect', '--innodb_initialized']
  const byPath = ['/usr/local/bin/check', 'x']
  const long = ['healthcheck', 'y'.repeat(500)]
  const found = '/usr/local/bin/healthcheck.sh'
  const cases: readonly [name: string, expected: boolean, argv: string[], seen: string[]][] = [
    ['found in $PATH', true, byName, ['/bin/bash', found, ...byName.slice(1)]],
    [
      'found in the current directory',
      true,
      byName,
      ['/bin/sh', './healthcheck.sh', ...byName.slice(1)],
    ],
    ['by env', true, byName, ['/usr/bin/env', 'bash', found, ...byName.slice(1)]],
    ['with an option', true, byPath, ['/bin/sh', '-eu', ...byPath]],
    ['by its path', true, byPath, ['/usr/bin/python3', ...byPath]],
    ['with a long argument', true, long, ['/bin/sh', '/bin/healthcheck', ...long.slice(1)]],
    ['another argument', false, byName, ['/bin/bash', found, '--connect', '--innodb_initialised']],
    ['an argument less', false, byName, ['/bin/bash', found, '--connect']],
    ['another script', false, byName, ['/bin/bash', '/tmp/other.sh', ...byName.slice(1)]],
    [
      'a name that only ends so',
      false,
      byName,
      ['/bin/bash', '/tmp/myhealthcheck.sh', ...byName.slice(1)],
    ],
    ['the script as the text of a shell', false, byPath, ['/bin/sh', '-c', byPath.join(' ')]],
    ['the same name elsewhere for a path', false, byPath, ['/bin/sh', '/tmp/check', 'x']],
    ['an interpreter with two options', false, byPath, ['/bin/sh', '-e', '-u', ...byPath]],
    [
      'a long argument that differs',
      false,
      long,
      ['/bin/sh', '/bin/healthcheck', `z${'y'.repeat(499)}`],
    ],
  ]
  for (const [name, expected, argv, seen] of cases) {
    const words = argv.map((word) => byteStringOfText(word))
    t.equal(isStartedAs(entryOf(...seen), words), expected, name)
  }
})

t.test('a terminal makes an entry another one, whatever its argv', async (t) => {
  const { hash, ...entry } = entryOf('sh')
  const entries = new Entries()
  entries.expect([['sh']])
  // The probe sets a bit in what the hash starts from.
  entries.saw({ ...entry, hash: hash ^ (1n << 62n) })
  t.equal(entries.lineageOf(entry.tag), 'exec')
})

t.test('a tag that another argv has too is exec from then on, for good', async (t) => {
  const other = otherArgvOfTag(...CHECK)
  const { tag } = entryOf(...CHECK)
  const entries = new Entries()
  entries.expect([CHECK])
  entries.saw(entryOf(...CHECK))
  t.equal(entries.lineageOf(tag), 'probe')
  entries.saw(entryOf(...CHECK))
  t.equal(entries.lineageOf(tag), 'probe', 'the health check again changes nothing')
  entries.saw(entryOf(...other))
  t.equal(entries.lineageOf(tag), 'exec')
  entries.saw(entryOf(...CHECK))
  entries.expect([CHECK])
  t.equal(entries.lineageOf(tag), 'exec', 'whatever comes later')
  t.equal(lineageOf([CHECK], [...other], CHECK), 'exec', 'the other first')
})

t.test('what joined before the health check was known is judged when it is', async (t) => {
  const entries = new Entries()
  entries.saw(entryOf(...CHECK))
  t.equal(entries.lineageOf(entryOf(...CHECK).tag), 'exec')
  entries.expect([CHECK])
  t.equal(entries.lineageOf(entryOf(...CHECK).tag), 'probe')
})

t.test('once an entry may have been missed, everything is exec', async (t) => {
  const entries = new Entries()
  entries.expect([CHECK])
  entries.saw(entryOf(...CHECK))
  entries.missed()
  entries.saw(entryOf(...CHECK))
  t.equal(entries.lineageOf(entryOf(...CHECK).tag), 'exec')
})

t.test('nothing is taken for the health check that another argv may have done', async (t) => {
  const argvs = [
    CHECK,
    SHELL,
    ['sh'],
    ['/bin/sh'],
    ['/bin/check', 'a'],
    ['/bin/sh', '/bin/check', 'a'],
  ]
  const argv = fc.constantFrom(...argvs)
  // Few tags, so that argvs share them far more often than the kernel's do.
  const step = fc.oneof(
    fc.record({ kind: fc.constant('saw' as const), argv, tag: fc.nat({ max: 3 }) }),
    fc.record({ kind: fc.constant('expect' as const), checks: fc.array(argv, { maxLength: 2 }) }),
    fc.record({ kind: fc.constant('ask' as const), tag: fc.nat({ max: 3 }) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const entries = new Entries()
      const seen = new Map<number, Set<string>>()
      let checks: readonly string[][] = []
      for (const step of steps) {
        if (step.kind === 'saw') {
          entries.saw({ ...entryOf(...step.argv), tag: step.tag })
          seen.set(step.tag, (seen.get(step.tag) ?? new Set()).add(step.argv.join('\u0000')))
        } else if (step.kind === 'expect') {
          entries.expect((checks = step.checks))
        } else {
          const [only, ...more] = seen.get(step.tag) ?? []
          const accepted = checks.flatMap((check) =>
            // The one script among them, by its interpreter.
            check[0] === '/bin/check' ? [check, ['/bin/sh', ...check]] : [check],
          )
          const isProbe = more.length === 0 && accepted.some((c) => c.join('\u0000') === only)
          t.equal(entries.lineageOf(step.tag) === 'probe', isProbe)
        }
      }
    }),
    { numRuns: 1000 },
  )
})
