/** `plimsoll apply` and `profile diff` as commands, on a state that a replay has filled. */
import { spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Baseline } from '../../src/baseline/baseline.js'
import { BaselineStore } from '../../src/baseline/store.js'
import { precreateCall, wordsOf } from '../../src/engine/precreate-call.js'
import { readUnapplied } from '../../src/engine/unapplied-spool.js'
import { plimsoll } from '../support/fake-terminal.js'
import { podmanConfig, podmanStorage } from '../support/container-storage.js'
import { DEMO_TRACE } from '../support/repository.js'

const DIGITS = 'de8ca0049c09'
const IMAGE = 'de8ca0049c09a7bfdaa863acd1cb9a0f96b4186c5766e4d9b80f57e00d3fcb83'

async function demo(t: Test): Promise<{ state: string; env: NodeJS.ProcessEnv }> {
  const state = join(t.testdir({}), 'state')
  t.equal((await plimsoll(['replay', DEMO_TRACE, '--state', state])).status, 0)
  return { state, env: { PLIMSOLL_STATE: state } }
}

t.test('only what was sealed is applied, unless that is said', async (t) => {
  const { env } = await demo(t)
  const early = await plimsoll(['apply', DIGITS], env)
  t.equal(early.status, 1)
  t.match(early.said, /is not sealed.*\nhint: .*--unsealed/)
  t.equal(
    (await plimsoll(['apply', 'ls'], env)).out.toString(),
    'IMAGE  DIGEST  STRENGTH  REV  CONTENT  APPLIED  STATE\n',
  )
  const unsealed = await plimsoll(['apply', DIGITS, '--unsealed'], env)
  t.equal(unsealed.status, 0)
  t.match(unsealed.said, /warning: the baseline is not sealed/)
  t.match(
    unsealed.out.toString(),
    /^localhost\/plimsoll-demo:1: applied, enforce, \d+ calls, from revision 1 \(content [0-9a-f]{12}\)\nnothing was applied before\n$/,
  )
  const { out } = await plimsoll(['baseline', 'candidates', DIGITS, '--json'], env)
  const { contentHash } = JSON.parse(out.toString()) as { contentHash: string }
  await plimsoll(['baseline', 'seal', DIGITS, '--hash', contentHash], env)
  const sealed = await plimsoll(['apply', DIGITS], env)
  t.notMatch(sealed.said, /not sealed/)
  t.match(
    sealed.out.toString(),
    /against what was applied before, from revision 1: no difference\n$/,
  )
  t.match(
    (await plimsoll(['apply', 'ls'], env)).out.toString(),
    /plimsoll-demo:1 +de8ca0049c09 +enforce +2 .* sealed\n$/,
  )
})

t.test('an application says what it changes, and a dry run changes nothing', async (t) => {
  const { env } = await demo(t)
  await plimsoll(['apply', DIGITS, '--unsealed'], env)
  const before = (await plimsoll(['apply', 'show', DIGITS], env)).out.toString()
  const other = ['apply', DIGITS, '--unsealed', '--no-families', '--lineage', 'main,probe,exec']
  const dry = await plimsoll([...other, '--dry-run'], env)
  t.match(dry.out.toString(), /would be applied.*\nagainst .*: \d+ calls? removed\n/)
  t.match(dry.out.toString(), /\n- +waitid +allowed +ENOSYS +inferred\n/)
  t.equal((await plimsoll(['apply', 'show', DIGITS], env)).out.toString(), before)
  const { out } = await plimsoll([...other, '--json'], env)
  t.match(JSON.parse(out.toString()), {
    digest: `sha256:${IMAGE}`,
    before: {},
    diff: { wider: false },
  })
  const after = (await plimsoll(['apply', 'show', DIGITS], env)).out.toString()
  t.not(after, before)
  t.equal(
    (await plimsoll(['profile', ...other.slice(1, 2), ...other.slice(3)], env)).out.toString(),
    after,
  )
})

