/** What is said of policy files that are not right: everything, with line, column and field. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { problemText } from '../../src/detect/policy-problem.js'
import { readPolicy } from '../../src/detect/policy-read.js'

/** Name, text, and each problem as `LINE:COLUMN: FIELD: ...` must begin. */
type Case = readonly [string, string, readonly (string | RegExp)[]]

const MALFORMED: readonly Case[] = [
  ['an empty file', '', ['1:1: is empty; expected version: 1']],
  ['comments only', '# nothing\n', ['1:1: is empty']],
  ['no mapping', 'deny\n', ['1:1: is "deny"; expected a mapping']],
  ['a list', '- a\n', ['1:1: is a list of 1; expected a mapping']],
  ['no version', 'deny: []\n', ['1:1: version: is missing; expected version: 1']],
  ['another version', 'version: 2\n', ['1:10: version: is the number 2']],
  ['a version in quotes', 'version: "1"\n', ['1:10: version: is "1"']],
  ['a tab', 'version: 1\ndeny:\n\t- a\n', [/^3:1: Tabs are not allowed/]],
  ['a list that is not closed', 'version: 1\ndeny: [\n', [/^3:1: Flow sequence/]],
  ['two documents', 'version: 1\n---\nversion: 1\n', ['2:1: a second document begins']],
  ['a key twice', 'version: 1\ndeny: []\ndeny: []\n', ['3:1: deny: is there already, in line 2']],
  [
    'a key twice in a rule',
    'version: 1\ndeny:\n  - name: a\n    kind: exec\n    name: b\n',
    ['5:5: deny[0].name: is there already, in line 3'],
  ],
  ['a key that is no text', 'version: 1\n? [a]\n: b\n', ['2:3: has a key that is no text']],
  ['a tag', 'version: 1\ndeny: !env X\n', ['2:7: Unresolved tag: !env']],
  ['an alias of nothing', 'version: 1\ndeny: *rules\n', ['2:7: deny: has the alias "rules"']],
  [
    'a star without quotes',
    rule('deny', 'name: a\n    paths: **/sh'),
    [
      /^4:12: deny\[0\]\.paths: has the alias "\*\/sh" .* expected quotes around a text that begins/,
    ],
  ],
  ['an alias of itself', 'version: 1\ndeny: &a [*a]\n', ['2:11: deny[0]: has the alias "a"']],
  ['an unknown section', 'version: 1\nDeny: []\n', ['2:1: Deny: is unknown (did you mean deny?)']],
  ['a section that is none', 'version: 1\nallow: all\n', ['2:8: allow: is "all"; expected a list']],
  ['a merge key', 'version: 1\n<<: {deny: []}\n', ['2:1: "<<": is unknown']],
  ['a rule that is a word', rule('deny', 'x'), ['3:5: deny[0]: is "x"; expected a mapping']],
  ['a rule without a name', rule('deny', 'kind: exec'), ['3:5: deny[0].name: is missing']],
  [
    'an odd name',
    rule('deny', 'name: a b\n    kind: exec'),
    ['3:11: deny[0].name: "a b" is no name'],
  ],
  [
    'a number as name',
    rule('deny', 'name: 7\n    kind: exec'),
    ['3:11: deny[0].name: is the number 7, not a text: put it in quotes'],
  ],
  [
    'a misspelt field',
    rule('deny', 'name: a\n    sycalls: bpf'),
    ['4:5: deny[0].sycalls: is unknown (did you mean syscalls?)'],
  ],
  [
    "another tool's field",
    rule('deny', 'name: a\n    cidrs: 10.0.0.0/8'),
    ['4:5: deny[0].cidrs: is unknown (did you mean addresses?)'],
  ],
  [
    'a misspelt kind',
    rule('deny', 'name: a\n    kind: conect'),
    ['4:11: deny[0].kind: "conect" is unknown (did you mean connect?); expected one of syscall,'],
  ],
  [
    'a misspelt call',
    rule('deny', 'name: a\n    syscalls: [bpf, chmdo]'),
    ['4:21: deny[0].syscalls[1]: "chmdo" is no system call (did you mean chmod?)'],
  ],
  [
    'a call of another ABI',
    rule('deny', 'name: a\n    syscalls: "mips:chmod"'),
    ['4:15: deny[0].syscalls: "mips:chmod" is no system call'],
  ],
  [
    'an unknown group',
    rule('deny', 'name: a\n    syscalls: "@critcal"'),
    ['4:15: deny[0].syscalls: "@critcal" is no group (did you mean @critical?)'],
  ],
  [
    'a call without its argument',
    rule('deny', 'name: a\n    arguments: socket'),
    ['4:16: deny[0].arguments: "socket" names no argument, such as socket:AF_INET,SOCK_RAW'],
  ],
  [
    'an argument of no such call',
    rule('deny', 'name: a\n    arguments: "sockt:AF_ALG"'),
    [
      '4:16: deny[0].arguments: "sockt:AF_ALG" names no call whose argument is known (did you mean socket?)',
    ],
  ],
  [
    'an unknown argument',
    rule('deny', 'name: a\n    arguments: "clone:CLONE_VM"'),
    ['4:16: deny[0].arguments: "clone:CLONE_VM" names no argument of clone'],
  ],
  [
    'a port that is too high',
    rule('deny', 'name: a\n    ports: [443, 80000]'),
    ['4:18: deny[0].ports[1]: "80000" is above 65535; expected a port'],
  ],
  [
    'a range that runs back',
    rule('deny', 'name: a\n    ports: 20-10'),
    ['4:12: deny[0].ports: "20-10" ends before it begins'],
  ],
  [
    'a negative port',
    rule('deny', 'name: a\n    ports: -1'),
    ['4:12: deny[0].ports: "-1" is no port'],
  ],
  [
    'a broken address',
    rule('deny', 'name: a\n    addresses: [10.0.0, "::1"]'),
    ['4:17: deny[0].addresses[0]: "10.0.0" is no IP address'],
  ],
  [
    'an octal address',
    rule('deny', 'name: a\n    addresses: 010.0.0.1'),
    ['4:16: deny[0].addresses: "010.0.0.1" is no IP address'],
  ],
  [
    'a prefix that is too long',
    rule('deny', 'name: a\n    addresses: 10.0.0.0/33'),
    ['4:16: deny[0].addresses: "10.0.0.0/33" has a prefix of more than 32 bits'],
  ],
  [
    'bits behind the prefix',
    rule('deny', 'name: a\n    addresses: 10.1.2.3/8'),
    ['4:16: deny[0].addresses: "10.1.2.3/8" has bits behind its prefix; its network is 10.0.0.0/8'],
  ],
  [
    'an unknown capability',
    rule('deny', 'name: a\n    capabilities: CAP_SYS_ADMN'),
    ['4:19: deny[0].capabilities: "CAP_SYS_ADMN" is no capability (did you mean CAP_SYS_ADMIN?)'],
  ],
  [
    'an unknown operation',
    rule('deny', 'name: a\n    opcodes: 256'),
    ['4:14: deny[0].opcodes: "256" is no operation of io_uring'],
  ],
  [
    'an unknown ABI',
    rule('deny', 'name: a\n    abis: x86'),
    ['4:11: deny[0].abis: "x86" is no known word'],
  ],
  [
    'an unknown lineage',
    rule('deny', 'name: a\n    kind: exec\n    lineages: [mian]'),
    ['5:16: deny[0].lineages[0]: "mian" is no lineage (did you mean main?)'],
  ],
  [
    'a label without a value',
    rule('deny', 'name: a\n    kind: exec\n    labels: tier'),
    ['5:13: deny[0].labels: "tier" is no label'],
  ],
  [
    'a short digest',
    rule('deny', 'name: a\n    kind: exec\n    images: "sha256:ab"'),
    ['5:13: deny[0].images: "sha256:ab" is no digest'],
  ],
  [
    'a backslash in a path',
    rule('deny', "name: a\n    paths: 'C:\\x'"),
    ['4:12: deny[0].paths: "C:\\\\x" has a backslash that escapes nothing'],
  ],
  [
    'an empty list',
    rule('deny', 'name: a\n    ports: []'),
    ['4:12: deny[0].ports: is an empty list; expected at least one value'],
  ],
  [
    'nothing behind a field',
    rule('deny', 'name: a\n    ports:'),
    ['4:11: deny[0].ports: is empty; expected a port'],
  ],
  [
    'a truth value',
    rule('deny', 'name: a\n    paths: true'),
    ['4:12: deny[0].paths: is the truth value true, not a text: put it in quotes'],
  ],
  [
    'fields that never meet',
    rule('deny', 'name: a\n    paths: /x\n    ports: 1'),
    ['5:12: deny[0].ports: never comes together with paths'],
  ],
  [
    'a field of another kind',
    rule('deny', 'name: a\n    kind: [connect, exec]\n    ports: 1'),
    ['5:12: deny[0].ports: says nothing of kind exec; expected kind: connect, listen'],
  ],
  [
    'programs of a sensor',
    rule('deny', 'name: a\n    kind: sensor\n    programs: x'),
    ['5:15: deny[0].programs: says nothing of kind sensor'],
  ],
  [
    'a rule about everything',
    rule('deny', 'name: a\n    images: nginx'),
    ['3:5: deny[0]: matches everything; expected a kind'],
  ],
  [
    'an allowance of either',
    rule('allow', 'name: a\n    ports: 80'),
    [
      '3:5: allow[0]: does not say what it allows; expected kind: and one or several of connect, listen',
    ],
  ],
  [
    'names of two rules',
    'version: 1\ndeny: [{name: a, kind: exec}]\nallow: [{name: a, kind: connect, ports: 1}]\n',
    ['3:16: allow[0].name: "a" is the name of deny[0] already'],
  ],
  [
    'a severity that is none',
    'version: 1\nseverity: [{is: bad, kind: exec}]\n',
    ['2:17: severity[0].is: "bad" is unknown; expected one of info,'],
  ],
  [
    'a response without action',
    'version: 1\nresponses: [{severity: high}]\n',
    ['2:13: responses[0].action: is missing; expected one of alert,'],
  ],
  [
    'a misspelt action',
    'version: 1\nresponses: [{action: freze}]\n',
    ['2:22: responses[0].action: "freze" is unknown (did you mean freeze?)'],
  ],
  [
    'a misspelt protection',
    'version: 1\nprotected: {container: x}\n',
    ['2:13: protected.container: is unknown (did you mean containers?)'],
  ],
  [
    'an argument never learned',
    'version: 1\nneverLearn: [chmod, "socket:AF_X"]\n',
    ['2:21: neverLearn[1]: "socket:AF_X" names no argument'],
  ],
  [
    'something else unknown',
    'version: 1\nunknownImages: yes\n',
    ['2:16: unknownImages: "yes" is unknown; expected one of learn, alert, ignore'],
  ],
  [
    'several at once, in the order of the file',
    'version: 1\nallow:\n  - name: a\n    kind: connect\n    ports: [1, x, 2-1]\nDeny: []\nresponses:\n  - action: no\n',
    [
      '5:16: allow[0].ports[1]',
      '5:19: allow[0].ports[2]',
      '6:1: Deny',
      '8:13: responses[0].action',
    ],
  ],
  [
    'what an alias repeats, where it is written',
    'version: 1\ndeny:\n  - {name: a, ports: &p [x]}\n  - {name: b, ports: *p}\n',
    ['3:26: deny[0].ports[0]', '3:26: deny[1].ports[0]'],
  ],
]

