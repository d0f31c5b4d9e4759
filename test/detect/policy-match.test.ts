/** The matchers of rules, one by one: patterns, paths, addresses, ports, calls, arguments, scopes. */
import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import t from 'tap'
import { type ByteString, byteStringOf } from '../../src/bytes.js'
import type { Subject } from '../../src/detect/anomaly.js'
import { addressBytes, isWithin, parseNetwork } from '../../src/detect/policy-address.js'
import { imageForms } from '../../src/detect/policy-image.js'
import { isPlainPath, plainPath } from '../../src/detect/policy-path.js'
import { type Pattern, parsePattern, type PatternForm } from '../../src/detect/policy-pattern.js'
import { parsePorts } from '../../src/detect/policy-ports.js'
import type { PolicyScope } from '../../src/detect/policy-scope.js'
import { workloadScopeOf } from '../../src/detect/policy-scope.js'
import {
  ARGUMENT_CALLS,
  argumentLabel,
  CLONE_NAMESPACES,
  OTHER_VALUE,
} from '../../src/kernel/arguments.js'
import { argumentValues, isAmong } from '../../src/kernel/argument-text.js'
import * as policies from '../support/policies.js'
import { bytes, policyOf, SCOPE } from '../support/policies.js'

function pattern(text: string, form: PatternForm = 'path'): Pattern {
  const parsed = parsePattern(text, form)
  if ('problem' in parsed) throw new Error(parsed.problem)
  return parsed.pattern
}

t.test(
  'stars match within a component, double stars across, and a whole one also nothing',
  async (t) => {
    const cases: readonly [string, readonly string[], readonly string[]][] = [
      ['/bin/sh', ['/bin/sh'], ['/bin/s', '/bin/shh', 'bin/sh', '']],
      ['/usr/bin/*', ['/usr/bin/x', '/usr/bin/'], ['/usr/bin', '/usr/bin/x/y']],
      ['/usr/**', ['/usr/', '/usr/x', '/usr/x/y'], ['/usr', '/us/x', '/x/usr/y']],
      ['/usr/**/x', ['/usr/x', '/usr/a/x', '/usr/a/b/x'], ['/usr/ax', '/usrx', '/usr/x/y']],
      ['**/sh', ['sh', '/sh', '/bin/sh', 'a/b/sh'], ['/bin/ash', '/bin/sh/']],
      ['/**/sh', ['/sh', '/bin/sh'], ['sh', '/bin/ash']],
      ['**/**/sh', ['sh', '/sh', '/a/b/sh'], ['ash']],
      ['**', ['', 'a', '/a/b'], []],
      ['*', ['', 'a'], ['/', 'a/b']],
      ['***', ['', 'a/b'], []],
      ['a**b', ['ab', 'a/x/b', 'abab'], ['ba', 'a']],
      ['/lib*/*.so.*', ['/lib64/a.so.6', '/lib/a.so.'], ['/lib/x/a.so.6', '/lib/a.so']],
      ['\\*\\\\\\x0a', ['*\\\n'], ['x\\\n']],
      ['/tmp/\u00e9*', ['/tmp/\u00e9t\u00e9'], ['/tmp/e']],
    ]
    for (const [text, matching, others] of cases) {
      for (const one of matching) t.ok(pattern(text).matches(bytes(one)), `${text} ${one}`)
      for (const one of others) t.notOk(pattern(text).matches(bytes(one)), `${text} not ${one}`)
    }
    t.ok(pattern('/a/**/').matches(bytes('/a/')) && pattern('**/').matches(bytes('')))
    t.ok(pattern('reg.example/*:1.*', 'name').matches(bytes('reg.example/a/b:1.2')))
    for (const odd of ['\\', 'a\\n', '\\x0', '\\xZZ'])
      t.ok('problem' in parsePattern(odd, 'path'), odd)
  },
)

/** The same pattern as a regular expression. */
function naive(text: string, form: PatternForm): RegExp {
  const source = text.replaceAll(
    /(?<=^|\/)(?:\*\*\/)+|\*\*+|\*|\\(.)|[^*\\]/gs,
    (part: string, escaped: string | undefined) => {
      if (escaped !== undefined) return `\\${escaped}`
      if (!part.startsWith('*')) return part === '/' ? '/' : `[${part}]`
      if (form === 'path' && part.endsWith('/')) return '(?:[^]*/)?'
      if (part.endsWith('/')) return '[^]*/'.repeat(part.length / 3)
      return part.length > 1 || form === 'name' ? '[^]*' : '[^/]*'
    },
  )
  return new RegExp(`^${source}$`)
}

