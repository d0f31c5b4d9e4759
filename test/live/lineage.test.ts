/**
 * What joins a container from outside is kept apart from what its entrypoint does: the health check that the runtime knows
 * of as `probe`, everything else as `exec`, however much it looks like the health check.
 */
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type BaselineView,
  callOf,
  namesOf,
  profileAt,
  syscallsOf,
} from '../support/live/baseline-view.js'
import { containerName } from '../support/live/container-runtime.js'
import { docker } from '../support/live/docker.js'
import { BUSYBOX, extended, imageOf, NGINX, nginxConf } from '../support/live/images.js'
import { freePort } from '../support/live/loopback.js'
import { Session } from '../support/live/plimsoll.js'
import { podman } from '../support/live/podman.js'
import { liveTest } from '../support/live/requirements.js'
import { addBusybox, put } from '../support/live/rootfs.js'
import { until } from '../support/live/until.js'

/** What an operator does by hand. nginx makes the first two of these calls itself, but not the last two. */
const OPERATOR = ['mkdir /tmp/x', 'chmod 700 /tmp/x', 'ln -s x /tmp/y', 'rmdir /tmp/x', 'uname']
const OPERATORS_CALLS = ['mkdir', 'chmod', 'symlink', 'rmdir'] as const
const OPERATORS_ALONE = ['symlink', 'rmdir'] as const

const NGINX_SHELL = extended(NGINX, 'nginx-shell', addBusybox)

/** A health check that no shell is asked to run, but a script that is found in $PATH and names its interpreter. */
const SCRIPTED = {
  ...extended(BUSYBOX, 'scripted', (root) => {
    put(root, '/usr/local/bin/check', '#!/bin/busybox sh\n/bin/busybox sync\n')
    chmodSync(join(root, 'usr/local/bin/check'), 0o755)
  }),
  healthCheck: ['check', '-q'],
}

liveTest(
  "nginx's health check is a probe, and a shell that looks like it is not",
  ['root', 'bpf', 'podman', 'busybox', 'nginx'],
  async (t) => {
    const runtime = podman()
    const session = new Session(t, runtime.env)
    const image = await imageOf(runtime, NGINX_SHELL, 'lineage')
    const name = containerName('lineage')
    t.teardown(() => runtime.remove(name))
    const port = await freePort()
    const conf = session.path('nginx.conf')
    writeFileSync(conf, nginxConf(port))
    const seccomp = session.path('profile.json')
    const learn = ['learn', '--container', name, '--runs', '1', '--seccomp', seccomp]
    const learning = await session.attach(learn)
    const check = `/bin/busybox wget -q -O /dev/null http://127.0.0.1:${port}/ && /bin/busybox sync`
    const volumes = [`${conf}:/etc/nginx/nginx.conf:ro`]
    runtime.launch({ image, name, volumes, healthCommand: check })
    const checked = (): Promise<boolean> =>
      runtime.cli(['healthcheck', 'run', name]).then(({ code }) => code === 0)
    await until('an answer of nginx', checked)
    for (let i = 1; i < 3; i++) t.ok(await checked())
    const shell = ['/bin/sh', '-c'] as const
    const operator = OPERATOR.map((command) => `/bin/busybox ${command}`).join('; ')
    await runtime.mustCli(['exec', name, ...shell, operator])
    for (let i = 0; i < 2; i++) await runtime.mustCli(['exec', name, ...shell, `${check} `])
    for (let i = 0; i < 3; i++) await runtime.mustCli(['exec', '-t', name, ...shell, check])
    await runtime.remove(name)
    t.equal((await session.ended(learning)).code, 0)

    const view = await session.show(image)
    t.match(view.completeness, { state: 'full', reasons: [] })
    t.equal(callOf(view, 'x86_64', 'sync', 'probe')?.count, 3)
    t.equal(
      callOf(view, 'x86_64', 'sync', 'exec')?.count,
      2 + 3,
      'the same shell with a text that differs by a space, and the very same on a terminal',
    )
    t.same(programsOf(view, 'probe'), ['/bin/busybox', '/bin/sh'])
    t.same(programsOf(view, 'exec'), ['/bin/busybox', '/bin/sh'])
    const [connection, ...more] = view.lineages.probe?.connections ?? []
    t.match(connection, { protocol: 'tcp', address: '127.0.0.1', port })
    t.same(more, [])
    const own = view.lineages.main?.connections ?? []
    const isTcp = (one: object): boolean => 'protocol' in one && one.protocol === 'tcp'
    t.same(own.filter(isTcp), [], 'nginx itself connected to nothing')

    const { allowed } = profileAt(seccomp)
    for (const call of OPERATORS_CALLS) {
      t.match(callOf(view, 'x86_64', call, 'exec')?.programs, ['/bin/busybox'], call)
      t.notOk(callOf(view, 'x86_64', call, 'probe'), `${call} is not the health check's`)
    }
    for (const call of OPERATORS_ALONE) {
      t.notOk(callOf(view, 'x86_64', call, 'main'), `${call} is not nginx's`)
      t.notOk(allowed.includes(call), `${call} is not in the profile`)
    }
    t.notOk(namesOf(view, 'main').includes('sync'))
    t.ok(allowed.includes('sync'), 'what the health check needs is in the profile')
    t.comment(`calls: ${sizesOf(view)}`)
  },
)

