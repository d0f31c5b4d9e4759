import t from 'tap'
import {
  ARRIVED_MS,
  callKey,
  decoded,
  mapPrint,
  observationsOf,
  printf,
} from '../support/sensor-stream.js'

const MAIN = callKey(4, 2, 0, 0)
/** Readiness at the kernel's time 0. */
const READY = printf('R 0')

t.test('records of the probes are told as these observations', async (t) => {
  const moment = { atMs: ARRIVED_MS + 1, atNs: 1_000_000 }
  const at = { lineage: 'exec', cgroupId: 5, pid: 7, ppid: 6, uid: 1000, ...moment }
  const key = callKey(5, 3, 0, 0)
  const endpoint = { ...at, count: 1, truncated: false }
  const udp = { ...endpoint, protocol: 'udp', source: 'user' }
  const tcp = { ...endpoint, protocol: 'tcp', source: 'kernel', count: 0 }
  const unix = { ...endpoint, protocol: 'unix', source: 'user', port: 0 }
  const cases: readonly [name: string, record: string, observation: object][] = [
    [
      'a call',
      `S ${callKey(5, 3, 1, 11)} 7 6 1000 1000000 busybox`,
      { ...at, kind: 'syscall', abi: 'i386', nr: 11, program: 'busybox' },
    ],
    [
      'a call by x32',
      `S ${callKey(5, 3, 2, 1)} 7 6 1000 1000000 a`,
      { ...at, kind: 'syscall', abi: 'x32', nr: 1, program: 'a' },
    ],
    [
      'a call above every table',
      `S ${callKey(5, 3, 0, 1023)} 7 6 1000 1000000 a`,
      { ...at, kind: 'syscall', abi: 'x86_64', nr: 1023, program: 'a' },
    ],
    [
      'a program without a name',
      `S ${callKey(5, 3, 0, 1)} 7 6 1000 1000000 `,
      { ...at, kind: 'syscall', abi: 'x86_64', nr: 1, program: '' },
    ],
    [
      'a task that nothing tracked',
      `S ${callKey(5, 0, 0, 1)} 7 6 1000 1000000 a`,
      { ...at, kind: 'syscall', lineage: 'main', abi: 'x86_64', nr: 1, program: 'a' },
    ],
    [
      'the largest cgroup id',
      `S ${callKey(2 ** 40 - 1, 3, 0, 1)} 7 6 1000 1000000 a`,
      { ...at, kind: 'syscall', cgroupId: 2 ** 40 - 1, abi: 'x86_64', nr: 1, program: 'a' },
    ],
    [
      'an argument',
      `V ${callKey(5, 3, 1, 359)} 4294967280 7 6 1000 1000000 busybox`,
      { ...at, kind: 'argument', abi: 'i386', nr: 359, value: 4294967280, program: 'busybox' },
    ],
    [
      'a capability',
      `K ${key} 10 7 6 1000 1000000 nginx`,
      { ...at, kind: 'capability', capability: 10, program: 'nginx', count: 0 },
    ],
    [
      'the last capability that a set has room for',
      `K ${key} 63 7 6 1000 1000000 a`,
      { ...at, kind: 'capability', capability: 63, program: 'a', count: 0 },
    ],
    [
      'an operation of io_uring',
      `U ${key} 16 7 6 1000 1000000 a b`,
      { ...at, kind: 'io_uring', opcode: 16, program: 'a b', count: 0 },
    ],
    [
      // Recorded with bpftrace 0.17 from `podman exec NAME /bin/ls /`.
      'an entry',
      'A 1546833715200 15589 1000000 10 79a0ee75f12424a7 736c2f6e69622f 0 0 0 0 0 0 0',
      {
        kind: 'entry',
        cgroupId: 92198,
        lineage: 'exec',
        ...moment,
        tag: 0x79,
        pid: 15589,
        length: 10,
        hash: 0x79a0ee75f12424a7n,
        head: '/bin/ls\u0000',
      },
    ],
    [
      'TCP over IPv4',
      `N ${key} ${2 * 65536 + 443} 7 6 1000 1000000 ::ffff:10.0.0.1`,
      { ...tcp, kind: 'connect', address: '10.0.0.1', port: 443 },
    ],
    [
      'TCP over IPv6',
      `N ${key} ${2 * 65536 + 65535} 7 6 1000 1000000 2001:db8::1`,
      { ...tcp, kind: 'connect', address: '2001:db8::1', port: 65535 },
    ],
    [
      'a TCP listener',
      `N ${key} ${10 * 65536 + 80} 7 6 1000 1000000 ::`,
      { ...tcp, kind: 'listen', address: '::', port: 80 },
    ],
    [
      'UDP over IPv4',
      `D ${key} 1 2 13568 0 100007f 7 6 1000 1000000`,
      { ...udp, kind: 'connect', address: '127.0.0.1', port: 53 },
    ],
    [
      'UDP over IPv6',
      `D ${key} 1 10 13568 b80d0120 100000000000000 7 6 1000 1000000`,
      { ...udp, kind: 'connect', address: '2001:db8::1', port: 53 },
    ],
    [
      'UDP over mapped IPv4',
      `D ${key} 1 10 1 0 100007fffff0000 7 6 1000 1000000`,
      { ...udp, kind: 'connect', address: '127.0.0.1', port: 256 },
    ],
    [
      'a bound UDP port',
      `D ${key} 2 2 256 0 0 7 6 1000 1000000`,
      { ...udp, kind: 'listen', address: '0.0.0.0', port: 1 },
    ],
    [
      'a unix socket',
      `X ${key} 1 16 47 7 6 1000 1000000 /run/app.sock`,
      { ...unix, kind: 'connect', address: '/run/app.sock' },
    ],
    [
      'a unix socket that is bound',
      `X ${key} 2 110 47 7 6 1000 1000000 /a`,
      { ...unix, kind: 'listen', address: '/a' },
    ],
    [
      'a unix path with more behind its end',
      `X ${key} 1 6 47 7 6 1000 1000000 /run/app.sock`,
      { ...unix, kind: 'connect', address: '/run' },
    ],
    [
      'an abstract name',
      `X ${key} 1 7 0 7 6 1000 1000000 busy rest`,
      { ...unix, kind: 'connect', address: '\u0000busy' },
    ],
    [
      'an abstract name without bytes',
      `X ${key} 1 3 0 7 6 1000 1000000 rest`,
      { ...unix, kind: 'connect', address: '\u0000' },
    ],
    [
      'an address of the length 0',
      `X ${key} 1 0 47 7 6 1000 1000000 rest`,
      { ...unix, kind: 'connect', address: '' },
    ],
    [
      'a cgroup',
      'G 5 1000000 /pod/a b',
      { kind: 'cgroup', event: 'created', cgroupId: 5, path: '/pod/a b', atMs: ARRIVED_MS + 1 },
    ],
    [
      'a cgroup that went away',
      'g 5 1000000',
      { kind: 'cgroup', event: 'removed', cgroupId: 5, path: '', atMs: ARRIVED_MS + 1 },
    ],
  ]
  for (const [name, record, observation] of cases) {
    const result = decoded([READY, printf(record)])
    t.strictSame(observationsOf(result), [observation], name)
    t.equal(result.malformed, 0, `${name}: well formed`)
  }
})

