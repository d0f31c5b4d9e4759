/** What is injected into a container while it is learned is told apart from what the image does. */
import { readFileSync } from 'node:fs'
import { namesOf, profileAt } from '../support/live/baseline-view.js'
import { extended, imageOf, NGINX } from '../support/live/images.js'
import { Session } from '../support/live/plimsoll.js'
import { podman } from '../support/live/podman.js'
import { liveTest } from '../support/live/requirements.js'
import { addBusybox } from '../support/live/rootfs.js'
import { visitNginx } from '../support/live/service.js'

const SCRIPT = '/bin/mkdir /tmp/debug && /bin/busybox chmod 700 /tmp/debug && /bin/busybox uname -a'

liveTest(
  'a shell in nginx leaves nothing in the default profile, and is listed under exec',
  ['root', 'bpf', 'podman', 'nginx', 'busybox'],
  async (t) => {
    const runtime = podman()
    const session = new Session(t, runtime.env)
    const recipe = extended(NGINX, 'nginx-busybox', addBusybox)
    const image = await imageOf(runtime, recipe, 'injected')
    const seccomp = session.path('profile.json')
    const learning = await session.attach([
      'learn',
      '--image',
      image,
      '--runs',
      '1',
      '--seccomp',
      seccomp,
    ])
    const { finished } = await visitNginx({ runtime, image }, session.path('nginx.conf'), (name) =>
      runtime.mustCli(['exec', name, '/bin/sh', '-c', SCRIPT]),
    )
    t.equal(finished.code, 0)
    t.equal((await session.ended(learning)).code, 0)

    const view = await session.show(image)
    const main = new Set(namesOf(view, 'main'))
    const injected = namesOf(view, 'exec')
    const onlyInjected = injected.filter((name) => !main.has(name))
    t.ok(injected.includes('mkdir') && injected.includes('uname'), 'the shell was seen')
    t.ok(onlyInjected.includes('chmod') || onlyInjected.includes('fchmodat'))
    const { syscalls } = JSON.parse(
      readFileSync(seccomp.replace(/json$/, 'provenance.json'), 'utf8'),
    ) as { readonly syscalls: Readonly<Record<string, { readonly origins: readonly string[] }>> }
    const allowed = new Set(profileAt(seccomp).allowed)
    const taken = onlyInjected.filter(
      (name) => syscalls[name]?.origins.includes('observed') === true,
    )
    t.same(taken, [], 'none of what only the shell did was taken for the image')
    // what is there all the same, a runtime needs to start any container, or a newer libc in place of what was seen
    const also = onlyInjected.filter((name) => allowed.has(name))
    t.comment(
      `only by the shell: ${onlyInjected.join(' ')}; of these in the floor: ${also.join(' ')}`,
    )
    t.notOk(also.includes('chmod') || also.includes('fchmodat'))

    const { stdout } = await session.mustRun(['baseline', 'show', image, '--lineage', 'exec'])
    t.match(stdout, /^lineage {7}exec/m)
    for (const program of ['/bin/sh', '/bin/mkdir', '/bin/busybox']) {
      t.match(stdout, program, `${program} is listed`)
    }
    const withExec = session.path('with-exec.json')
    await session.mustRun(['profile', image, '--lineage', 'main,probe,exec', '--out', withExec])
    t.ok(
      profileAt(withExec).allowed.some((name) => name === 'chmod' || name === 'fchmodat'),
      '--lineage lets it in where that is wanted',
    )
  },
)
