/** `plimsoll policy`, and how policies are loaded. */
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import type { PolicyProblem } from '../../src/detect/policy-problem.js'
import {
  checkPolicy,
  loadPolicy,
  loadSeverityTable,
  type PolicyError,
} from '../../src/engine/policy-file.js'
import { plimsoll } from '../support/fake-terminal.js'
import { connect, SCOPE } from '../support/policies.js'

const GOOD = [
  'version: 1',
  'deny: [{name: meta, addresses: 169.254.169.254, reason: credentials}]',
  'allow:',
  '  - {name: dns, kind: connect, ports: 53, images: nginx}',
  'severity: [{is: low, kind: drift, images: ci}]',
  'responses: [{severity: critical, kind: drift, action: freeze}]',
  'protected: {containers: "db-*"}',
  'neverLearn: [chmod]',
  'unknownImages: learn',
  '',
].join('\n')

async function fileOf(t: Test, content: string | Uint8Array): Promise<string> {
  const path = join(t.testdir(), 'policy.yaml')
  await writeFile(path, content)
  return path
}

t.test('a good policy is ok, with status 0', async (t) => {
  const path = await fileOf(t, GOOD)
  const { status, out } = await plimsoll(['policy', 'check', path])
  t.equal(out.toString(), 'ok: 2 rules\n')
  t.equal(status, 0)
  const json = await plimsoll(['policy', 'check', path, '--json'])
  t.strictSame(JSON.parse(json.out.toString()), { ok: true, rules: 2, problems: [] })
})

t.test(
  'all that is wrong is printed with file, line, column and field, with status 3',
  async (t) => {
    const path = await fileOf(t, `${GOOD}allow: []\nfoo: 1\n`)
    const { status, out, said } = await plimsoll(['policy', 'check', path])
    t.equal(status, 3)
    t.equal(said, '')
    t.match(out.toString(), `error: ${path}:10:1: allow: is there already, in line 3\n`)
    t.match(out.toString(), 'not usable: 1 error\n')
    const other = await fileOf(t, `${GOOD}denny: []\nfoo: 1\n`)
    const json = await plimsoll(['policy', 'check', other, '--json'])
    t.equal(json.status, 3)
    const answer = JSON.parse(json.out.toString()) as { ok: boolean; problems: PolicyProblem[] }
    t.equal(answer.ok, false)
    t.match(answer.problems, [
      { severity: 'error', line: 10, column: 1, field: 'denny' },
      { severity: 'error', line: 11, column: 1, field: 'foo' },
    ])
  },
)

t.test('warnings leave the policy usable', async (t) => {
  const path = await fileOf(t, 'version: 1\nallow: [{name: m, syscalls: mount}]\n')
  const { status, out } = await plimsoll(['policy', 'check', path])
  t.equal(status, 0)
  t.equal(
    out.toString(),
    `warning: ${path}:2:9: allow[0]: opens what is never learned: mount, aarch64:mount\nok: 1 rule, 1 warning\n`,
  )
})

t.test('files that are no text, too long or not there', async (t) => {
  const noText = await fileOf(t, Buffer.from([0x61, 0xff]))
  t.match((await plimsoll(['policy', 'check', noText])).out.toString(), /: is no text in UTF-8\n/)
  const long = await fileOf(t, `version: 1\n#${'x'.repeat(1024 * 1024)}\n`)
  const { out, status } = await plimsoll(['policy', 'check', long])
  t.match(out.toString(), /: is longer than 1048576 bytes\n/)
  t.equal(status, 3)
  const missing = await plimsoll(['policy', 'check', join(t.testdirName, 'none')])
  t.equal(missing.status, 1)
  t.match(missing.said, /cannot read .*none: no such file/)
  t.equal((await plimsoll(['policy', 'check', t.testdirName])).status, 1)
})

