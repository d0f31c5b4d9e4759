/** Writing a profile: whole, with its provenance, and not where runtimes would not notice the change. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { decide, itemsNamed } from '../../src/baseline/approval.js'
import { contentHashOf } from '../../src/baseline/content-hash.js'
import {
  DEFAULT_PROFILE,
  profileOf,
  provenancePath,
  writeProfile,
} from '../../src/engine/profile.js'
import { profileCalls } from '../../src/engine/profile-calls.js'
import { replay } from '../../src/engine/replay.js'
import { syscallNr } from '../../src/kernel/syscalls.js'
import type { Abi } from '../../src/observation.js'
import { calls, callsWith } from '../support/diff-baselines.js'
import { runFacts } from '../support/baseline-steps.js'
import { plimsoll } from '../support/fake-terminal.js'
import { DEMO_TRACE } from '../support/repository.js'

const TRACE = DEMO_TRACE

t.test('a profile is written with its provenance, and again over itself', async (t) => {
  const [baseline] = await replay(TRACE)
  if (baseline === undefined) throw new Error('the trace has no baseline')
  const built = profileOf(baseline, DEFAULT_PROFILE)
  const path = join(t.testdir({}), 'demo.json')
  await writeProfile(path, built, baseline)
  await writeProfile(path, built, baseline)
  const provenance = JSON.parse(readFileSync(provenancePath(path), 'utf8')) as {
    verified: boolean
    syscalls: Record<string, { origins: readonly string[] }>
  }
  t.equal(provenance.verified, false)
  t.same(Object.keys(provenance.syscalls), [...built.origins.keys()])
  t.same(provenance.syscalls['execve']?.origins, ['observed', 'runtime', 'floor'])
})

t.test('a change of errnos alone is refused, and the file is left as it is', async (t) => {
  const [baseline] = await replay(TRACE)
  if (baseline === undefined) throw new Error('the trace has no baseline')
  const built = profileOf(baseline, DEFAULT_PROFILE)
  const path = join(t.testdir({}), 'demo.json')
  await writeProfile(path, built, baseline)
  const other = readFileSync(path, 'utf8').replace('"errnoRet": 1', '"errnoRet": 13')
  writeFileSync(path, other)
  await t.rejects(writeProfile(path, built, baseline), { code: 'PROFILE_ERRNO_ONLY' })
  t.equal(readFileSync(path, 'utf8'), other)
})

t.test('other formats are made of the same profile, a manifest with its provenance', async (t) => {
  const state = join(t.testdir({}), 'state')
  await plimsoll(['replay', TRACE, '--state', state])
  const cases: readonly (readonly [string, readonly string[], RegExp, boolean])[] = [
    ['web.yaml', ['--format', 'spo'], /\n {2}name: plimsoll-demo-1\n/, true],
    ['mine.yaml', ['--format', 'spo', '--name', 'mine.x'], /\n {2}name: mine\.x\n/, true],
    ['web.conf', ['--format', 'systemd'], /^# Written by plimsoll\.\n\[Service\]\n/, false],
    ['log.conf', ['--format', 'systemd', '--strength', 'complain'], /\nSystemCallLog=~/, false],
  ]
  for (const [file, flags, text, hasProvenance] of cases) {
    const path = join(t.testdirName, file)
    const args = ['profile', 'de8ca0049c09', '--state', state, ...flags]
    const printed = await plimsoll(args)
    t.equal(printed.status, 0, flags.join(' '))
    t.match(printed.out.toString(), text)
    t.match(printed.said, /plimsoll: allows \d+ calls, \d+ fewer than Docker's default/)
    const written = await plimsoll([...args, '--out', path])
    t.equal(written.said, printed.said)
    t.equal(readFileSync(path, 'utf8'), printed.out.toString())
    t.equal(existsSync(provenancePath(path)), hasProvenance, `${file}: provenance`)
  }
  const provenance = JSON.parse(
    readFileSync(join(t.testdirName, 'web.yaml.provenance.json'), 'utf8'),
  ) as { notes: readonly string[] }
  t.ok(provenance.notes.some((note) => note.includes('no default errno')))
})

t.test(
  'what is filtered by argument, and what is inferred, is a choice with reasons',
  async (t) => {
    const state = join(t.testdir({}), 'state')
    await plimsoll(['replay', TRACE, '--state', state])
    const made = async (name: string, flags: readonly string[]): Promise<Provenance> => {
      const path = join(t.testdirName, `${name}.json`)
      const args = ['profile', 'de8ca0049c09', '--state', state, '--out', path]
      t.equal((await plimsoll([...args, ...flags])).status, 0)
      t.equal((await plimsoll(['profile', 'check', path])).status, 0)
      return JSON.parse(readFileSync(provenancePath(path), 'utf8')) as Provenance
    }
    const usual = await made('usual', [])
    t.match(usual.syscalls['clone'], {
      origins: ['observed'],
      values: [{ value: 0, label: 'no namespace' }],
    })
    t.match(usual.syscalls['waitid'], {
      origins: ['inferred'],
      reason: 'newer language runtimes wait for children with waitid, by pidfd; wait4 was observed',
    })
    t.same(
      await made('same', ['--families', '--arguments', 'socket,clone,unshare,personality']),
      usual,
    )
    const plain = await made('plain', ['--no-families', '--arguments', 'none'])
    t.notOk('values' in (plain.syscalls['clone'] ?? {}))
    t.notOk('waitid' in plain.syscalls)
  },
)

interface Provenance {
  readonly syscalls: Readonly<Record<string, object>>
}

t.test('the builder is told the arguments of a call if all of them are known', async (t) => {
  const nr = syscallNr('x86_64', 'socket') ?? -1
  const known = callsWith('socket', 33, 17)
  const call = { abi: 'x86_64', nr, lineage: 'main', runs: 1, programs: [] } as const
  t.strictSame(profileCalls(known, ['main']).calls, [{ ...call, count: 2, values: [17, 33] }])
  const run = known.startRun(runFacts('without arguments'))
  known.learnSyscall(run, 'main', 'x86_64', nr, 1, 1_500)
  t.strictSame(profileCalls(known, ['main']).calls, [{ ...call, count: 3, runs: 2 }])
})

t.test('a call that was only refused enters by approval, and by nothing else', async (t) => {
  const baseline = calls('read write')
  const run = baseline.startRun(runFacts('under its profile'))
  const deny = (abi: Abi, name: string): void =>
    void baseline.learnDenial(run, 'main', abi, syscallNr(abi, name) ?? -1, 3, 2_500)
  deny('x86_64', 'mkdir')
  deny('x86_64', 'ptrace')
  deny('i386', 'write')
  const originOf = (name: string): readonly string[] | undefined =>
    profileOf(baseline, DEFAULT_PROFILE).origins.get(name)?.origins
  const before = profileOf(baseline, DEFAULT_PROFILE)
  t.equal(originOf('mkdir'), undefined, 'not of an unsealed baseline either')
  t.same(before.profile.architectures, ['SCMP_ARCH_X86_64'])
  const decided = (verdict: 'approved' | 'rejected', ...texts: readonly string[]): void =>
    decide(baseline, itemsNamed(baseline, texts), verdict, {
      by: 'someone',
      atMs: 5_000,
      reason: '',
      contentHash: contentHashOf(baseline),
    })
  decided('approved', 'mkdir', 'ptrace')
  t.same(originOf('mkdir'), ['approved'])
  t.same(originOf('ptrace'), ['approved'], 'on the never-learn list or not')
  t.same(originOf('write'), ['observed', 'floor'])
  decided('approved', 'i386:write')
  const { profile, origins } = profileOf(baseline, DEFAULT_PROFILE)
  t.ok(profile.architectures.includes('SCMP_ARCH_X86'), 'an ABI that was refused is covered now')
  t.same(origins.get('write')?.origins, ['observed', 'approved', 'floor'])
  decided('rejected', 'mkdir')
  t.equal(originOf('mkdir'), undefined)
})

t.test('approval of a call under another ABI does not open its arguments', async (t) => {
  const baseline = callsWith('socket', 33)
  const run = baseline.startRun(runFacts('under its profile'))
  baseline.learnDenial(run, 'main', 'i386', syscallNr('i386', 'socket') ?? -1, 3, 2_500)
  decide(baseline, itemsNamed(baseline, ['i386:socket']), 'approved', {
    by: 'someone',
    atMs: 5_000,
    reason: '',
    contentHash: contentHashOf(baseline),
  })
  const { origins } = profileOf(baseline, DEFAULT_PROFILE)
  t.match(origins.get('socket')?.values, [{ value: 2 }])
})
