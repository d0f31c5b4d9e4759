/**
 * The live harness on its own: if one of these fails, the other live tests say nothing about plimsoll. Needs no BPF.
 */
import { join } from 'node:path'
import type { Test } from 'tap'
import type { ContainerRuntime } from '../support/live/container-runtime.js'
import { docker } from '../support/live/docker.js'
import { BUSYBOX, CALLS, imageOf, NGINX, REDIS } from '../support/live/images.js'
import { podman } from '../support/live/podman.js'
import { liveTest, type Need } from '../support/live/requirements.js'
import { visitNginx, visitRedis } from '../support/live/service.js'

const RUNTIMES: readonly {
  readonly need: Need
  readonly open: (t: Test) => Promise<ContainerRuntime> | ContainerRuntime
}[] = [
  { need: 'podman', open: podman },
  { need: 'docker', open: docker },
]

const OUTPUTS: readonly { readonly command: readonly string[]; readonly output: RegExp }[] = [
  {
    command: ['/bin/loop', '1000', '2'],
    output: /^1000 calls in \d+ ns, \d+ ns of processor time\n$/,
  },
  { command: ['/bin/int80'], output: /^agree\n$/ },
  { command: ['/bin/x32'], output: /^x32 errno \d+\n$/ },
  { command: ['/bin/refused'], output: /^mkdir errno 0\n$/ },
]

for (const { need, open } of RUNTIMES) {
  liveTest(`${need} runs the test images`, ['root', need, 'busybox', 'gcc'], async (t) => {
    const runtime = await open(t)
    const busybox = await imageOf(runtime, BUSYBOX, 'harness')
    t.equal(await imageOf(runtime, BUSYBOX, 'harness'), busybox, 'built once, then found')
    t.match(await runtime.imageDigest(busybox), /^sha256:[0-9a-f]{64}$/)
    t.equal((await runtime.run({ image: busybox })).code, 0)
    const image = await imageOf(runtime, CALLS, 'harness')
    for (const { command, output } of OUTPUTS) {
      t.match((await runtime.mustRun({ image, command })).stdout, output)
    }
  })
}

const SERVERS: readonly Need[] = ['root', 'podman', 'nginx', 'redis', 'redis-cli']

liveTest('nginx and redis serve on loopback', SERVERS, async (t) => {
  const runtime = podman()
  const nginx = await visitNginx(
    { runtime, image: await imageOf(runtime, NGINX, 'harness') },
    join(t.testdir(), 'nginx.conf'),
  )
  t.match(nginx.answer, 'afloat')
  t.equal(nginx.finished.code, 0)
  const redis = await visitRedis({ runtime, image: await imageOf(runtime, REDIS, 'harness') })
  t.equal(redis.answer, 'OK afloat')
  t.equal(redis.finished.code, 0)
})