t.test('patterns agree with the same as regular expressions', async (t) => {
  const part = fc.constantFrom('a', 'b', '/', '*', '**', '**/', '/**/', '\\*')
  const texts = fc.array(fc.constantFrom('a', 'b', '/', '*'), { maxLength: 14 })
  fc.assert(
    fc.property(
      fc.array(part, { maxLength: 8 }),
      texts,
      fc.constantFrom<PatternForm>('path', 'name'),
      (parts, chars, form) => {
        const text = parts.join('')
        const subject = chars.join('')
        const expected = naive(text, form).test(subject)
        if (pattern(text, form).matches(bytes(subject)) !== expected) {
          throw new Error(`${form} ${text} ${subject} ${expected}`)
        }
      },
    ),
    { numRuns: 20_000 },
  )
  t.pass('20000 patterns')
})

t.test('a long path costs its length times that of the pattern, whatever they are', async (t) => {
  const steps = 'a/'.repeat(32 * 1024)
  const run = 'a'.repeat(64 * 1024)
  // Each ends as its pattern does, so that all of it has to be looked at.
  const hostile: readonly [string, ByteString][] = [
    ['**/a**b**c', bytes(`/${steps}c`)],
    ['**x**a**a**a**a**a**a**a**ab', bytes(`${run}b`)],
    ['*a*a*a*a*a*a*a*a*a*a*a*a*xa*b', bytes(`${run}b`)],
    [`${'**/a/'.repeat(20)}x/**/b`, bytes(`/${steps}b`)],
    [`${'**/*a'.repeat(90)}x**b`, bytes(`/${steps}b`)],
  ]
  for (const [text, subject] of hostile) {
    const one = pattern(text)
    const from = process.hrtime.bigint()
    t.notOk(one.matches(subject), text.slice(0, 30))
    const ms = Number(process.hrtime.bigint() - from) / 1e6
    // 64 Ki bytes times at most 512 places, at some nanoseconds each.
    t.ok(ms < 1500, `${text.slice(0, 30)}: ${ms.toFixed(1)} ms`)
  }
})

t.test(
  'paths with dots, doubled slashes or links to nowhere are told from plain ones',
  async (t) => {
    for (const path of ['/a/../b', '..', './x', '/a/.', '/a//b', '/a/..']) {
      t.notOk(isPlainPath(bytes(path)), path)
    }
    for (const path of ['/a/b', 'x', '/..x/.y', 'memfd:x (deleted)', '/a/']) {
      t.ok(isPlainPath(bytes(path)), path)
    }
    t.equal(plainPath(bytes('/usr/bin/../../tmp//./x')), '/tmp/x')
    t.equal(plainPath(bytes('../../x')), 'x')
  },
)

t.test(
  'a path that only looks like one below another is denied, and allowed by no pattern',
  async (t) => {
    const policy = policyOf(
      "hardDeny: [{name: no, paths: '/tmp/**'}]\nallow: [{name: yes, paths: ['/usr/bin/**', ./run]}]",
    )
    const layer = (path: string): string | undefined =>
      policy.decide(policies.exec(path), SCOPE)?.layer
    t.equal(layer('/usr/bin/x'), 'allow')
    t.equal(layer('/usr/bin/../../tmp/x'), 'hard-deny')
    t.equal(layer('/usr/bin/../../home/x'), undefined)
    t.equal(layer('/usr/bin/./x'), undefined)
    t.equal(layer('./run'), 'allow', 'a literal one is what was written')
  },
)

const ADDRESS = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.ipV4().map((ip) => `::ffff:${ip}`),
  fc.constantFrom('10.0.0.1', '10.0.0.2', '::', '::1', 'fe80::1'),
)