t.test('what is applied can be removed, by its name too, and a damaged one is named', async (t) => {
  const { state, env } = await demo(t)
  await plimsoll(['apply', DIGITS, '--unsealed'], env)
  const file = join(state, 'applied', `${IMAGE}.plp`)
  const bytes = readFileSync(file)
  writeFileSync(file, bytes.subarray(0, 100))
  t.match((await plimsoll(['apply', 'ls'], env)).out.toString(), /damaged: its checksum/)
  t.match((await plimsoll(['apply', 'show', DIGITS], env)).said, /is damaged: its checksum/)
  t.match(
    (await plimsoll(['apply', DIGITS, '--unsealed'], env)).said,
    /what was applied before cannot be read/,
  )
  t.match(
    (await plimsoll(['apply', 'rm', 'plimsoll-demo:1'], env)).said,
    /containers that run keep their filter/,
  )
  t.notOk(existsSync(file))
  t.match((await plimsoll(['apply', 'rm', DIGITS], env)).said, /no applied profile matches/)
})

t.test('a profile of a command is not for containers', async (t) => {
  const { state, env } = await demo(t)
  const image = {
    kind: 'command',
    digest: `sha256:${'5'.repeat(64)}`,
    name: 'x',
    entrypoint: [],
  } as const
  await new BaselineStore(state).save(Baseline.empty(image))
  t.match((await plimsoll(['apply', 'x', '--unsealed'], env)).said, /x is a command/)
})

t.test('the hook is installed, listed and removed, and says what it does', async (t) => {
  const { state, env } = await demo(t)
  const dir = join(state, '../hooks')
  const installed = await plimsoll(['apply', 'hook', 'install', '--dir', dir], env)
  t.equal(installed.status, 0)
  t.match(
    installed.said,
    /installed .*plimsoll\.json; a container whose profile cannot be applied is refused/,
  )
  t.ok(existsSync(join(state, 'applied')), 'the directory is there, so that a lost one is noticed')
  t.match(
    (await plimsoll(['apply', 'hook', 'ls', '--dir', dir])).out.toString(),
    /is refused; profiles of /,
  )
  await plimsoll(['apply', 'hook', 'install', '--dir', dir, '--fail-open', '--spool', '/x/y'], env)
  const { out } = await plimsoll(['apply', 'hook', 'ls', '--dir', dir, '--json'])
  t.match(JSON.parse(out.toString()), { installed: true, fail: 'open', spool: '/x/y', state })
  const both = await plimsoll(
    ['apply', 'hook', 'install', '--dir', dir, '--fail-open', '--fail-closed'],
    env,
  )
  t.equal(both.status, 2)
  t.match((await plimsoll(['apply', 'hook', 'remove', '--dir', dir])).said, /removed/)
  t.match((await plimsoll(['apply', 'hook', 'ls', '--dir', dir])).out.toString(), /not installed/)
})

t.test("a kubelet's profile comes with the securityContext that names it", async (t) => {
  const { state, env } = await demo(t)
  const root = ['--root', join(state, '../kubelet')]
  const written = await plimsoll(['apply', 'kubelet', DIGITS, '--unsealed', ...root], env)
  t.equal(written.status, 0)
  t.match(written.out.toString(), /localhostProfile: plimsoll\/plimsoll-demo-1\.json\n$/)
  const path = join(state, '../kubelet/seccomp/plimsoll/plimsoll-demo-1.json')
  t.equal((await plimsoll(['profile', 'check', path])).status, 0)
  t.equal(
    (await plimsoll(['apply', 'kubelet', 'ls', ...root])).out.toString(),
    'plimsoll/plimsoll-demo-1.json\n',
  )
  t.equal((await plimsoll(['apply', 'kubelet', DIGITS, '--name', '../x', ...root], env)).status, 2)
  t.match((await plimsoll(['apply', 'kubelet', 'rm', 'plimsoll-demo-1', ...root])).said, /removed/)
  t.equal((await plimsoll(['apply', 'kubelet', 'ls', ...root])).out.toString(), '')
  t.match((await plimsoll(['apply', 'kubelet', DIGITS, ...root], env)).said, /is not sealed/)
})

