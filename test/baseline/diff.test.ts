/** What one baseline has that another has not: an algebra on items, and the rules for what is dangerous. */
import fc from 'fast-check'
import t from 'tap'
import { Baseline } from '../../src/baseline/baseline.js'
import {
  type BaselineDiff,
  type Change,
  difference,
  type DiffOptions,
} from '../../src/baseline/diff.js'
import { ITEM_KINDS, type ItemKind } from '../../src/baseline/item-key.js'
import { FIRST_KINDS } from '../../src/baseline/kinds.js'
import { LISTENER_LIMIT } from '../../src/baseline/limits.js'
import { merged } from '../../src/baseline/merge.js'
import { byteStringOfText, displayOf } from '../../src/bytes.js'
import { argumentLabel, OTHER_VALUE } from '../../src/kernel/arguments.js'
import { dangerOf, SYSCALL_DANGER } from '../../src/kernel/syscall-danger.js'
import { capabilityLabel, capabilityNr } from '../../src/kernel/capabilities.js'
import { uringOpcode, uringOpLabel } from '../../src/kernel/io-uring.js'
import { isSyscallName, syscallLabel } from '../../src/kernel/syscalls.js'
import { NEVER_LEARNED } from '../../src/kernel/syscall-danger.js'
import { IMAGE, runFacts } from '../support/baseline-steps.js'
import {
  anyBaselineOf,
  calls,
  callsWith,
  endpoints,
  execution,
  learned,
} from '../support/diff-baselines.js'

const ALL: DiffOptions = { lineages: ['runtime', 'main', 'exec', 'probe'] }
const OPTIONS = fc.constantFrom<DiffOptions>({}, ALL, { lineages: ['exec'] })

/** Packed arguments of socket: domain << 4 | type. */
const [UNIX, INET, INET6, ALG, VSOCK] = [0x11, 0x21, 0xa1, 0x265, 0x281]
const [PACKET, NETLINK, BLUETOOTH, RAW] = [0x113, 0x103, 0x1f1, 0x23]

const A = anyBaselineOf('a')
const B = anyBaselineOf('b')

/** `class what reasons` of every change. */
function linesOf({ changes }: BaselineDiff): readonly string[] {
  return changes.map((change) =>
    [change.class, labelOf(change), ...change.reasons].join(' ').trimEnd(),
  )
}

function labelOf({ item }: Change): string {
  switch (item.kind) {
    case 'syscall':
      return `${item.abi} ${syscallLabel(item.abi, item.nr)}`
    case 'argument':
      return `${item.abi} ${item.call} ${argumentLabel(item.call, item.value)}`
    case 'exec':
      return displayOf(item.path)
    case 'connection':
    case 'listener':
      return `${item.kind} ${item.protocol} ${displayOf(item.address)}:${item.port}`
    case 'capability':
      return capabilityLabel(item.capability)
    case 'io_uring':
      return `io_uring ${uringOpLabel(item.opcode)}`
  }
}

function isNew(change: Change): boolean {
  return change.class !== 'vanished'
}

t.test('a baseline does not differ from itself, nor from a copy', async (t) => {
  fc.assert(
    fc.property(A, OPTIONS, (a, options) => {
      t.strictSame(difference(a, a, options).changes, [])
      t.strictSame(difference(a, Baseline.of(a.snapshot()), options).changes, [])
    }),
    { numRuns: 40 },
  )
})

t.test('what is new one way has vanished the other way', async (t) => {
  fc.assert(
    fc.property(A, B, OPTIONS, (a, b, options) => {
      const sorted = (diff: BaselineDiff, keep: (change: Change) => boolean): readonly string[] =>
        diff.changes
          .filter(keep)
          .map(({ item }) => JSON.stringify(item))
          .sort()
      const there = difference(a, b, options)
      const back = difference(b, a, options)
      t.strictSame(
        sorted(there, isNew),
        sorted(back, (change) => !isNew(change)),
      )
      for (const { class: name, reasons } of there.changes) {
        t.equal(reasons.length > 0, name === 'new-dangerous')
      }
    }),
    { numRuns: 60 },
  )
})