t.test('networks agree with those of ipaddr.js', async (t) => {
  fc.assert(
    fc.property(ADDRESS, ADDRESS, fc.nat(128), fc.boolean(), (base, other, prefix, near) => {
      const start = ipaddr.process(base)
      const bits = prefix % (start.toByteArray().length * 8 + 1)
      const network = ipaddr.fromByteArray(
        start.toByteArray().map((byte, at) => {
          const kept = Math.min(Math.max(bits - at * 8, 0), 8)
          return byte & (0xff00 >> kept) & 0xff
        }),
      )
      const parsed = parseNetwork(`${network.toString()}/${bits}`)
      if (!('network' in parsed))
        throw new Error(`${network.toString()}/${bits}: ${parsed.problem}`)
      const subject = near ? base : other
      const address = ipaddr.process(subject)
      const expected =
        address.kind() === network.kind() &&
        (address as ipaddr.IPv4).match(network as ipaddr.IPv4, bits)
      const given = addressBytes(subject)
      if (given === undefined || isWithin(parsed.network, given) !== expected) {
        throw new Error(`${subject} in ${network.toString()}/${bits}`)
      }
    }),
    { numRuns: 5000 },
  )
  t.pass('5000 pairs')
})

t.test('mapped addresses are IPv4, scopes are left out, and half an address is none', async (t) => {
  const within = (network: string, address: string): boolean => {
    const parsed = parseNetwork(network)
    const given = addressBytes(address)
    return 'network' in parsed && given !== undefined && isWithin(parsed.network, given)
  }
  t.ok(within('10.0.0.0/8', '::ffff:10.1.2.3'))
  t.ok(within('::ffff:10.0.0.0/104', '10.1.2.3'))
  t.ok(within('fe80::/10', 'fe80::1%eth0'))
  t.ok(within('0.0.0.0/0', '1.2.3.4'))
  t.notOk(within('0.0.0.0/0', '::1'), 'all of IPv4 is nothing of IPv6')
  t.ok(within('::/0', '::1'))
  for (const odd of [
    '10.1',
    '0x7f.0.0.1',
    '1.2.3.4/',
    '1.2.3.4/x',
    '::ffff:1.2.3.4/90',
    'a%b',
    '1.2.3.4/-1',
  ]) {
    t.ok('problem' in parseNetwork(odd), odd)
  }
  t.equal(addressBytes('10.1'), undefined)
})

t.test('ports agree with the numbers from their first to their last', async (t) => {
  fc.assert(
    fc.property(fc.nat(65_535), fc.nat(65_535), fc.nat(65_535), (a, b, port) => {
      const [from, to] = a < b ? [a, b] : [b, a]
      const parsed = parsePorts(from === to ? `${from}` : `${from}-${to}`)
      if (!('ports' in parsed)) throw new Error(parsed.problem)
      const { ports } = parsed
      if ((port >= ports.from && port <= ports.to) !== (from <= port && port <= to))
        throw new Error()
    }),
  )
  for (const odd of ['', '1-', '-1', '1-2-3', '65536', '0x10', '1.5', '9999999999', '2-1']) {
    t.ok('problem' in parsePorts(odd), odd)
  }
})

t.test('every argument is found again by its own words', async (t) => {
  const values = fc.oneof(
    fc.integer({ min: 0, max: 50 * 16 }),
    fc.nat().map((flags) => flags & CLONE_NAMESPACES),
    fc.constantFrom(OTHER_VALUE, 0x5961_6d61, 0x40000),
  )
  fc.assert(
    fc.property(fc.constantFrom(...ARGUMENT_CALLS), values, (name, value) => {
      const packed = name === 'clone' || name === 'unshare' ? value & CLONE_NAMESPACES : value
      const words = argumentLabel(name, packed)
      const found = argumentValues(name, words)
      if (found === undefined || !isAmong(found, packed)) throw new Error(`${name} ${words}`)
    }),
    { numRuns: 3000 },
  )
  const query = argumentValues('personality', 'query')
  t.ok(query !== undefined && isAmong(query, 0xffff_ffff))
  for (const [name, words] of [
    ['socket', ''],
    ['socket', 'AF_NONE'],
    ['clone', 'CLONE_NEWNS|'],
    ['prctl', 'option 99999999999'],
    ['personality', '0xg'],
  ] as const) {
    t.equal(argumentValues(name, words), undefined, words)
  }
})

/** A rule's fields, subjects that it is about, and subjects that it is not. */
type FieldCase = readonly [string, readonly Subject[], readonly Subject[]]

const { argument, call, capability, connect, denied, exec, foreign, listen, operation } = policies
const AF_ALG = 38 * 16 + 5
const AF_INET_RAW = 2 * 16 + 3
const NEWNS = 0x2_0000
const NEWUSER = 0x1000_0000