t.test('each fact about an entry carries its tag, and no other fact has one', async (t) => {
  const facts = (key: string): readonly Buffer[] => [
    printf(`S ${key} 7 6 0 1 a`),
    printf(`V ${key} 33 7 6 0 1 a`),
    printf(`K ${key} 10 7 6 0 1 a`),
    printf(`U ${key} 0 7 6 0 1 a`),
    mapPrint('caps_a', [[`${key},10`, 1]]),
    mapPrint('uring_a', [[`${key},0`, 1]]),
    printf(`E ${key} 7 6 0 0 42 1 ef53 0 a`),
    printf('F 7 a'),
    printf(`N ${key} 131152 7 6 0 1 ::1`),
    printf(`D ${key} 1 2 13568 0 100007f 7 6 0 1`),
    printf(`X ${key} 1 16 47 7 6 0 1 /a`),
    mapPrint('calls_a', [[key, 1]]),
    mapPrint('args_a', [[`${key},33`, 1]]),
    mapPrint('endpoints_a', [[`${key},131152,::1`, 1]]),
  ]
  const tagsOf = (key: string): readonly unknown[] =>
    decoded(facts(key)).told.map((call) => (call[0] === 'observe' ? call[2] : call[3]))
  t.strictSame(tagsOf(callKey(4, 3, 0, 41, 200)), Array(13).fill(200))
  t.strictSame(tagsOf(callKey(4, 2, 0, 41, 200)), Array(13).fill(0), 'nor by a key that has one')
})