t.test('merging what is new leaves nothing new', async (t) => {
  fc.assert(
    fc.property(A, B, OPTIONS, (a, b, options) => {
      const sum = merged(a, b)
      t.strictSame(difference(sum, b, options).changes.filter(isNew), [])
      t.strictSame(difference(sum, a, options).changes.filter(isNew), [])
      t.strictSame(
        linesOf(difference(a, sum, options)),
        linesOf(difference(a, b, options)).filter((line) => !line.startsWith('vanished')),
        'and the sum brings what the part brings',
      )
    }),
    { numRuns: 60 },
  )
})

t.test('what is new is dangerous by what it is and by what there was before', async (t) => {
  const known = { address: byteStringOfText('10.0.0.9') }
  const unix = { protocol: 'unix', address: byteStringOfText('/run/x'), port: 0 } as const
  const i386 = learned((baseline, run) => {
    baseline.learnSyscall(run, 'main', 'x86_64', 0, 1, 1_500)
    baseline.learnSyscall(run, 'main', 'i386', 3, 1, 1_500)
  })
  const cases: readonly (readonly [
    string,
    Baseline,
    Baseline,
    readonly string[],
    (readonly string[])?,
  ])[] = [
    [
      'calls, the dangerous ones first',
      calls('read'),
      calls('read write ptrace mount connect'),
      [
        'new-dangerous x86_64 ptrace high-call',
        'new-dangerous x86_64 mount critical-call',
        'new x86_64 write',
        'new x86_64 connect',
      ],
    ],
    ['a call that is gone', calls('read mount'), calls('read'), ['vanished x86_64 mount']],
    [
      'a call that no table knows',
      calls('read'),
      calls('read no-such-call'),
      ['new-dangerous x86_64 x86_64:1023? unknown-call'],
    ],
    ['another ABI', calls('read'), i386, ['new-dangerous i386 read new-abi']],
    ['an ABI no longer used', i386, calls('read'), ['vanished i386 read']],
    [
      'sockets of every kind',
      callsWith('socket', UNIX, INET),
      callsWith('socket', INET, INET6, ALG, VSOCK, PACKET, NETLINK, BLUETOOTH, RAW, OTHER_VALUE),
      [
        'new-dangerous x86_64 socket AF_INET SOCK_RAW high-argument',
        'new-dangerous x86_64 socket AF_NETLINK SOCK_RAW high-argument',
        'new-dangerous x86_64 socket AF_PACKET SOCK_RAW high-argument',
        'new-dangerous x86_64 socket AF_BLUETOOTH SOCK_STREAM high-argument',
        'new-dangerous x86_64 socket AF_ALG SOCK_SEQPACKET critical-argument',
        'new-dangerous x86_64 socket AF_VSOCK SOCK_STREAM critical-argument',
        'new-dangerous x86_64 socket other unknown-argument',
        'new x86_64 socket AF_INET6 SOCK_STREAM',
        'vanished x86_64 socket AF_UNIX SOCK_STREAM',
      ],
      ['after: main made x86_64 socket with arguments that are not all known'],
    ],
    [
      'a new namespace',
      callsWith('clone', 0),
      callsWith('clone', 0, 0x1000_0000),
      ['new-dangerous x86_64 clone CLONE_NEWUSER critical-argument'],
    ],
    [
      'a call that was never made, and its argument',
      calls('read'),
      callsWith('unshare', 0x0002_0000),
      [
        'new-dangerous x86_64 unshare critical-call',
        'new-dangerous x86_64 unshare CLONE_NEWNS critical-argument',
        'vanished x86_64 read',
      ],
    ],
    [
      'another option',
      callsWith('prctl', 15),
      callsWith('prctl', 15, 38),
      ['new x86_64 prctl PR_SET_NO_NEW_PRIVS'],
    ],
    [
      'another personality',
      callsWith('personality', 0xffff_ffff),
      callsWith('personality', 0xffff_ffff, 0, 0x40000),
      ['new-dangerous x86_64 personality 0x40000 high-argument', 'new x86_64 personality 0x0'],
    ],
    [
      'arguments that the earlier side did not know',
      calls('socket'),
      callsWith('socket', INET),
      ['new x86_64 socket AF_INET SOCK_STREAM'],
      ['before: main made x86_64 socket with arguments that are not all known'],
    ],
    [
      'arguments that nobody knew',
      calls('socket'),
      calls('socket'),
      [],
      [
        'before: main made x86_64 socket with arguments that are not all known',
        'after: main made x86_64 socket with arguments that are not all known',
      ],
    ],
    ['a program', learned(), execution(), ['new /bin/sh']],
    [
      'a program written later',
      learned(),
      execution({ upper: true }),
      ['new-dangerous /bin/sh written-later'],
    ],
    [
      'a known program that is now written later and without a file',
      execution(),
      execution({ upper: true, links: 0 }),
      ['new-dangerous /bin/sh written-later fileless'],
    ],
    [
      'a program that is now without a file, and was written later before',
      execution({ upper: true }),
      execution({ links: 0 }),
      ['new-dangerous /bin/sh fileless', 'vanished /bin/sh'],
    ],
    [
      'a program written later, as before',
      execution({ upper: true }),
      execution(),
      ['vanished /bin/sh'],
    ],
    [
      'the first connections',
      learned(),
      endpoints({}, { port: 80 }),
      [
        'new-dangerous connection tcp 10.0.0.1:80 first-connection',
        'new-dangerous connection tcp 10.0.0.1:443 first-connection',
      ],
    ],
    [
      'a further connection',
      endpoints(known),
      endpoints(known, {}),
      ['new connection tcp 10.0.0.1:443'],
    ],
    [
      'the first over TCP of an image that knew unix sockets only',
      endpoints(unix),
      endpoints(unix, {}),
      ['new-dangerous connection tcp 10.0.0.1:443 first-connection'],
    ],
    [
      'the first listener of an image that knew connections only',
      endpoints(known),
      endpoints(known, { kind: 'listen' }),
      ['new-dangerous listener tcp 10.0.0.1:443 first-listener'],
    ],
  ]
  for (const [title, before, after, expected, incomplete = []] of cases) {
    const diff = difference(before, after)
    t.strictSame(linesOf(diff), expected, title)
    t.strictSame(diff.incomplete, incomplete, title)
  }
})

