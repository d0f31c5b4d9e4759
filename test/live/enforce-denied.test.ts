/** What the applied profile refuses comes back as an anomaly and as a candidate, and an approval makes the next profile. */
import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { Enforcing, sealedNginx, serve } from '../support/live/enforcing.js'
import { Session } from '../support/live/plimsoll.js'
import { podman } from '../support/live/podman.js'
import { liveTest } from '../support/live/requirements.js'

interface Rule {
  readonly names: readonly string[]
  readonly action: string
}

/** The profile with symlink answered in that way. */
function answering(path: string, to: string, action: string): string {
  const profile = JSON.parse(readFileSync(path, 'utf8')) as { syscalls: readonly Rule[] }
  const rule = { names: ['symlink'], action }
  writeFileSync(to, JSON.stringify({ ...profile, syscalls: [...profile.syscalls, rule] }))
  return to
}

liveTest(
  'a call that the profile refuses is one anomaly and a candidate, a genuine EPERM is neither',
  ['root', 'bpf', 'podman', 'nginx', 'busybox', 'gcc'],
  async (t) => {
    const runtime = podman()
    const session = new Session(t, runtime.env)
    const sealed = await sealedNginx(session, runtime, 'denied')
    const { image } = sealed
    const profile = session.path('nginx.json')
    await session.mustRun(['profile', image, '--out', profile])
    const cases = [
      { seccomp: profile, answer: 'ENOSYS' },
      {
        seccomp: answering(profile, session.path('kill.json'), 'SCMP_ACT_KILL_PROCESS'),
        answer: 'SIGSYS',
      },
      { seccomp: answering(profile, session.path('trap.json'), 'SCMP_ACT_TRAP'), answer: 'SIGSYS' },
    ]
    const enforcing = await Enforcing.start(t, session, ['--image', image, '--json'])
    for (const { seccomp, answer } of cases) {
      const serving = await serve(session, runtime, sealed, seccomp)
      t.teardown(() => runtime.remove(serving.name))
      const told = (): readonly string[] =>
        enforcing
          .anomalies()
          .filter(
            ({ kind, workload }) => kind === 'denied' && workload.containerName === serving.name,
          )
          .map(({ what }) => what)
      const genuine = await serving.exec(['/bin/acts', 'setuid'], ['--user=65534'])
      t.match(genuine.stdout, /errno 1\b/, 'the kernel itself refuses that')
      await serving.exec(['/bin/acts', 'symlink'])
      await serving.exec(['/bin/acts', 'symlink'])
      const anomaly = await enforcing.anomaly(
        `symlink ${answer}`,
        ({ what, workload }) =>
          what === `denied:symlink ${answer}` && workload.containerName === serving.name,
      )
      t.equal(anomaly.process.path, '/bin/acts')
      await pause(2500)
      t.same(
        told().toSorted(),
        // What a static program asks as it starts, and nginx never did.
        ['denied:readlink ENOSYS', `denied:symlink ${answer}`],
        'exactly the refused calls, once each',
      )
      await serving.quit()
    }
    // As the image's own program: what somebody does in a container from outside is no candidate.
    const own = { image, seccomp: profile, flags: ['--entrypoint=/bin/acts'] }
    t.match((await runtime.run({ ...own, command: ['symlink'] })).stdout, /errno 38/)
    await enforcing.anomaly(
      'symlink of the entrypoint',
      ({ what, process }) => what === 'denied:symlink ENOSYS' && process.lineage === 'main',
    )
    t.equal((await enforcing.stop()).code, 0)

    const { stdout } = await session.mustRun(['baseline', 'candidates', image, '--json'])
    const { contentHash, candidates } = JSON.parse(stdout) as {
      readonly contentHash: string
      readonly candidates: readonly { readonly item: string; readonly why: string }[]
    }
    const symlink = candidates.find(({ item }) => item === 'symlink')
    t.match(symlink?.why, /denied|refused/, 'what was denied waits for a person')
    const before = session.path('before.json')
    await session.mustRun(['profile', image, '--out', before])
    t.notMatch(readFileSync(before, 'utf8'), /"symlink"/, 'nothing is widened by itself')
    await session.mustRun(['baseline', 'approve', image, 'symlink', '--hash', contentHash])
    const after = session.path('after.json')
    await session.mustRun(['profile', image, '--out', after])
    const diff = await session.mustRun(['profile', 'diff', before, after])
    t.match(diff.stdout, /\+.*symlink/, `what the approval changed is shown: ${diff.stdout}`)

    const healed = await serve(session, runtime, sealed, after)
    t.teardown(() => runtime.remove(healed.name))
    t.match((await healed.exec(['/bin/acts', 'symlink'])).stdout, /^done/, 'and it works')
    await healed.quit()
  },
)
