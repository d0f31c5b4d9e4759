/** `baseline diff` on a state that a replay has filled, and on baselines made for the purpose. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Baseline } from '../../src/baseline/baseline.js'
import { encodeBaseline } from '../../src/baseline/codec.js'
import { imageKeyOf } from '../../src/baseline/image-identity.js'
import { BaselineStore } from '../../src/baseline/store.js'
import { byteStringOfText } from '../../src/bytes.js'
import { syscallNr } from '../../src/kernel/syscalls.js'
import { IMAGE, runFacts } from '../support/baseline-steps.js'
import { plimsoll } from '../support/fake-terminal.js'
import { hostileBaseline } from '../support/hostile-baseline.js'
import { DEMO_TRACE } from '../support/repository.js'

interface View {
  readonly changes: readonly Readonly<Record<string, unknown>>[]
  readonly incomplete: readonly string[]
}

/** A file with a baseline that made those calls of x86_64, by /bin/app. */
async function fileOf(t: Test, name: string, calls: string): Promise<string> {
  const baseline = Baseline.empty(IMAGE)
  const run = baseline.startRun(runFacts(name))
  for (const call of calls.split(' ')) {
    const nr = syscallNr('x86_64', call)
    if (nr === undefined) throw new Error(`no call ${call}`)
    baseline.learnSyscall(run, 'main', 'x86_64', nr, 7, 1_500)
    baseline.learnProgram(run, 'main', 'x86_64', nr, byteStringOfText('/bin/app'), 1_500)
  }
  const path = join(t.testdirName, `${name}.plb`)
  await writeFile(path, encodeBaseline(baseline))
  return path
}

t.test('the status says whether there is anything new, only if it is asked for', async (t) => {
  t.testdir()
  const old = await fileOf(t, 'old', 'read close')
  const calm = await fileOf(t, 'calm', 'read write')
  const bad = await fileOf(t, 'bad', 'read close ptrace')
  const cases: readonly (readonly [string, string, number, number])[] = [
    [old, old, 0, 0],
    [old, calm, 0, 3],
    [old, bad, 3, 3],
    [bad, old, 0, 0],
  ]
  for (const [before, after, check, checkAny] of cases) {
    const title = `${before} ${after}`
    for (const [flags, expected] of [
      [[], 0],
      [['--check'], check],
      [['--check-any'], checkAny],
      [['--check', '--check-any'], Math.max(check, checkAny)],
      [['--check', '--json'], check],
    ] as const) {
      const { status, said } = await plimsoll(['baseline', 'diff', before, after, ...flags])
      t.equal(status, expected, `${title} ${flags.join(' ')}`)
      t.equal(said, '')
    }
  }
})

t.test('the text has a table per class, JSON the same changes', async (t) => {
  t.testdir()
  const before = await fileOf(t, 'before', 'read close')
  const after = await fileOf(t, 'after', 'read write ptrace')
  const { out } = await plimsoll(['baseline', 'diff', before, after])
  t.equal(
    out.toString(),
    `before  localhost/web:1.0 (container-0123456789ab) revision 0, 1 run, full
after   localhost/web:1.0 (container-0123456789ab) revision 0, 1 run, full

new and dangerous: 1
   KIND     WHAT               WHY        COUNT  RUNS  LINEAGE  PROGRAMS
!  syscall  x86_64 101 ptrace  high-call      7     1  main     /bin/app

new: 1
   KIND     WHAT            WHY  COUNT  RUNS  LINEAGE  PROGRAMS
+  syscall  x86_64 1 write           7     1  main     /bin/app

vanished: 1
   KIND     WHAT            WHY  COUNT  RUNS  LINEAGE  PROGRAMS
-  syscall  x86_64 3 close           7     1  main     /bin/app
`,
  )
  const json = await plimsoll(['baseline', 'diff', before, after, '--json'])
  const call = { kind: 'syscall', lineage: 'main', abi: 'x86_64', count: 7, runs: 1 }
  t.match(JSON.parse(json.out.toString()), {
    before: { image: 'localhost/web:1.0', key: imageKeyOf(IMAGE), completeness: 'full' },
    lineages: ['main', 'probe'],
    changes: [
      { ...call, class: 'new-dangerous', name: 'ptrace', danger: 'high', reasons: ['high-call'] },
      { ...call, class: 'new', name: 'write', danger: 'low', reasons: [], programs: ['/bin/app'] },
      { ...call, class: 'vanished', name: 'close', reasons: [] },
    ],
    incomplete: [],
  })
})