t.test('a difference has the evidence of the side that has the item', async (t) => {
  const before = learned((baseline, run) => {
    baseline.learnSyscall(run, 'main', 'x86_64', 0, 5, 1_000)
  })
  const after = learned((baseline, run) => {
    baseline.learnSyscall(run, 'main', 'x86_64', 1, 7, 2_000)
    baseline.learnProgram(run, 'main', 'x86_64', 1, byteStringOfText('/bin/w'), 2_500)
  })
  t.match(difference(before, after).changes, [
    {
      class: 'new',
      item: {
        name: 'write',
        danger: 'low',
        count: 7,
        runs: 1,
        lastMs: 2_500,
        programs: ['/bin/w'],
      },
    },
    { class: 'vanished', item: { name: 'read', count: 5, runs: 1, programs: [] } },
  ])
})

t.test('the application is compared lineage by lineage, others only on demand', async (t) => {
  const before = calls('read mount', 'probe')
  const after = calls('read mount', 'main')
  t.strictSame(
    difference(before, after).changes.map(({ class: name, item }) => `${name} ${item.lineage}`),
    ['new-dangerous main', 'new main', 'vanished probe', 'vanished probe'],
    'what only the health check did is new to the entrypoint',
  )
  for (const lineage of ['exec', 'runtime'] as const) {
    const other = calls('read', lineage)
    t.strictSame(difference(learned(), other).changes, [], lineage)
    t.equal(difference(learned(), other, { lineages: [lineage] }).changes.length, 1, lineage)
  }
  t.strictSame(difference(before, after, { lineages: ['probe', 'main', 'probe'] }).lineages, [
    'main',
    'probe',
  ])
})

t.test('what a side did not see makes the diff incomplete', async (t) => {
  const full = calls('read')
  const partial = learned(
    () => undefined,
    [
      { reason: 'lost-events', count: 1, detail: 'exec\u001b[2J' },
      { reason: 'attached-late', count: 2 },
    ],
  )
  const collapsed = endpoints(
    ...Array.from({ length: LISTENER_LIMIT + 2 }, (_, port) => ({ kind: 'listen', port }) as const),
  )
  const unknown = calls('no-such-call')
  const cases: readonly (readonly [string, Baseline, Baseline, readonly string[]])[] = [
    ['both full', full, full, []],
    [
      'partial after',
      full,
      partial,
      ['after: attached-late, 2 times', 'after: lost-events (exec\\x1b[2J), 1 time'],
    ],
    ['a full set before', collapsed, full, ['before: map-full (main listeners), 2 times']],
    ['nothing learned', Baseline.empty(IMAGE), full, ['before: no run was learned']],
    [
      'calls beyond the tables on both sides',
      unknown,
      unknown,
      ['both: main made x86_64 calls above 1022, not told apart'],
    ],
  ]
  for (const [title, before, after, expected] of cases) {
    t.strictSame(difference(before, after).incomplete, expected, title)
  }
})