t.test('profiles are compared as files and as what a baseline gives', async (t) => {
  const { state, env } = await demo(t)
  const path = join(state, '../demo.json')
  await plimsoll(['profile', DIGITS, '--out', path, '--no-families'], env)
  const same = await plimsoll(['profile', 'diff', path, DIGITS, '--no-families', '--check'], env)
  t.equal(same.status, 0)
  t.equal(same.out.toString(), 'no difference\n')
  const wider = await plimsoll(['profile', 'diff', path, DIGITS, '--check'], env)
  t.equal(wider.status, 3)
  t.match(wider.out.toString(), /^\d+ calls added\n/)
  t.match(wider.out.toString(), /\n\+ +waitid +ENOSYS +allowed +inferred\n/)
  const fewer = await plimsoll(['profile', 'diff', DIGITS, path, '--check', '--json'], env)
  t.equal(fewer.status, 0)
  t.match(JSON.parse(fewer.out.toString()), {
    wider: false,
    calls: [{ change: 'removed', origins: ['inferred'] }],
  })
  const open = await plimsoll(
    ['profile', 'diff', path, DIGITS, '--strength', 'complain', '--check'],
    env,
  )
  t.equal(open.status, 3)
  t.match(open.out.toString(), /every other call: ENOSYS before, logged after/)
  t.equal((await plimsoll(['profile', 'diff', path, join(state, 'none.json')])).status, 1)
})

t.test('the step that engines start answers for a container and its failures', async (t) => {
  const { state, env } = await demo(t)
  const home = join(state, '..')
  const spool = join(home, 'spool')
  podmanStorage(home, { image: IMAGE })
  const config = podmanConfig(home)
  await plimsoll(['apply', DIGITS, '--unsealed'], env)
  const step = async (
    fail: 'open' | 'closed',
    mode: string,
    ...more: readonly string[]
  ): Promise<SpawnSyncReturns<string>> => {
    const call = await precreateCall(state, spool, fail)
    const args = [...wordsOf(call, mode), ...more]
    return spawnSync(call.node, args, {
      input: mode === 'hook' ? config : '',
      env: {},
      encoding: 'utf8',
    })
  }
  const held = await step('closed', 'hook')
  t.equal(held.status, 0)
  const document = (await plimsoll(['apply', 'show', DIGITS], env)).out.toString().trimEnd()
  t.equal(held.stdout, config.replace('{"defaultAction":"SCMP_ACT_ALLOW"}', document))
  t.equal(held.stderr, '')

  writeFileSync(join(home, 'config.json'), config)
  const bundle = ['--', 'create', '--bundle', home, 'c'.repeat(64)]
  t.match(await step('closed', 'bundle', ...bundle), { status: 0, stdout: '', stderr: '' })
  t.equal(readFileSync(join(home, 'config.json'), 'utf8'), held.stdout)
  t.match(await step('closed', 'bundle', '--', 'state', 'x'), { status: 0, stdout: '', stderr: '' })

  writeFileSync(join(state, 'applied', `${IMAGE}.plp`), 'x')
  const refused = await step('closed', 'hook')
  t.equal(refused.status, 0)
  t.match(
    refused.stdout,
    /"seccomp":\{"defaultAction":"plimsoll refuses to start a container of localhost\/web:1: /,
  )
  const open = await step('open', 'hook')
  t.equal(open.stdout, config)
  t.match(open.stderr, /^plimsoll starts a container of .* without its learned profile/)
  writeFileSync(join(home, 'config.json'), config)
  t.match(await step('closed', 'bundle', ...bundle), { status: 3, stderr: /refuses/ })
  t.match(await step('open', 'bundle', ...bundle), { status: 0, stderr: /without/ })
  t.equal(readFileSync(join(home, 'config.json'), 'utf8'), config)
  t.same(
    readUnapplied(spool).notes.map(({ outcome }) => outcome),
    ['refused', 'started', 'refused', 'started'],
  )
  const { node, entry } = await precreateCall(state, spool, 'open')
  const wrong = spawnSync(node, [entry, 'hook'], { encoding: 'utf8' })
  t.match(wrong, { status: 1, stderr: /--state is missing/ })
})