t.test('baselines come from the store or from files, whatever slashes are in a name', async (t) => {
  const state = join(t.testdir(), 'state')
  const env = { PLIMSOLL_STATE: state }
  t.equal((await plimsoll(['replay', DEMO_TRACE], env)).status, 0)
  const file = join(t.testdirName, 'demo.plb')
  const plain = join(t.testdirName, 'plain')
  for (const out of [file, plain]) {
    await plimsoll(['baseline', 'export', 'plimsoll-demo', '--out', out], env)
  }
  for (const ref of ['localhost/plimsoll-demo:1', 'plimsoll-demo', 'de8ca0049c09', file, plain]) {
    for (const args of [
      [ref, file],
      [file, ref],
    ]) {
      const { status, out } = await plimsoll(['baseline', 'diff', ...args, '--check-any'], env)
      t.equal(status, 0, args.join(' '))
      t.match(out.toString(), /\nnew and dangerous: none\n\nnew: none\n\nvanished: none\n/)
    }
  }
  const web = await fileOf(t, 'web', 'read mount')
  const drift = await plimsoll(['baseline', 'diff', 'plimsoll-demo', web, '--check'], env)
  t.equal(drift.status, 3)
  t.match(drift.out.toString(), /\n! {2}syscall {2}x86_64 165 mount {2}critical-call /)
  t.match(drift.out.toString(), /\n- {2}exec /)
})

t.test('what cannot be read is a failure, not an answer', async (t) => {
  const env = { PLIMSOLL_STATE: t.testdir() }
  const good = await fileOf(t, 'good', 'read')
  await mkdir(join(t.testdirName, 'folder.plb'))
  const cases: readonly (readonly [string, RegExp])[] = [
    ['missing.plb', /cannot read missing\.plb/],
    ['./missing', /cannot read \.\/missing/],
    [join(t.testdirName, 'missing'), /cannot read .*missing/],
    [join(t.testdirName, 'folder.plb'), /cannot read .*folder\.plb/],
    [DEMO_TRACE, /damaged: it is another kind of file/],
    ['localhost/web:1', /no baseline matches localhost\/web:1/],
  ]
  for (const [ref, problem] of cases) {
    for (const args of [
      [ref, good],
      [good, ref],
    ]) {
      const { status, out, said } = await plimsoll(['baseline', 'diff', ...args, '--check'], env)
      t.equal(status, 1, args.join(' '))
      t.match(said, problem)
      t.equal(out.length, 0)
    }
  }
  t.equal((await plimsoll(['baseline', 'diff', good], env)).status, 2)
})

t.test('nothing that a container chose reaches a terminal raw, and gaps are said', async (t) => {
  const env = { PLIMSOLL_STATE: t.testdir() }
  const hostile = hostileBaseline()
  await new BaselineStore(env.PLIMSOLL_STATE).save(hostile)
  const good = await fileOf(t, 'good', 'read')
  for (const args of [
    [good, imageKeyOf(hostile.image)],
    [imageKeyOf(hostile.image), good],
  ]) {
    const text = await plimsoll(['baseline', 'diff', ...args], env)
    const json = await plimsoll(['baseline', 'diff', ...args, '--json'], env)
    for (const out of [text.out.toString(), json.out.toString()]) {
      t.notMatch(
        out,
        // oxlint-disable-next-line no-control-regex -- these must not be printed
        /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/,
        args.join(' '),
      )
    }
    t.match(
      text.out.toString(),
      /\nincomplete: there may be other differences\n {2}(before|after): /,
    )
    const { changes, incomplete } = JSON.parse(json.out.toString()) as View
    t.strictSame(
      new Set(changes.map(({ kind }) => kind)),
      new Set(['syscall', 'exec', 'connection', 'listener', 'capability', 'io_uring']),
    )
    t.ok(incomplete.length > 0)
  }
})