/** A file with one rule in that list. */
function rule(list: string, fields: string): string {
  return `version: 1\n${list}:\n  - ${fields}\n`
}

t.test('each mistake is told with line, column and field, and no other is made up', async (t) => {
  for (const [name, text, expected] of MALFORMED) {
    const { policy, problems } = readPolicy(text)
    t.equal(policy, undefined, name)
    const found = problems.map(problemText)
    t.equal(found.length, expected.length, `${name}: ${found.join(' | ')}`)
    for (const [at, begin] of expected.entries()) {
      const line = found[at] ?? ''
      t.ok(
        typeof begin === 'string' ? line.startsWith(begin) : begin.test(line),
        `${name}: ${line}`,
      )
      t.equal(problems[at]?.severity, 'error', name)
    }
  }
})

t.test('text of the file is escaped and cut before it is shown', async (t) => {
  const { problems } = readPolicy(rule('deny', `name: "\\e[31m${'x'.repeat(300)}"\n    kind: exec`))
  const text = problems.map(problemText).join('\n')
  t.match(text, /deny\[0\]\.name: "\\u001b\[31mx{1,60}\.\.\. has control characters/)
  t.notOk(text.includes('\u001b'))
  t.match(readPolicy('version: 1\n"\u202ex": 1\n').problems[0]?.field, /^"\\u202ex"$/)
})

t.test('files made to cost much are refused, with few problems and soon', async (t) => {
  const repeated = Array.from({ length: 12 }, (_, level) =>
    level === 0 ? 'a0: &a0 [x, x, x]' : `a${level}: &a${level} [${`*a${level - 1}, `.repeat(9)}]`,
  )
  const cases: readonly [string, string, RegExp][] = [
    ['anchors', `version: 1\n${repeated.join('\n')}\n`, /repeats too much/],
    ['brackets', `version: 1\ndeny: ${'['.repeat(20_000)}`, /nested more than 16 levels/],
    ['levels', `version: 1\ndeny: ${'['.repeat(40)}${']'.repeat(40)}\n`, /nested more than 16/],
    ['keys', Array.from({ length: 20_000 }, (_, i) => `k${i}: 1\n`).join(''), /is unknown/],
    ['rules', `version: 1\ndeny:\n${'- x\n'.repeat(5000)}`, /at most 4096/],
    ['values', rule('deny', `name: a\n    ports: [${'1, '.repeat(1100)}]`), /at most 1024/],
    ['a value', rule('deny', `name: a\n    paths: ${'a*'.repeat(300)}`), /more than 512/],
  ]
  for (const [name, text, problem] of cases) {
    const { policy, problems } = readPolicy(text)
    t.equal(policy, undefined, name)
    t.ok(problems.length >= 1 && problems.length <= 100, `${name}: ${problems.length}`)
    t.ok(
      problems.some((one) => problem.test(problemText(one))),
      `${name}: ${problems[0]?.problem}`,
    )
  }
})

t.test(
  'rules that can never speak, and those that open more than may be meant, are told',
  async (t) => {
    const text = [
      'version: 1',
      'hardDeny:',
      '  - {name: kernel, syscalls: [mount, bpf]}',
      'deny:',
      '  - {name: nets, addresses: [10.0.0.0/8, 192.168.0.0/16]}',
      '  - {name: net, addresses: 10.0.0.0/8, ports: 443, images: nginx}',
      '  - {name: other, addresses: 172.16.0.0/12}',
      '  - {name: tools, programs: nc, syscalls: socket}',
      'allow:',
      '  - {name: mounts, syscalls: mount}',
      '  - {name: namespaces, arguments: "unshare:*"}',
      '  - {name: escape, syscalls: [setns, ptrace], images: debugger}',
      '  - {name: vm, arguments: "socket:AF_VSOCK"}',
      '  - {name: own, syscalls: chmod}',
      '  - {name: out, kind: connect}',
      '  - {name: admin, capabilities: SYS_ADMIN}',
      'neverLearn: [chmod]',
      'responses:',
      '  - {severity: high, action: freeze}',
      '  - {severity: critical, action: kill}',
      '',
    ].join('\n')
    const { policy, problems } = readPolicy(text)
    t.ok(policy)
    t.ok(problems.every(({ severity }) => severity === 'warning'))
    const found = problems.map((problem) => `${problem.line}: ${problem.field}: ${problem.problem}`)
    t.strictSame(found, [
      '6: deny[1]: can never speak: the rule nets does before it',
      '8: deny[3].programs: speaks only where the program is known, and of kind syscall, argument, abi, denied that is the first one only',
      '10: allow[0]: can never speak: the rule kernel does before it',
      '10: allow[0]: opens what is never learned: mount, aarch64:mount',
      '12: allow[2]: opens what is never learned: ptrace, setns, aarch64:ptrace, aarch64:setns',
      '13: allow[3]: opens what is never learned: socket:AF_VSOCK,SOCK_STREAM, socket:AF_VSOCK,SOCK_DGRAM, socket:AF_VSOCK,SOCK_RAW, socket:AF_VSOCK,SOCK_RDM and 16 more',
      '14: allow[4]: opens what is never learned: chmod',
      '15: allow[5]: allows every connect of every image',
      '16: allow[6]: opens what is never learned: CAP_SYS_ADMIN',
      '20: responses[1]: is never come to: responses[0] is about all of it',
    ])
  },
)

t.test('the policy that ships has no errors and no warnings', async (t) => {
  const { policy, problems } = readPolicy(readFileSync('profiles/policy.yaml', 'utf8'))
  t.strictSame(problems, [])
  t.ok((policy?.hardDeny.length ?? 0) > 3)
  t.ok(policy?.responses.every(({ action }) => action === 'alert'))
})
