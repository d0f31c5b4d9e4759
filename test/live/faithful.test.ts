/**
 * What plimsoll learns of a container is what the container did: the same calls as another observer sees, nothing of the
 * runtime's, attributed to the right image, from the first to the last moment of a very short life.
 */
import type { Test } from 'tap'
import { callOf, namesOf, profileAt } from '../support/live/baseline-view.js'
import { containerName, type ContainerRuntime } from '../support/live/container-runtime.js'
import { docker } from '../support/live/docker.js'
import { BUSYBOX, BUSYBOX_STRACE, imageOf } from '../support/live/images.js'
import { Session } from '../support/live/plimsoll.js'
import { podman } from '../support/live/podman.js'
import { liveTest, type Need } from '../support/live/requirements.js'
import { straceNames } from '../support/live/strace.js'
import { until } from '../support/live/until.js'

const SCRIPT = `
/bin/ls / | /bin/wc -l
/bin/mkdir /tmp/a && echo hi >/tmp/a/b
/bin/cat /tmp/a/b | /bin/grep -c hi
/bin/rm -r /tmp/a
(/bin/sleep 0.01 & wait)
/bin/id
`
const COMMAND = ['/bin/sh', '-c', SCRIPT]

/** What runc does around a container; none of it is the application's. */
const RUNTIME_ONLY = ['mount', 'pivot_root', 'setns', 'unshare', 'umount2', 'sethostname']

const RUNTIMES: readonly {
  readonly need: Need
  readonly open: (t: Test) => Promise<ContainerRuntime> | ContainerRuntime
}[] = [
  { need: 'podman', open: podman },
  { need: 'docker', open: docker },
]

for (const { need, open } of RUNTIMES) {
  const needs: readonly Need[] = ['root', 'bpf', need, 'busybox', 'strace']

  liveTest(`under ${need} the learned calls are those that strace sees`, needs, async (t) => {
    const runtime = await open(t)
    const session = new Session(t, runtime.env)
    const image = await imageOf(runtime, BUSYBOX, `faithful-${need}`)
    const straced = await imageOf(runtime, BUSYBOX_STRACE, `faithful-${need}`)
    const seccomp = session.path('profile.json')

    const args = ['learn', '--image', image, '--runs', '1', '--seccomp', seccomp]
    const learning = await session.attach(args)
    await runtime.mustRun({ image, command: COMMAND })
    t.equal((await session.ended(learning)).code, 0)
    await session.nothingLeft(t)

    const view = await session.show(image)
    t.same(namesOf(view, 'main'), await straceNames(runtime, straced, COMMAND, session.workDir))
    t.match(view.completeness, { state: 'full', reasons: [] })
    t.equal(view.image.digest, await runtime.imageDigest(image))
    const { allowed } = profileAt(seccomp)
    for (const name of RUNTIME_ONLY) {
      t.notOk(namesOf(view, 'main').includes(name), `${name} is not learned as the application's`)
      t.notOk(namesOf(view, 'runtime').includes(name), `${name} is not learned as the floor`)
      t.notOk(allowed.includes(name), `${name} is not allowed`)
    }
    t.ok(namesOf(view, 'runtime').length > 0, 'the set-up after the filter is kept, apart')
    t.same(namesOf(view, 'exec'), [], 'nothing came from outside')
    const execs = view.lineages.main?.execs.map((exec) => exec.path) ?? []
    t.same(execs, [...new Set(execs)], 'each program is listed once')
    t.ok(execs.includes('/bin/sh') && execs.includes('/bin/wc') && execs.includes('/bin/id'))
  })

  liveTest(`under ${need} a container that is gone at once is learned whole`, needs, async (t) => {
    const runtime = await open(t)
    const session = new Session(t, runtime.env)
    const image = await imageOf(runtime, BUSYBOX, `short-${need}`)
    const name = containerName('short')
    const learning = await session.attach(['learn', '--container', name, '--runs', '1'])
    await runtime.mustRun({ image, name })
    t.equal((await session.ended(learning)).code, 0)
    t.comment(`probes attached in ${learning.attachSeconds} s`)
    t.ok(learning.attachSeconds > 0, 'the time to attach is reported')

    const view = await session.show(image)
    t.match(view.completeness, { state: 'full', reasons: [] })
    t.equal(view.image.digest, await runtime.imageDigest(image))
    t.equal(view.runs.length, 1)
    t.same(
      view.lineages.main?.execs.map(({ path, exe, count }) => ({ path, exe, count })),
      [{ path: '/bin/true', exe: 'busybox', count: 1 }],
    )
    t.ok(namesOf(view, 'main').includes('exit_group'), 'its last call is there')
  })
}

const JOINING: readonly Need[] = ['root', 'bpf', 'podman', 'busybox']

liveTest('a process that joins from outside is no part of the entrypoint', JOINING, async (t) => {
  const runtime = podman()
  const session = new Session(t, runtime.env)
  const image = await imageOf(runtime, BUSYBOX, 'joined')
  const name = containerName('joined')
  t.teardown(() => runtime.remove(name))
  const learning = await session.attach(['learn', '--container', name, '--runs', '1'])
  const running = runtime.launch({
    image,
    name,
    command: ['/bin/sh', '-c', 'echo up; exec sleep 60'],
  })
  await until('the container', () => running.stdout().includes('up'))
  await runtime.mustCli(['exec', name, '/bin/mkdir', '/tmp/joined'])
  await runtime.remove(name)
  t.equal((await session.ended(learning)).code, 0)

  const view = await session.show(image)
  t.ok(namesOf(view, 'exec').includes('mkdir'))
  t.notOk(namesOf(view, 'main').includes('mkdir'))
  t.same(
    view.lineages.exec?.execs.map((exec) => exec.path),
    ['/bin/mkdir'],
  )
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  liveTest(`${signal} while a container runs keeps what was learned of it`, JOINING, async (t) => {
    const runtime = podman()
    const session = new Session(t, runtime.env)
    const image = await imageOf(runtime, BUSYBOX, `ended-by-${signal}`)
    const name = containerName('ended')
    t.teardown(() => runtime.remove(name))
    const learning = await session.attach(['learn', '--container', name])
    const command = ['/bin/sh', '-c', '/bin/mkdir /tmp/a; echo up; exec sleep 60']
    const running = runtime.launch({ image, name, command })
    await until('the container', () => running.stdout().includes('up'))
    t.equal((await learning.stop(signal)).code, 0)
    await session.nothingLeft(t)
    t.equal(running.child.exitCode, null, 'the container runs on')
    const view = await session.show(image)
    t.equal(callOf(view, 'x86_64', 'mkdir')?.count, 1)
    t.equal(view.runs.length, 1)
  })
}
