/** What people decide about a baseline holds, whatever is learned afterwards. */
import t, { type Test } from 'tap'
import { namesOf, profileAt } from '../support/live/baseline-view.js'
import type { ContainerRuntime } from '../support/live/container-runtime.js'
import { CALLS, imageOf } from '../support/live/images.js'
import { Session } from '../support/live/plimsoll.js'
import { podman } from '../support/live/podman.js'
import { liveTest, type Need } from '../support/live/requirements.js'

const NEEDS: readonly Need[] = ['root', 'bpf', 'podman', 'gcc']

/** What `baseline candidates --json` says. */
interface Candidates {
  readonly contentHash: string
  readonly candidates: readonly { readonly item: string; readonly why: string }[]
  readonly rejected: readonly { readonly item: string }[]
}

t.comment('every container here makes the calls that its arguments name')

liveTest('a rejected call does not come back by learning', NEEDS, async (t) => {
  const { learn, candidates, allowed, session, image } = await begin(t, 'reject')
  await learn(['chmod', 'getppid'])
  t.ok((await allowed()).includes('chmod'), 'chmod is learned at first')

  const { contentHash } = await candidates()
  await session.mustRun(['baseline', 'reject', image, 'chmod', '--hash', contentHash])
  t.notOk((await allowed()).includes('chmod'))

  await learn(['chmod', 'getppid'])
  const view = await session.show(image)
  t.equal(view.runs.length, 2)
  t.ok(namesOf(view, 'main').includes('chmod'), 'that it was made is still on record')
  t.same(
    (await candidates()).rejected.map(({ item }) => item),
    ['chmod'],
  )
  const names = await allowed()
  t.notOk(names.includes('chmod'), 'the profile leaves it out')
  t.notOk(names.includes('fchmodat'), 'and nothing is inferred from it')
  t.ok(names.includes('getppid'))
  await session.mustRun(['profile', image, '--out', session.path('profile.json')])
  const refused = await podman().run({
    image,
    command: ['/bin/callsof', 'chmod'],
    seccomp: session.path('profile.json'),
  })
  t.match(refused.stdout, /chmod errno 38/)
})

liveTest('a decision with a stale hash is refused with the reason', NEEDS, async (t) => {
  const { learn, candidates, session, image } = await begin(t, 'stale')
  await learn(['getppid'])
  const { contentHash } = await candidates()
  await learn(['getppid', 'chmod'])
  const stale = await session.run(['baseline', 'approve', image, 'getppid', '--hash', contentHash])
  t.equal(stale.code, 1)
  t.match(stale.stderr, /changed since/)
  t.match(stale.stderr, (await candidates()).contentHash.slice(0, 12), 'the hash of now is named')
  t.match((await session.run(['baseline', 'reject', image, 'chmod'])).stderr, /--hash/)
  const unknown = await session.run([
    'baseline',
    'approve',
    image,
    'exec:/bin/none',
    '--hash',
    (await candidates()).contentHash,
  ])
  t.equal(unknown.code, 1)
  t.match(unknown.stderr, /\/bin\/none/)
})

liveTest('what is never learned waits for approval', NEEDS, async (t) => {
  const { learn, candidates, allowed, session, image } = await begin(t, 'never')
  await learn(['unshare', 'getppid'])
  t.notOk((await allowed()).includes('unshare'))
  const { contentHash, candidates: found } = await candidates()
  t.match(found, [{ item: 'unshare', why: /never learned/ }])
  const by = ['--hash', contentHash, '--reason', 'sandboxes its workers']
  await session.mustRun(['baseline', 'approve', image, 'unshare', ...by])
  t.ok((await allowed()).includes('unshare'))
  t.same((await candidates()).candidates, [])
})

liveTest('a sealed baseline is not widened by what is learned later', NEEDS, async (t) => {
  const { learn, candidates, allowed, session, image } = await begin(t, 'seal')
  await learn(['getppid'])
  await session.mustRun(['baseline', 'seal', image, '--hash', (await candidates()).contentHash])
  t.match((await session.mustRun(['baseline', 'ls'])).stdout, /sealed/)
  const before = await allowed()
  const said = await learn(['getppid', 'sysinfo'])
  t.match(said, /1 candidate/)
  t.same(await allowed(), before, 'the profile is the one that was sealed')
  const { contentHash, candidates: found } = await candidates()
  t.match(found, [{ item: 'sysinfo', why: /seal/ }])
  await session.mustRun(['baseline', 'approve', image, 'sysinfo', '--hash', contentHash])
  t.same(await allowed(), [...before, 'sysinfo'].toSorted())
})

interface Approval {
  readonly session: Session
  readonly image: string
  /** Learns one container that makes these calls; what the session said. */
  readonly learn: (calls: readonly string[]) => Promise<string>
  readonly candidates: () => Promise<Candidates>
  /** Names that a profile of the baseline allows. */
  readonly allowed: () => Promise<readonly string[]>
}

async function begin(t: Test, variant: string): Promise<Approval> {
  const runtime: ContainerRuntime = podman()
  const session = new Session(t, runtime.env)
  const image = await imageOf(runtime, CALLS, `approval-${variant}`)
  return {
    session,
    image,
    learn: async (calls) => {
      const learning = await session.attach(['learn', '--image', image, '--runs', '1'])
      await runtime.mustRun({ image, command: ['/bin/callsof', ...calls] })
      const { code, stdout, stderr } = await session.ended(learning)
      t.equal(code, 0)
      return stdout + stderr
    },
    candidates: async () =>
      JSON.parse(
        (await session.mustRun(['baseline', 'candidates', image, '--json'])).stdout,
      ) as Candidates,
    allowed: async () => {
      await session.mustRun(['profile', image, '--out', session.path('allowed.json')])
      return profileAt(session.path('allowed.json')).allowed
    },
  }
}
