/**
 * `profile verify` against real containers: a learned profile holds; one that lacks a call does not, and exactly that call is
 * named, however the filter answers it; nothing that a call itself refuses is taken for a denial.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { CALLS } from '../support/live/images.js'
import { plimsoll } from '../support/live/plimsoll.js'
import { podman } from '../support/live/podman.js'
import { liveTest } from '../support/live/requirements.js'
import {
  changed,
  deniedLine,
  expectOutcome,
  learned,
  verify,
  withDefault,
  without,
  WRITER,
} from '../support/live/verified.js'

const NEEDS = ['root', 'bpf', 'podman', 'busybox'] as const

liveTest(
  'a learned profile holds, and one that lacks a call names exactly that',
  NEEDS,
  async (t) => {
    const found = await learned(t, podman(), WRITER, 'verify')
    const { session, profile } = found

    const whole = await verify(found, profile)
    expectOutcome(t, whole, 'the whole profile', { result: 'holds', denied: [] })
    t.match(whole.view, {
      runs: [{ status: 7 }, { status: 7 }, { status: 7 }],
      reference: { status: 7 },
    })
    t.match(whole.view.engine, /^podman \d/)
    t.match(whole.view.runtime, /^runc \d/)
    t.ok(whole.view.libseccomp, 'the runtime has a libseccomp')
    t.comment(
      `libseccomp ${whole.view.libseccomp?.version} does not know: ${whole.view.libseccomp?.unknownNames.join(' ')}`,
    )
    const provenance = JSON.parse(
      readFileSync(session.path('learned.provenance.json'), 'utf8'),
    ) as object
    const sha256 = createHash('sha256').update(readFileSync(profile)).digest('hex')
    t.match(provenance, { verified: { result: 'holds', sha256, times: 3 }, syscalls: {} })

    const lacking = changed(profile, session.path('lacking.json'), (d) => without(d, ['mkdir']))
    const mkdir = (answer: string, runs: number): readonly string[] => [
      `mkdir x86_64 main ${answer} ${runs}/${runs} /bin/mkdir fails`,
    ]
    const result = 'does-not-hold'
    expectOutcome(t, await verify(found, lacking), 'without mkdir', {
      result,
      denied: mkdir('ENOSYS', 3),
    })
    for (const action of ['SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_TRAP', 'SCMP_ACT_KILL']) {
      const path = changed(lacking, session.path(`${action}.json`), (d) => withDefault(d, action))
      expectOutcome(t, await verify(found, path, '--times', '1'), action, {
        result,
        denied: mkdir('SIGSYS', 1),
      })
    }

    const text = await plimsoll(['profile', 'verify', found.image, lacking, '--times', '1'], found)
    t.equal(text.code, 3)
    t.match(text.stdout, /^mkdir +x86_64 +main +ENOSYS +1 +1 +\/bin\/mkdir$/m)
    t.match(
      text.stdout,
      /^does not hold: mkdir was denied with ENOSYS, 1 time in 1 run by \/bin\/mkdir$/m,
    )
    t.match(text.stdout, /^hint: learn runs of /m)
  },
)

liveTest('a profile that stops the runtime is told in its words', NEEDS, async (t) => {
  const found = await learned(t, podman(), WRITER, 'verify')
  const { session, profile } = found
  const { syscalls } = JSON.parse(
    readFileSync(session.path('learned.provenance.json'), 'utf8'),
  ) as {
    readonly syscalls: Readonly<Record<string, { readonly origins: readonly string[] }>>
  }
  const floor = Object.entries(syscalls)
    .filter(([, { origins }]) => !origins.includes('observed') && !origins.includes('required'))
    .map(([name]) => name)
  const path = changed(profile, session.path('floorless.json'), (d) => without(d, floor))
  const { finished, view } = await verify(found, path, '--times', '2')
  t.equal(finished.code, 3)
  t.equal(view.result, 'does-not-hold')
  t.same(
    view.differences.map(({ kind }) => kind),
    ['not-started', 'not-started'],
  )
  t.match(view.runs[0]?.said.join('\n'), /runc|OCI/)
  t.ok(view.denied.length > 0 && view.denied.every(({ lineage }) => lineage === 'runtime'))
  t.comment(`without ${floor.length} names of the floor: ${view.runs[0]?.said.join(' ')}`)
  t.comment(`the runtime was denied ${view.denied.map(deniedLine).join('; ')}`)
})

liveTest('what a call itself refuses is no denial', NEEDS, async (t) => {
  const script = '/bin/busybox touch /tmp/a; /bin/busybox chown 0:0 /tmp/a; echo $?'
  const command = ['/bin/sh', '-c', script]
  const runtime = podman()
  const user = '1000'
  const found = await learned(t, runtime, WRITER, 'verify-user', async (image) => {
    const { stdout, stderr } = await runtime.mustRun({ image, command, user })
    t.match(stderr, /not permitted/, 'chown is refused by the kernel itself')
    t.equal(stdout, '1\n')
  })
  const outcome = await verify(
    found,
    found.profile,
    '--times',
    '2',
    '--user',
    user,
    '--',
    ...command,
  )
  expectOutcome(t, outcome, 'a genuine EPERM', { result: 'holds', denied: [] })
  t.match(outcome.view.runs[0]?.said.join('\n'), /not permitted/, 'under the profile as well')
})

liveTest('filters of the program itself, clone3 and other ABIs', [...NEEDS, 'gcc'], async (t) => {
  const runtime = podman()
  const own = ['/bin/denied', 'children']
  const found = await learned(t, runtime, CALLS, 'verify-own', (image) =>
    runtime.mustRun({ image, command: own }),
  )
  const noClone3 = changed(found.profile, found.session.path('clone.json'), (d) =>
    without(d, ['clone3']),
  )
  expectOutcome(
    t,
    await verify(found, noClone3, '--times', '2', '--', ...own),
    'own filter, clone3',
    {
      result: 'holds',
      denied: [
        'mkdir x86_64 main EPERM 48/2 denied own',
        'clone3 x86_64 main ENOSYS 48/2 /bin/denied expected',
      ],
    },
  )

  const i386 = await learned(t, runtime, CALLS, 'verify-i386', (image) =>
    runtime.mustRun({ image, command: ['/bin/int80'] }),
  )
  const lacking = changed(i386.profile, i386.session.path('i386.json'), (d) =>
    without(d, ['getuid32']),
  )
  expectOutcome(t, await verify(i386, lacking, '--times', '1', '--', '/bin/int80'), 'int 0x80', {
    result: 'does-not-hold',
    denied: ['getuid32 i386 main ENOSYS 1/1 /bin/int80 fails'],
  })
})
