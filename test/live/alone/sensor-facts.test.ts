/**
 * What enforcement needs of the sensor, against the real kernel: who used which argument, capability and io_uring operation
 * first, as it happens, and how often by the maps; and that one container cannot flood the others out.
 */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { isTracepoint } from '../../../src/sensor/preflight.js'
import { DENIAL_PROBES, ENFORCE_PROBES, LEARNING_PROBES } from '../../../src/sensor/program.js'
import { type ContainerSpec, containerName } from '../../support/live/container-runtime.js'
import { CALLS, extended, imageOf } from '../../support/live/images.js'
import { podman } from '../../support/live/podman.js'
import { RecordedSensor } from '../../support/live/recorded-sensor.js'
import { liveTest } from '../../support/live/requirements.js'
import { put } from '../../support/live/rootfs.js'
import { until } from '../../support/live/until.js'

const MODES = 'f-args f-caps f-space f-own f-uring f-sqpoll f-flood f-other'.split(' ')
/** The permissive profile that ships: docker's and podman's own refuse io_uring. */
const PERMISSIVE = 'profiles/learning.json'
const [CAP_CHOWN, CAP_SETUID, CAP_NET_BIND_SERVICE] = [0, 7, 10]
const [OP_NOP, OP_CONNECT] = [0, 16]

const FACTS = extended(CALLS, 'facts', (root) => {
  for (const mode of MODES) symlinkSync('facts', join(root, 'bin', mode))
  put(root, '/etc/secret', 'x')
  chmodSync(join(root, 'etc/secret'), 0o600)
})

type Runs = (mode: string, spec?: Partial<ContainerSpec>) => Promise<string>

/** A sensor of all probes, and a way to run a mode in a container to its end. */
async function watched(
  t: Test,
): Promise<{ sensor: RecordedSensor; run: Runs; image: string; stop: () => Promise<void> }> {
  const runtime = podman()
  const image = await imageOf(runtime, FACTS, 'sensor-facts')
  const sensor = new RecordedSensor()
  const startMs = Date.now()
  const stop = await sensor.attach(t, ENFORCE_PROBES)
  t.comment(`${ENFORCE_PROBES.length} probe files attached in ${Date.now() - startMs} ms`)
  const run: Runs = async (mode, spec = {}) => {
    const ran = await runtime.mustRun({ image, command: [`/bin/${mode}`], ...spec })
    return ran.stdout.trim().replaceAll('\n', ', ')
  }
  return { sensor, run, image, stop }
}

liveTest(
  'arguments, capabilities and io_uring operations are told as they are used, and counted',
  ['root', 'bpf', 'podman', 'gcc'],
  async (t) => {
    const { sensor, run, stop } = await watched(t)
    await run('f-args')
    t.equal(
      await run('f-caps'),
      'chown errno 0, chown errno 0, chown errno 0, bind errno 0, setuid errno 0',
    )
    const inSpace = await run('f-space', { seccomp: PERMISSIVE })
    t.equal(inSpace, 'unshare errno 0, unshare errno 0, sethostname errno 0')
    t.match(await run('f-own', { user: '1000' }), /^create errno 0, read errno 0.*access errno/)
    for (const mode of ['f-uring', 'f-sqpoll']) {
      t.match(await run(mode, { seccomp: PERMISSIVE }), 'completed 5', mode)
    }
    await stop()
    t.same(sensor.troubles(), [], 'nothing was lost')

    const [hint, ...again] = sensor.of('f-args', 'argument').filter(({ value }) => value === 35)
    t.match(hint, { lineage: 'main', abi: 'x86_64', nr: 41, uid: 0, program: 'facts' })
    t.same(again, [], 'AF_INET with SOCK_RAW, once')
    const args = sensor.arguments.filter(({ cgroupId }) => cgroupId === sensor.cgroupOf('f-args'))
    const countOf = (nr: number, value: number): number =>
      args.filter((o) => o.nr === nr && o.value === value).reduce((sum, o) => sum + o.count, 0)
    t.same([countOf(41, 35), countOf(41, 17), countOf(135, 0xffffffff)], [5, 3, 2])

    const [exec] = sensor.of('f-args', 'exec')
    t.match(exec, { path: '/bin/f-args', exe: 'facts', comm: 'f-args', uid: 0 })
    t.equal(hint?.pid, exec?.pid)
    t.equal(hint?.ppid, exec?.ppid)
    t.ok((exec?.ppid ?? 0) > 1 && (exec?.atNs ?? 0) > 0 && (hint?.atNs ?? 0) > (exec?.atNs ?? 0))

    if (await isTracepoint('capability/cap_capable')) capabilitiesAreExact(t, sensor)
    else t.comment('this kernel does not tell of capabilities')
    for (const mode of ['f-uring', 'f-sqpoll']) {
      const told = sensor.of(mode, 'io_uring')
      t.same(summed(told.map((o) => [o.opcode, o])), { [OP_NOP]: 3, [OP_CONNECT]: 2 }, mode)
      const early = told.filter(({ count }) => count === 0)
      t.same(
        early.map(({ opcode }) => opcode),
        [OP_NOP, OP_CONNECT],
      )
      const [{ pid } = {}] = sensor.of(mode, 'exec')
      t.match(early, [
        { lineage: 'main', program: 'facts', pid },
        { lineage: 'main', program: 'facts', pid },
      ])
    }
  },
)