t.test(
  'each field of a denying rule is about what it says, in every kind that has it',
  async (t) => {
    const cases: readonly FieldCase[] = [
      [
        'syscalls: chmod',
        [
          call('chmod'),
          call('i386:chmod'),
          call('x32:chmod'),
          denied('chmod'),
          foreign('i386:chmod'),
        ],
        [call('fchmod'), exec('/bin/chmod'), { kind: 'syscall', abi: 'arm', nr: 90 }],
      ],
      ['syscalls: "i386:chmod"', [call('i386:chmod')], [call('chmod'), call('x32:chmod')]],
      ['syscalls: "x86_64:700?"', [{ kind: 'syscall', abi: 'x86_64', nr: 700 }], [call('read')]],
      [
        'syscalls: "@critical"',
        [call('bpf'), call('i386:umount')],
        [call('ptrace'), call('chmod')],
      ],
      [
        'syscalls: "@high"',
        [call('ptrace'), { kind: 'syscall', abi: 'arm', nr: 1 }],
        [call('bpf')],
      ],
      ['syscalls: "@unknown"', [{ kind: 'syscall', abi: 'x86_64', nr: 900 }], [call('read')]],
      ['syscalls: "@never-learned"', [call('setns'), call('i386:setns')], [call('clone')]],
      ['syscalls: [read, "@cross-process"]', [call('read'), call('pidfd_getfd')], [call('write')]],
      ['abis: [i386, x32]', [foreign('i386:read'), call('x32:read')], [call('read')]],
      ['{abis: i386, syscalls: chmod}', [call('i386:chmod')], [call('chmod'), call('i386:read')]],
      [
        'arguments: "socket:AF_ALG"',
        [argument('socket', AF_ALG), argument('i386:socket', AF_ALG)],
        [
          argument('socket', AF_INET_RAW),
          argument('socketpair', AF_ALG),
          argument('socket', OTHER_VALUE),
        ],
      ],
      [
        'arguments: "socket:SOCK_RAW"',
        [argument('socket', AF_INET_RAW)],
        [argument('socket', AF_ALG)],
      ],
      [
        'arguments: "socket:AF_INET,SOCK_RAW"',
        [argument('socket', AF_INET_RAW)],
        [argument('socket', AF_ALG)],
      ],
      [
        'arguments: "socket:other"',
        [argument('socket', OTHER_VALUE)],
        [argument('socket', AF_ALG)],
      ],
      [
        'arguments: "clone:CLONE_NEWUSER"',
        [argument('clone', NEWUSER), argument('clone', NEWUSER | NEWNS)],
        [argument('clone', NEWNS), argument('unshare', NEWUSER), argument('clone', 0)],
      ],
      ['arguments: "clone:no,namespace"', [argument('clone', 0)], [argument('clone', NEWNS)]],
      ['arguments: "unshare:*"', [argument('unshare', 0), argument('unshare', OTHER_VALUE)], []],
      ['arguments: "@critical"', [argument('socket', AF_ALG)], [argument('clone', 0)]],
      ['arguments: "prctl:option,99"', [argument('prctl', 99)], [argument('prctl', 15)]],
      [
        'paths: /bin/sh',
        [exec('/bin/sh'), exec('/bin/sh', { upper: true }), exec('/bin/sh', { fileless: true })],
        [exec('/bin/bash')],
      ],
      ['paths: x', [exec('', { exe: bytes('x') })], [exec('/bin/x')]],
      [
        'addresses: [10.0.0.0/8, "2001:db8::/32"]',
        [connect('tcp:10.1.1.1:1'), listen('udp:10.1.1.1:1'), connect('tcp:2001:db8::9:80')],
        [connect('tcp:11.0.0.1:1'), connect('unix:10.0.0.1'), connect('tcp:nonsense:1')],
      ],
      [
        'ports: [53, 8000-8099]',
        [connect('udp:1.1.1.1:53'), listen('tcp:::8050')],
        [connect('tcp:1.1.1.1:54'), connect('unix:/x')],
      ],
      ['{ports: 0, protocols: udp}', [listen('udp:::0')], [listen('tcp:::0')]],
      ['protocols: unix', [connect('unix:/x')], [connect('tcp:1.1.1.1:1')]],
      ['sockets: "/run/**"', [connect('unix:/run/a/b')], [connect('unix:/var/run/a')]],
      ['sockets: "@x*"', [connect('unix:\u0000xy')], [connect('unix:@xy')]],
      [
        'capabilities: [NET_ADMIN, CAP_BPF, 40]',
        [capability('CAP_NET_ADMIN'), capability('CAP_BPF'), capability('CAP_CHECKPOINT_RESTORE')],
        [capability('CAP_KILL')],
      ],
      [
        'opcodes: [CONNECT, IORING_OP_SOCKET, 200]',
        [operation('CONNECT'), operation('SOCKET'), { kind: 'io_uring', opcode: 200 }],
        [operation('NOP')],
      ],
      [
        'troubles: gap',
        [{ kind: 'sensor', what: 'gap', detail: '' }],
        [{ kind: 'sensor', what: 'lost', detail: '' }],
      ],
      [
        'resources: cpu',
        [{ kind: 'resource', resource: 'cpu', value: 2, learned: 1 }],
        [{ kind: 'resource', resource: 'pids', value: 2, learned: 1 }],
      ],
      [
        'kind: drift',
        [exec('/x', { upper: true })],
        [exec('/x'), exec('/x', { upper: true, fileless: true })],
      ],
      ['{kind: denied, syscalls: bpf}', [denied('bpf')], [call('bpf')]],
    ]
    for (const [fields, matching, others] of cases) {
      const inner = fields.startsWith('{') ? fields.slice(1, -1) : fields
      const policy = policyOf(`deny: [{name: rule, ${inner}}]`)
      const speaks = (subject: Subject): boolean => policy.decide(subject, SCOPE) !== undefined
      for (const subject of matching) t.ok(speaks(subject), `${fields} ${JSON.stringify(subject)}`)
      for (const subject of others)
        t.notOk(speaks(subject), `${fields} not ${JSON.stringify(subject)}`)
    }
  },
)