liveTest(
  "docker's health check is a probe, a script too",
  ['root', 'bpf', 'docker', 'busybox'],
  async (t) => {
    const runtime = await docker(t)
    const session = new Session(t, runtime.env)
    const image = await imageOf(runtime, SCRIPTED, 'lineage')
    const name = containerName('scripted')
    const learning = await session.attach(['learn', '--container', name, '--runs', '1'])
    runtime.launch({ image, name, command: ['/bin/sh', '-c', 'exec sleep 60'] })
    await until('docker to find it healthy', async () => {
      const asked = ['inspect', '--format', '{{.State.Health.Status}}', name]
      return (await runtime.cli(asked)).stdout.trim() === 'healthy'
    })
    for (let i = 0; i < 2; i++) await runtime.mustCli(['exec', name, 'check', '-x'])
    await runtime.mustCli(['exec', name, '/bin/busybox', 'uname'])
    await runtime.remove(name)
    t.equal((await session.ended(learning)).code, 0)

    const view = await session.show(image)
    t.match(view.completeness, { state: 'full', reasons: [] })
    const checks = view.lineages.probe?.execs.find(({ path }) => path === '/usr/local/bin/check')
    t.ok((checks?.count ?? 0) >= 1, `${checks?.count} health checks`)
    t.equal(callOf(view, 'x86_64', 'sync', 'probe')?.count, checks?.count)
    t.same(programsOf(view, 'probe'), ['/bin/busybox', '/usr/local/bin/check'])
    t.equal(callOf(view, 'x86_64', 'sync', 'exec')?.count, 2, 'the script by hand is exec')
    t.equal(callOf(view, 'x86_64', 'uname', 'exec')?.count, 1)
    t.notOk(namesOf(view, 'probe').includes('uname'))
    t.notOk(namesOf(view, 'main').includes('sync'))
    t.comment(`calls: ${sizesOf(view)}`)
  },
)

liveTest(
  "docker's shell for a health check is the one that is expected",
  ['root', 'bpf', 'docker', 'busybox'],
  async (t) => {
    const runtime = await docker(t)
    const session = new Session(t, runtime.env)
    const image = await imageOf(runtime, BUSYBOX, 'lineage-shell')
    const name = containerName('shell')
    const learning = await session.attach(['learn', '--container', name, '--runs', '1'])
    const healthCommand = '/bin/busybox sync'
    runtime.launch({ image, name, command: ['/bin/sleep', '60'], healthCommand })
    await until('docker to find it healthy', async () => {
      const asked = ['inspect', '--format', '{{.State.Health.Status}}', name]
      return (await runtime.cli(asked)).stdout.trim() === 'healthy'
    })
    await runtime.remove(name)
    t.equal((await session.ended(learning)).code, 0)
    const view = await session.show(image)
    t.ok((callOf(view, 'x86_64', 'sync', 'probe')?.count ?? 0) >= 1)
    t.same(namesOf(view, 'exec'), [])
  },
)

/** Paths of the programs of a lineage, each once. */
function programsOf(view: BaselineView, lineage: 'probe' | 'exec'): readonly string[] {
  return [...new Set(view.lineages[lineage]?.execs.map(({ path }) => path))].toSorted()
}

function sizesOf(view: BaselineView): string {
  const lineages = ['main', 'probe', 'exec'] as const
  return lineages.map((lineage) => `${lineage} ${syscallsOf(view, lineage).length}`).join(', ')
}