/** Uses of capabilities and io_uring operations, in a run in which those kinds were looked for. */
function uses(
  capabilities: readonly string[],
  operations: readonly string[] = [],
  kinds: readonly ItemKind[] = ITEM_KINDS,
): Baseline {
  const baseline = Baseline.empty(IMAGE)
  const run = baseline.startRun(runFacts('run', { kinds }))
  const seen = { lineage: 'main', count: 1, atMs: 1_500 } as const
  for (const name of capabilities) {
    baseline.learnCapability(run, { ...seen, capability: capabilityNr(name) ?? 63 })
  }
  for (const name of operations) {
    baseline.learnUringOp(run, { ...seen, opcode: uringOpcode(name) ?? 255 })
  }
  return baseline
}

t.test(
  'a new capability is as dangerous as it is; a first operation of io_uring is too',
  async (t) => {
    const plain = uses([])
    const cases: readonly (readonly [string, Baseline, Baseline, readonly string[]])[] = [
      ['nothing new', uses(['CAP_KILL'], ['READ']), uses(['CAP_KILL'], ['READ']), []],
      [
        'critical',
        plain,
        uses(['CAP_SYS_ADMIN']),
        ['new-dangerous CAP_SYS_ADMIN critical-capability'],
      ],
      ['high', plain, uses(['CAP_NET_RAW']), ['new-dangerous CAP_NET_RAW high-capability']],
      ['one that has no name', plain, uses(['?']), ['new-dangerous 63? high-capability']],
      ['medium', plain, uses(['CAP_CHOWN']), ['new CAP_CHOWN']],
      ['vanished', uses(['CAP_SYS_ADMIN']), plain, ['vanished CAP_SYS_ADMIN']],
      [
        'the first operations',
        plain,
        uses([], ['READ', 'CONNECT']),
        ['new-dangerous io_uring CONNECT new-io-uring', 'new-dangerous io_uring READ new-io-uring'],
      ],
      ['one more operation', uses([], ['READ']), uses([], ['READ', '?']), ['new io_uring 255?']],
    ]
    for (const [title, before, after, expected] of cases) {
      const diff = difference(before, after)
      t.strictSame(linesOf(diff), expected, title)
      t.strictSame(diff.incomplete, [], title)
    }
  },
)

t.test('what one side did not look for is not compared, and that is said', async (t) => {
  const old = uses([], [], [])
  const known = uses(['CAP_SYS_ADMIN'], ['READ'])
  const gaps = (side: string): readonly string[] =>
    ['capabilities', 'io_uring operations'].map(
      (kind) => `${side}: ${kind} were not looked for in every run, and are not compared`,
    )
  const upgrade = difference(old, known)
  t.strictSame(linesOf(upgrade), [], 'an upgrade fails no build')
  t.strictSame(upgrade.incomplete, gaps('before'))
  const back = difference(known, old)
  t.strictSame(linesOf(back), [])
  t.strictSame(back.incomplete, gaps('after'))
  t.strictSame(difference(old, old).incomplete, [], 'neither can say anything')
  const partly = uses(['CAP_SYS_ADMIN'], [], FIRST_KINDS)
  t.strictSame(difference(partly, known, {}).changes, [])
  t.strictSame(difference(old, partly).incomplete, [gaps('before')[0]], 'one knows something')
})

t.test('every name in the danger table exists and has one level', async (t) => {
  t.strictSame(
    [...SYSCALL_DANGER.keys()].filter((name) => !isSyscallName(name)),
    [],
  )
  t.strictSame(
    [...NEVER_LEARNED].filter((name) => !['critical', 'high'].includes(dangerOf(name))),
    [],
    'what is never learned is dangerous',
  )
  const cases = [
    ['mount', 'critical'],
    ['fsopen', 'critical'],
    ['ptrace', 'high'],
    ['splice', 'high'],
    ['socket', 'medium'],
    ['read', 'low'],
    [undefined, 'high'],
  ] as const
  for (const [name, expected] of cases) t.equal(dangerOf(name), expected, String(name))
})