t.test('an allowing rule opens no more than it says', async (t) => {
  const cases: readonly FieldCase[] = [
    [
      'syscalls: chmod',
      [call('chmod')],
      [call('i386:chmod'), denied('chmod'), foreign('i386:chmod')],
    ],
    ['abis: i386, syscalls: chmod, kind: syscall', [call('i386:chmod')], [call('chmod')]],
    ['syscalls: "@high"', [call('ptrace')], [{ kind: 'syscall', abi: 'x86_64', nr: 900 }]],
    ['syscalls: unshare', [call('unshare')], [argument('unshare', NEWUSER)]],
    [
      'arguments: "clone:CLONE_NEWUSER"',
      [argument('clone', NEWUSER)],
      [argument('clone', NEWUSER | NEWNS)],
    ],
    ['arguments: "@high"', [argument('socket', AF_INET_RAW)], [argument('socket', OTHER_VALUE)]],
    [
      'paths: /bin/sh',
      [exec('/bin/sh')],
      [exec('/bin/sh', { upper: true }), exec('/bin/sh', { fileless: true })],
    ],
    [
      'paths: /bin/sh, kind: [exec, drift]',
      [exec('/bin/sh', { upper: true })],
      [exec('/bin/sh', { fileless: true })],
    ],
    ['kind: connect, ports: 53', [connect('udp:1.1.1.1:53')], [listen('udp:::53')]],
  ]
  for (const [fields, matching, others] of cases) {
    const policy = policyOf(`allow: [{name: rule, ${fields}}]`)
    const speaks = (subject: Subject): boolean => policy.decide(subject, SCOPE) !== undefined
    for (const subject of matching) t.ok(speaks(subject), `${fields} ${JSON.stringify(subject)}`)
    for (const subject of others)
      t.notOk(speaks(subject), `${fields} not ${JSON.stringify(subject)}`)
  }
})

/** Fields, what differs in the scope, and whether a denying and an allowing rule with them speak. */
type ScopeCase = readonly [string, Partial<PolicyScope>, boolean, boolean]