t.test('an entry carries of its argv only words that lie whole in it', async (t) => {
  const words = Array(8).fill('4141414141414141').join(' ')
  const headOf = (length: number): string => {
    const record = `A ${callKey(4, 3, 0, 0, 7)} 7 1 ${length} 700000000000001 ${words}`
    const [entry] = observationsOf(decoded([printf(record)]))
    return entry?.kind === 'entry' ? entry.head : 'no entry'
  }
  t.strictSame(
    [0, 1, 7, 8, 15, 16, 63, 64, 65, 100_000].map((length) => headOf(length).length),
    [0, 0, 0, 8, 8, 16, 56, 64, 64, 64],
  )
})

t.test('a container cannot spoil a record by the length it gives for an address', async (t) => {
  // Seen with bpftrace 0.17: connect(fd, addr, -1) is printed before the kernel refuses it.
  const result = decoded([READY, printf(`X ${MAIN} 1 -1 47 7 6 1000 1000000 /run/app.sock`)])
  t.strictSame([result.malformed, observationsOf(result)], [0, []])
  t.equal(
    decoded([printf(`X ${MAIN} 1 --1 47 7 6 1000 1000000 /a`)]).malformed,
    1,
    'but not by two signs',
  )
})

t.test('an exec is told once, with the parts that came', async (t) => {
  const e = (pid: number, inode = 42): Buffer =>
    printf(`E ${MAIN} ${pid} 1 0 0 ${inode} 1 ef53 0 ls`)
  const p = (pid: number, path = '/bin/ls'): Buffer => printf(`P ${pid} ${path}`)
  const f = (pid: number, exe = 'busybox'): Buffer => printf(`F ${pid} ${exe}`)
  const whole = { path: '/bin/ls', exe: 'busybox', truncated: false }
  const cases: readonly [name: string, lines: readonly Buffer[], execs: readonly object[]][] = [
    ['all three', [e(7), p(7), f(7)], [{ pid: 7, inode: 42, ...whole }]],
    [
      'two processes mixed',
      [e(7), e(8), p(8), p(7), f(7), f(8)],
      [
        { pid: 7, ...whole },
        { pid: 8, ...whole },
      ],
    ],
    ['no path', [e(7), f(7)], [{ pid: 7, path: '', exe: 'busybox' }]],
    ['no file, at the end', [e(7), p(7)], [{ pid: 7, path: '/bin/ls', exe: '' }]],
    ['only the facts', [e(7)], [{ pid: 7, path: '', exe: '' }]],
    [
      'no file, then the next exec',
      [e(7, 1), p(7), e(7, 2), p(7), f(7)],
      [
        { inode: 1, exe: '' },
        { inode: 2, ...whole },
      ],
    ],
    ['no facts', [p(7), f(7)], []],
    ['a name after the exec was told', [e(7), p(7), f(7), f(7)], [{ pid: 7, ...whole }]],
    ['a path that was cut', [e(7), p(7, 'x'.repeat(199)), f(7)], [{ truncated: true }]],
    ['the longest path that fits', [e(7), p(7, 'x'.repeat(198)), f(7)], [{ truncated: false }]],
    ['a name that was cut', [e(7), p(7), f(7, 'x'.repeat(199))], [{ truncated: true }]],
  ]
  for (const [name, lines, execs] of cases) {
    const told = observationsOf(decoded(lines))
    t.match(told, execs, name)
    t.equal(told.length, execs.length, `${name}: that many`)
  }
  const many = Array.from({ length: 1025 }, (_, i) => e(i + 1))
  t.equal(observationsOf(decoded(many, false)).length, 1024, 'what waits is bounded')
  t.equal(observationsOf(decoded(many)).length, 1025, 'and nothing of it is dropped')
})
