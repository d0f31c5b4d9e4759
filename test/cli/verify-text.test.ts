/** How a verification is told: to a person in lines, to a program as JSON, and to nobody raw. */
import t from 'tap'
import { jsonText } from '../../src/engine/json-text.js'
import { verificationText, verificationView } from '../../src/cli/verify-text.js'
import { plimsoll } from '../support/fake-terminal.js'
import { deniedCall, seenRun, verification } from '../support/verifications.js'

t.test('what holds is said in a few lines', async (t) => {
  t.equal(
    verificationText(verification({ unknownNames: ['uprobe', 'uretprobe'] })),
    `localhost/web:1 under web.json (podman 4.3.1, runc 1.1.5, Linux 6.1)
  without it  exit status 0
  run 1       exit status 0
note: libseccomp 2.5.4 (/lib/libseccomp.so.2) does not know uprobe, uretprobe: rules with such names are void here
holds: 1 run ended as without the profile, nothing denied
`,
  )
})

t.test('what does not hold is named, with what to do', async (t) => {
  const mount = deniedCall({ name: 'mount', answer: 1, count: 2, programs: ['/bin/a', '/bin/b'] })
  const clone3 = deniedCall({ name: 'clone3', programs: [] })
  const runs = [
    seenRun([deniedCall({ abi: 'i386', name: 'getuid32' }), mount, clone3]),
    seenRun([], { end: { kind: 'not-started' }, said: 'Error: OCI\nruntime error\n' }),
  ]
  t.equal(
    verificationText(verification({ runs })),
    `localhost/web:1 under web.json (podman 4.3.1, runc 1.1.5, Linux 6.1)
  without it  exit status 0
  run 1       exit status 0
  run 2       did not start
    | Error: OCI
    | runtime error

DENIED    ABI     LINEAGE  ANSWER  TIMES  RUNS  BY
mount     x86_64  main     EPERM       2     1  /bin/a /bin/b
getuid32  i386    main     ENOSYS      1     1  /bin/mkdir
clone3    x86_64  main     ENOSYS      1     1  ?              expected: libc calls clone instead

does not hold: mount was denied with EPERM, 2 times in 1 run by /bin/a, /bin/b; getuid32 (i386) was denied with ENOSYS, 1 time in 1 run by /bin/mkdir; 1 of 2 runs did not start
hint: learn runs of localhost/web:1 that do this, and write web.json again; mount is never learned and needs a person's approval.
`,
  )
})