t.test('a policy is shown as it takes effect', async (t) => {
  const path = await fileOf(t, GOOD)
  const { status, out } = await plimsoll(['policy', 'show', path])
  t.equal(status, 0)
  const text = out.toString()
  t.match(text, /^LAYER +RULE +KIND +CONDITIONS\ndeny +meta +connect,listen +addresses 169/)
  t.match(text, /\nallow +dns +connect +images nginx; ports 53\n/)
  t.match(text, /\nseverity: low for drift images ci\n/)
  t.match(
    text,
    /\nresponse: freeze for drift from critical up\nresponse: alert for everything else\n/,
  )
  t.match(text, /\nnever learned: chmod\nprotected images: none\nprotected containers: db-\*\n/)
  t.match(text, /sealed baseline: learn\n$/)
  const json = await plimsoll(['policy', 'show', path, '--json'])
  const view = JSON.parse(json.out.toString()) as { rules: unknown }
  t.strictSame(view.rules, [
    {
      layer: 'deny',
      name: 'meta',
      reason: 'credentials',
      addresses: ['169.254.169.254'],
      kind: ['connect', 'listen'],
    },
    { layer: 'allow', name: 'dns', images: ['nginx'], ports: ['53'], kind: ['connect'] },
  ])
})

t.test('without a file the policy that ships is shown', async (t) => {
  const { status, out } = await plimsoll(['policy', 'show'])
  t.equal(status, 0)
  t.match(out.toString(), /\nhard-deny +bpf-programs +syscall +syscalls bpf\n/)
  t.match(out.toString(), /\nresponse: alert for everything\nnever/)
})

t.test('a bad policy is not loaded: the error names the first mistake and has all', async (t) => {
  const path = await fileOf(t, 'version: 1\nfoo: 1\nbar: 2\n')
  const shown = await plimsoll(['policy', 'show', path])
  t.equal(shown.status, 1)
  t.match(shown.said, /policy\.yaml cannot be used: 2:1: foo: is unknown.*\(and 1 more\)\n/)
  t.match(shown.said, /hint: `plimsoll policy check .*policy\.yaml` lists all/)
  await loadPolicy(path).then(
    () => t.fail('was loaded'),
    (thrown: PolicyError) => {
      t.equal(thrown.code, 'POLICY_INVALID')
      t.strictSame(
        thrown.problems.map(({ field }) => field),
        ['foo', 'bar'],
      )
    },
  )
})

t.test('a policy that was loaded answers, and so does the table', async (t) => {
  const { compiled, policy, warnings, path } = await loadPolicy(await fileOf(t, GOOD))
  t.match(path, /policy\.yaml$/)
  t.strictSame(warnings, [])
  t.equal(policy.unknownImages, 'learn')
  const subject = connect('tcp:169.254.169.254:80')
  t.strictSame(compiled.decide(subject, SCOPE), { layer: 'deny', rule: 'meta' })
  const table = await loadSeverityTable()
  const context = { scope: SCOPE, layer: 'deny', isFirst: false } as const
  t.equal(table.rate(subject, context).severity, 'high')
  const bad = await fileOf(t, 'version: 1\nbase: []\n')
  await t.rejects(loadSeverityTable(bad), { code: 'POLICY_INVALID' })
  t.ok((await checkPolicy('profiles/policy.yaml')).policy)
})

t.test('no other command waits for what reads policies to be loaded', async (t) => {
  const packages = new Set<string>()
  const program = readFileSync('src/cli/program.ts', 'utf8')
  const commands = Array.from(program.matchAll(/import\('\.\/([^']+)\.js'\)/g), ([, name]) => name)
  const seen = new Set(['src/cli/main.ts', ...commands.map((name) => `src/cli/${name}.ts`)])
  for (const path of seen) {
    const text = readFileSync(path, 'utf8')
    for (const [, what = '', from = ''] of text.matchAll(/^import\s([^'"]*)'([^']+)'/gm)) {
      if (what.startsWith('type ')) continue
      if (from.includes('/gen/')) continue
      if (from.startsWith('.')) seen.add(join(dirname(path), from.replace(/\.js$/, '.ts')))
      else packages.add(from)
    }
  }
  t.ok(seen.size > 100 && packages.has('commander'), `${seen.size} files`)
  for (const heavy of ['yaml', 'zod', 'ipaddr.js']) t.notOk(packages.has(heavy), heavy)
})
