/** What a container does beside its sealed baseline is told: once, of its kind, with who did it; and nothing else is. */
import { setTimeout as pause } from 'node:timers/promises'
import type { AnomalyView } from '../../../src/detect/anomaly-view.js'
import { Enforcing, sealedNginx, serve } from '../../support/live/enforcing.js'
import { load } from '../../support/live/load.js'
import { freePort } from '../../support/live/loopback.js'
import { Session } from '../../support/live/plimsoll.js'
import { podman } from '../../support/live/podman.js'
import { liveTest } from '../../support/live/requirements.js'

/** One act: what is run in the container, and the anomaly that it has to set off. */
interface Act {
  readonly name: string
  readonly command: readonly string[]
  readonly flags?: readonly string[]
  readonly kind: string
  readonly what: string | RegExp
  readonly severity: string
  /** Path of the program that did it. */
  readonly path: string
}

function acts(connectPort: number, listenPort: number): readonly Act[] {
  const acts = '/bin/acts'
  return [
    {
      name: 'a shell',
      command: ['/bin/sh', '-c', 'true'],
      kind: 'exec',
      what: 'exec:/bin/sh',
      severity: 'high',
      path: '/bin/sh',
    },
    {
      name: 'a copied and renamed binary',
      command: [acts, 'copy', '/tmp/nginx'],
      kind: 'drift',
      what: 'exec:/tmp/nginx',
      severity: 'high',
      path: '/tmp/nginx',
    },
    {
      name: 'a program in a memfd',
      command: [acts, 'memfd'],
      kind: 'fileless',
      what: /^exec:\/dev\/fd\//,
      severity: 'critical',
      path: '/dev/fd/3',
    },
    {
      name: 'an outbound connection',
      command: [acts, 'connect', String(connectPort)],
      kind: 'connect',
      what: `connect:tcp:127.0.0.1:${connectPort}`,
      severity: 'medium',
      path: acts,
    },
    {
      name: 'a new listener',
      command: [acts, 'listen', String(listenPort)],
      kind: 'listen',
      what: `listen:tcp:127.0.0.1:${listenPort}`,
      severity: 'medium',
      path: acts,
    },
    {
      name: 'an int 0x80 call',
      command: [acts, 'int80'],
      kind: 'abi',
      what: /^abi:i386/,
      severity: 'high',
      path: acts,
    },
    {
      name: 'ptrace',
      command: [acts, 'ptrace'],
      kind: 'syscall',
      what: 'ptrace',
      severity: 'critical',
      path: acts,
    },
    {
      name: 'unshare',
      command: [acts, 'unshare'],
      kind: 'syscall',
      what: 'unshare',
      severity: 'critical',
      path: acts,
    },
    {
      name: 'a raw socket',
      command: [acts, 'raw'],
      kind: 'argument',
      what: 'socket:AF_INET,SOCK_RAW',
      severity: 'high',
      path: acts,
    },
    {
      name: 'a script that was made executable',
      command: [acts, 'script', '/tmp/dropped.sh'],
      kind: 'exec',
      what: 'exec:/tmp/dropped.sh',
      severity: 'high',
      path: '/tmp/dropped.sh',
    },
    {
      name: 'a connection through io_uring',
      command: [acts, 'uring', String(connectPort)],
      kind: 'io_uring',
      what: 'io_uring:CONNECT',
      severity: 'high',
      path: acts,
    },
    {
      name: 'a capability of a setuid program',
      command: ['/bin/raised', 'chroot'],
      flags: ['--user=65534'],
      kind: 'capability',
      what: 'capability:CAP_SYS_CHROOT',
      severity: 'high',
      path: '/bin/raised',
    },
  ]
}

function isOf(act: Act, anomaly: AnomalyView): boolean {
  if (anomaly.kind !== act.kind) return false
  return typeof act.what === 'string' ? anomaly.what === act.what : act.what.test(anomaly.what)
}

liveTest(
  'each act gives one anomaly of its kind, and 200,000 requests give none',
  ['root', 'bpf', 'podman', 'nginx', 'busybox', 'gcc'],
  async (t) => {
    const runtime = podman()
    const session = new Session(t, runtime.env)
    const { image, port } = await sealedNginx(session, runtime, 'acts')
    const enforcing = await Enforcing.start(t, session, ['--image', image, '--json'])
    const serving = await serve(session, runtime, { image, port })
    t.teardown(() => runtime.remove(serving.name))

    const normal = await load(serving.port, 200_000)
    await pause(3000)
    t.equal(normal.count, 200_000)
    t.same(
      enforcing.anomalies().map(({ what }) => what),
      [],
      `${normal.count} requests in ${(normal.ms / 1000).toFixed(0)} s give no anomaly`,
    )

    for (const act of acts(await freePort(), await freePort())) {
      const before = new Set(enforcing.anomalies().map(({ id }) => id))
      const done = await serving.exec(act.command, act.flags)
      const anomaly = await enforcing.anomaly(act.name, (each) => isOf(act, each))
      t.equal(anomaly.severity, act.severity, `${act.name}: ${anomaly.what} is ${act.severity}`)
      t.equal(anomaly.process.path, act.path, `${act.name}: by ${act.path}`)
      t.equal(anomaly.workload.containerName, serving.name)
      const { layer, rule } = anomaly.decision
      t.ok(layer === 'default' || rule !== '', `${act.name}: decided by ${layer} ${rule}`)
      t.equal(anomaly.evidence.baseline, 'full')
      const since = enforcing.anomalies().filter(({ id }) => !before.has(id))
      t.same(
        [...new Set(since.map(({ incident }) => incident))],
        [anomaly.incident],
        `${act.name}: all that it set off is one incident: ${since.map(({ what }) => what).join(', ')}`,
      )
      t.comment(`${act.name}: ${done.stdout.trim()}${done.stderr.trim()}`)
    }
    await pause(5000)
    for (const act of acts(0, 0).filter(({ what }) => !String(what).endsWith(':0'))) {
      const told = enforcing.anomalies().filter((anomaly) => isOf(act, anomaly))
      t.equal(told.length, 1, `${act.name} was told once`)
    }
    t.equal((await serving.quit()).code, 0)
    t.equal((await enforcing.stop()).code, 0)
    await session.nothingLeft(t)
  },
)