liveTest(
  'a container that tries every address is capped, and another one is seen meanwhile',
  ['root', 'bpf', 'podman', 'gcc'],
  async (t) => {
    const { sensor, image, stop } = await watched(t)
    const runtime = podman()
    const go = join(t.testdir(), 'go')
    mkdirSync(go)
    const names = [containerName('facts-flood'), containerName('facts-other')] as const
    const spec = { image, network: 'host', volumes: [`${go}:/go:ro`] } as const
    for (const name of names) t.teardown(() => runtime.remove(name))
    const other = runtime.launch({ ...spec, name: names[1], command: ['/bin/f-other'] })
    await until('the other container', () => other.stdout().includes('waits'))
    const flood = runtime.launch({ ...spec, name: names[0], command: ['/bin/f-flood'] })
    await until('the flood', () => flood.stdout().includes('at 40000'), 60_000)
    writeFileSync(join(go, 'go'), '')
    const goMs = Date.now()
    await until('the other connection', () =>
      sensor.of('f-other', 'connect').some(({ port }) => port === 4242),
    )
    t.notMatch(flood.stdout(), 'flooded', 'the flood is going on')
    t.comment(`told ${Date.now() - goMs} ms after it was let go`)
    t.equal((await other.finished).code, 0)
    t.equal((await flood.finished).code, 0)
    await stop()
    t.same(sensor.troubles(), [], 'no map was full and nothing but hints was lost')

    for (const [protocol, what, made, budget] of [
      ['tcp', 'endpoint', 70_000, 4096],
      ['udp', 'datagram', 5003, 2048],
      ['unix', 'unix', 20_000, 512],
    ] as const) {
      const told = sensor
        .of('f-flood', 'connect')
        .filter((o) => o.protocol === protocol)
        .reduce((sum, { count }) => sum + count, 0)
      const capped = sensor
        .of('f-flood', 'capped')
        .filter((o) => o.what === what)
        .reduce((sum, { count }) => sum + count, 0)
      t.comment(`${protocol}: ${told} told, ${capped} capped`)
      t.equal(told + capped, made, `${protocol}: all are told or counted`)
      t.ok(told >= budget && told < made / 2, `${protocol}: about the budget is told`)
    }
    t.same(sensor.of('f-other', 'capped'), [], 'the other one is not capped')
    const connected = sensor.of('f-other', 'connect')
    const early = connected.find(({ port, count }) => port === 4242 && count === 0)
    t.match(early, { address: '127.0.0.109', protocol: 'tcp' }, 'also as it happened')
    const seen = connected.map((o) => `${o.protocol} ${o.address}`)
    t.same(new Set(seen), new Set(['tcp 127.0.0.109', 'udp 127.0.0.109', 'unix /tmp/other']))
  },
)

// The compiler folds the watched cgroup into the programs: what fits on the stack for the host may not for one cgroup.
liveTest(
  'every set of probes attaches, to the host and to one cgroup',
  ['root', 'bpf'],
  async (t) => {
    for (const probes of [LEARNING_PROBES, DENIAL_PROBES, ENFORCE_PROBES]) {
      for (const cgroupId of [undefined, 1]) {
        const sensor = new RecordedSensor()
        const startMs = Date.now()
        const stop = await sensor.attach(t, probes, cgroupId)
        t.comment(`${probes.length} probe files in ${Date.now() - startMs} ms`)
        await stop()
        t.same(sensor.troubles(), [])
      }
    }
  },
)

/** Of capabilities those are told that the program used, and no others. */
function capabilitiesAreExact(t: Test, sensor: RecordedSensor): void {
  const used = (mode: string): object =>
    summed(sensor.of(mode, 'capability').map((o) => [o.capability, o]))
  t.same(used('f-caps'), {
    [CAP_CHOWN]: 3,
    [CAP_SETUID]: 1,
    [CAP_NET_BIND_SERVICE]: 1,
  })
  const hints = sensor.of('f-caps', 'capability').filter(({ count }) => count === 0)
  t.same(
    hints.map(({ capability }) => capability),
    [CAP_CHOWN, CAP_NET_BIND_SERVICE, CAP_SETUID],
    'each told once, in order',
  )
  t.match(hints[0], { lineage: 'main', uid: 0, program: 'facts' })
  t.same(used('f-space'), {}, 'in a user namespace of its own they do not count')
  t.same(used('f-own'), {}, "nor do those of overlayfs's mounter")
}

/** Times by number, of the reports that count. */
function summed(
  uses: readonly (readonly [number, { readonly count: number }])[],
): Readonly<Record<number, number>> {
  const sums: Record<number, number> = {}
  for (const [number, { count }] of uses) {
    if (count > 0) sums[number] = (sums[number] ?? 0) + count
  }
  return sums
}