t.test('scopes: what is not known of a container is decided against the workload', async (t) => {
  const none: ReadonlyMap<string, string> = new Map()
  const cases: readonly ScopeCase[] = [
    ['images: nginx', {}, true, true],
    ['images: "nginx:1.*"', {}, true, true],
    ['images: "nginx:1.26"', {}, false, false],
    ['images: docker.io/library/nginx', {}, true, true],
    ['images: [redis, "docker.io/*"]', {}, true, true],
    ['images: nginx', { imageName: 'evil.example/nginx:1.27' }, false, false],
    ['images: "*"', { imageName: undefined }, true, true],
    ['images: nginx', { imageName: undefined }, true, false],
    [`images: "sha256:${'ab'.repeat(6)}"`, {}, true, true],
    [`images: "sha256:${'ac'.repeat(6)}"`, {}, false, false],
    [`images: "sha256:${'ab'.repeat(6)}"`, { imageDigest: undefined }, true, false],
    ['containers: "web-*"', {}, true, true],
    ['containers: "db-*"', {}, false, false],
    ['containers: "db-*"', { containerName: undefined }, true, false],
    ['labels: tier=prod', {}, true, true],
    ['labels: tier=p*', {}, true, true],
    ['labels: [tier=test, tier=prod]', {}, true, true],
    ['labels: tier=test', {}, false, false],
    ['labels: tier=prod', { labels: none }, false, false],
    ['labels: tier=test', { labels: undefined }, true, false],
    ['lineages: [main, exec]', {}, true, true],
    ['lineages: exec', {}, false, false],
    ['programs: nginx', {}, true, true],
    ['programs: "ngi*"', {}, true, true],
    ['programs: "/usr/**"', {}, true, true],
    ['programs: "/opt/**"', {}, false, false],
    ['programs: nginx', { exe: bytes('') }, false, false],
    ['programs: "/usr/**"', { path: bytes('') }, false, false],
    ['programs: "/usr/**"', { path: bytes('/usr/../tmp/x') }, true, false],
    ['images: nginx, containers: "db-*"', {}, false, false],
  ]
  for (const [fields, differs, denies, allows] of cases) {
    const scope = { ...SCOPE, ...differs }
    const name = `${fields} ${JSON.stringify(differs)}`
    const deny = policyOf(`deny: [{name: rule, kind: connect, ${fields}}]`)
    t.equal(deny.decide(connect('tcp:1.1.1.1:1'), scope) !== undefined, denies, `deny ${name}`)
    const allow = policyOf(`allow: [{name: rule, kind: connect, ${fields}}]`)
    t.equal(allow.decide(connect('tcp:1.1.1.1:1'), scope) !== undefined, allows, `allow ${name}`)
  }
})

t.test('a program that starts is its own program, where none is known yet', async (t) => {
  const policy = policyOf('deny: [{name: rule, kind: exec, programs: "python*"}]')
  const scope = { ...SCOPE, exe: bytes(''), path: bytes('') }
  t.ok(policy.decide(exec('/srv/run', { exe: bytes('python3.12') }), scope))
  t.notOk(policy.decide(exec('/srv/run'), scope))
})

t.test(
  'what is no container has no name and no labels, what is one may not be known yet',
  async (t) => {
    const facts = {
      runtime: '',
      containerId: '',
      containerName: '',
      imageDigest: '',
      imageName: '/bin/true',
      cgroupId: 1,
    }
    const unit = workloadScopeOf(facts, undefined)
    t.equal(unit.containerName, '')
    t.equal(unit.labels?.size, 0)
    const container = workloadScopeOf(
      { ...facts, containerId: 'ab'.repeat(32), imageName: '' },
      undefined,
    )
    t.strictSame(container, {
      imageName: undefined,
      imageDigest: undefined,
      containerName: undefined,
      labels: undefined,
    })
  },
)

t.test('an image goes by its short and its full name, and by no other registry', async (t) => {
  t.strictSame(imageForms('nginx').toSorted(), [
    'docker.io/library/nginx',
    'docker.io/library/nginx:latest',
    'nginx',
    'nginx:latest',
  ])
  t.ok(imageForms('docker.io/library/nginx:1').includes('nginx:1'))
  t.ok(imageForms('docker.io/a/b:1').includes('a/b'))
  t.ok(imageForms('localhost/x:2').includes('x:2'))
  t.strictSame(imageForms('reg:5000/x').toSorted(), ['reg:5000/x', 'reg:5000/x:latest'])
  t.strictSame(imageForms('reg.io/x@sha256:ab').toSorted(), ['reg.io/x', 'reg.io/x@sha256:ab'])
})

t.test('bytes that are no text can be named by their numbers', async (t) => {
  const path = byteStringOf(Uint8Array.from([0x2f, 0xff, 0x0a]))
  t.ok(pattern('/\\xff\\x0a').matches(path))
  t.ok(pattern('/*').matches(path))
})