t.test('each reason has its words', async (t) => {
  const exited = (status: number) => ({ end: { kind: 'exited', status } }) as const
  const unknown = { end: { kind: 'unknown' } } as const
  const cases: readonly [Parameters<typeof verification>[0], RegExp][] = [
    [
      { runs: [seenRun([], exited(9))] },
      /does not hold: 1 of 1 run ended with status 9\nhint: no call/,
    ],
    [
      { runs: [seenRun([], { wasStopped: true })] },
      /run 1 {7}stopped when its time was over, exit/,
    ],
    [{ runs: [seenRun([], { wasStopped: true })] }, /hold: 1 of 1 run went on when their time/],
    [
      { reference: seenRun([], { wasStopped: true }) },
      /hold: 1 of 1 run ended before their time was over/,
    ],
    [
      { runs: [seenRun([], { end: { kind: 'not-started' } })] },
      /hint: the profile lacks calls that/,
    ],
    [{ runs: [seenRun([], unknown)] }, /unknown: .* but nobody says how run 1 ended\nhint: verify/],
    [{ runs: [seenRun([], { denials: undefined })] }, /but the cgroup of run 1 was not seen\n/],
    [
      { reference: seenRun([], exited(2)), runs: [seenRun([], exited(2))] },
      /with status 2 as well;/,
    ],
    [{ libseccomp: undefined }, /note: the runtime's libseccomp was not found/],
    [{ defaultAction: 'SCMP_ACT_LOG' }, /note: the profile lets through what it does not name/],
  ]
  for (const [more, text] of cases) t.match(verificationText(verification(more)), text)
  const missed = { reason: 'lost-events', count: 2, detail: 'exec' } as const
  const verdict = { result: 'unknown', denied: [], differences: [] } as const
  for (const [doubt, text] of [
    [{ kind: 'missed', missed }, 'but lost-events: records were lost (exec), 2 times'],
    [{ kind: 'unpaired', run: 2 }, 'but not every call of run 2 was seen whole'],
    [{ kind: 'unfiltered', run: 2 }, 'but run 2 was under no filter'],
    [{ kind: 'no-end', run: 0 }, 'but nobody says how the run without it ended'],
    [{ kind: 'interrupted' }, 'but it was stopped before all runs were over'],
  ] as const) {
    t.match(verificationText(verification({ verdict: { ...verdict, doubts: [doubt] } })), text)
  }
  const denied = [seenRun([deniedCall({ answer: 1 })])]
  const other = verification({ runs: denied })
  t.match(
    verificationText({ ...other, otherwiseAnswered: other.verdict.denied }),
    'note: podman 4.3.1 answers what the profile does not name with EPERM, not as its defaultErrnoRet',
  )
})

t.test('JSON has everything, by names', async (t) => {
  const runs = [seenRun([deniedCall({ count: 3 })], { said: 'a\nb\n' })]
  t.match(JSON.parse(jsonText(verificationView(verification({ runs })))), {
    result: 'does-not-hold',
    at: '2026-11-21T00:00:00.000Z',
    libseccomp: { version: '2.5.4', unknownNames: [] },
    denied: [{ name: 'mkdir', answer: 'ENOSYS', programs: ['/bin/mkdir'], standing: 'fails' }],
    reference: { end: 'exited', status: 0, wasStopped: false, denied: 0, said: [] },
    runs: [{ denied: 3, said: ['a', 'b'] }],
  })
})

t.test('nothing that a container or a file chose reaches the terminal raw', async (t) => {
  const hostile = 'a\u001b[2J\u202e\nb'
  const runs = [
    seenRun([deniedCall({ programs: [hostile] })], {
      said: hostile,
      end: { kind: 'exited', status: 1 },
    }),
  ]
  const all = verification({
    runs,
    image: hostile,
    path: hostile,
    runtime: hostile,
    unknownNames: [hostile],
  })
  for (const text of [verificationText(all), jsonText(verificationView(all), 2)]) {
    // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
    t.notMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
    t.notMatch(text, /^b/m, 'no line of its own')
  }
})

t.test('wrong usage is told before anything runs', async (t) => {
  const cases: readonly [readonly string[], number, RegExp][] = [
    [['profile', 'verify', 'web'], 2, /missing required argument 'file'/],
    [['profile', 'verify', 'web', 'p.json', '--runtime', 'runc'], 2, /choices are podman, docker/],
    [['profile', 'verify', 'web', 'p.json', '--times', '0'], 2, /whole number from 1 up/],
    [['profile', 'verify', 'web', 'p.json', '--engine-arg=--privileged'], 2, /--privileged is not/],
    [['profile', 'verify', 'web', 'p.json', '--engine-arg', 'seccomp=x'], 2, /seccomp=x is not/],
    [['profile', 'verify', 'web', '/no/such.json'], 1, /cannot read \/no\/such\.json/],
    [['learn', '--verify', '--', 'true'], 2, /--verify runs an image under its profile/],
    [['learn', '--verify', '--image', 'web'], 2, /--verify needs --seccomp FILE/],
  ]
  for (const [args, status, said] of cases) {
    const outcome = await plimsoll(args)
    t.equal(outcome.status, status, args.join(' '))
    t.match(outcome.said, said)
    t.equal(outcome.out.length, 0)
  }
  const path = `${t.testdir({ 'p.json': '{}' })}/p.json`
  const empty = await plimsoll(['profile', 'verify', 'web', path])
  t.equal(empty.status, 3, 'a profile that cannot hold')
  t.match(empty.said, /cannot be used: it is empty, which turns seccomp off\nhint: .*profile check/)
})
