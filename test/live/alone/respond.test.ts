/** Responses on real containers: freezing, isolating with a bundle, releasing, killing, and leaving alone. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Test } from 'tap'
import { CLOCK } from '../../../src/engine/host.js'
import { request as ask, isFrozen, isRequested, reached } from '../../../src/respond/freezer.js'
import { v1Freezer } from '../../../src/respond/freezer-v1.js'
import { verifyBundle } from '../../../src/respond/manifest.js'
import type { ResponseRequest, Step } from '../../../src/respond/request.js'
import { Responder } from '../../../src/respond/responder.js'
import { plimsoll } from '../../support/fake-terminal.js'
import { type HeldContainer, heldContainer } from '../../support/live/held-container.js'
import { INSIDE, NetPair, PEER } from '../../support/live/net-pair.js'
import { podman } from '../../support/live/podman.js'
import { liveTest } from '../../support/live/requirements.js'
import { until } from '../../support/live/until.js'
import { requestOf } from '../../support/response-requests.js'

const NEEDS = ['root', 'podman', 'busybox', 'gcc'] as const
const FREEZES = 20
const FREEZE_GOAL_MS = 50
/** A prime number. */
const MANY = 307
const BY = { actor: 'test', reason: 'looked at it' }

function responderAt(
  t: Test,
  { mount }: HeldContainer,
  state = join(t.testdir(), 'state'),
): Responder {
  return new Responder({ stateDirectory: state, mount, clock: CLOCK })
}

function requestFor(
  { workload, cgroupPath }: HeldContainer,
  request: Partial<ResponseRequest>,
): ResponseRequest {
  return requestOf({ workload, cgroupPath, key: undefined, ...request })
}

function stepOf(steps: readonly Step[], name: Step['step']): Step | undefined {
  return steps.find(({ step }) => step === name)
}

/** Whether the process is in the network namespace that is mounted there. */
function isIn(path: string, pid: number): boolean {
  return statSync(path).ino === statSync(`/proc/${pid}/ns/net`).ino
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}

liveTest('a freeze takes less than 50 ms, and a release undoes it', NEEDS, async (t) => {
  const container = await heldContainer(t)
  const responder = responderAt(t, container)
  const times: number[] = []
  for (let i = 0; i < FREEZES; i++) {
    const incident = `freeze-${i}`
    const startedMs = performance.now()
    const frozen = await responder.act(requestFor(container, { action: 'freeze', incident }))
    const wholeMs = performance.now() - startedMs
    t.equal(frozen.outcome, 'done', frozen.detail)
    t.ok(container.isFrozen())
    t.ok((frozen.frozenAfterMs ?? Infinity) <= wholeMs)
    times.push(frozen.frozenAfterMs ?? Infinity)
    const again = await responder.act(requestFor(container, { action: 'freeze', incident }))
    t.equal(again.outcome, 'already')
    const { kind, record } = await responder.release(incident, BY)
    t.match({ kind, record }, { kind: 'released', record: { outcome: 'done', ...BY } })
    t.notOk(container.isFrozen())
  }
  const [middle, worst] = [median(times), Math.max(...times)]
  t.ok(middle < FREEZE_GOAL_MS, `median ${middle.toFixed(2)} ms`)
  t.comment(`${FREEZES} freezes: median ${middle.toFixed(2)} ms, longest ${worst.toFixed(2)} ms`)
})

liveTest(
  'an isolated container keeps memory and socket, has no network, and goes on when it is released',
  [...NEEDS, 'iproute2'],
  async (t) => {
    const net = await NetPair.make(t)
    const server = await net.serve(t)
    const container = await heldContainer(t, [PEER, String(net.port)], {
      network: `ns:${net.path}`,
    })
    const state = join(t.testdir(), 'state')
    const responder = responderAt(t, container, state)
    await until('the connection', () => server.stdout().includes('connected'))
    const answers = (): readonly string[] => server.stdout().match(/^\d+ \d+ \w+$/gm) ?? []
    const say = async (): Promise<readonly string[]> => {
      const before = answers().length
      server.child.stdin?.write('well?\n')
      return (await until('an answer', () => answers().length > before && answers().at(-1))).split(
        ' ',
      )
    }
    const [ticksBefore, ...before] = await say()
    t.same(before, ['1', 'whole'])
    t.ok(await net.isReachable(), 'the peer reaches the container')
    const stateBefore = await net.state()
    const other = await heldContainer(t)

    const request = requestFor(container, { incident: 'isolation' })
    const isolating = responder.act(request)
    const busy = await responder.act(request)
    t.match(busy, { outcome: 'already', detail: /being done/ })
    const freezing = responder.act(requestFor(other, { action: 'freeze', incident: 'other' }))
    t.ok((await freezing).frozenAfterMs! < FREEZE_GOAL_MS, 'another freeze does not wait for it')
    const isolated = await isolating
    t.equal(isolated.outcome, 'done', isolated.detail)
    t.ok(isolated.frozenAfterMs! < FREEZE_GOAL_MS)
    t.match(stepOf(isolated.steps, 'network')?.detail, /^down: eth0/)
    t.comment(`frozen after ${isolated.frozenAfterMs?.toFixed(2)} ms`)
    for (const { step, tookMs, detail } of isolated.steps)
      t.comment(`${step} ${tookMs} ms: ${detail}`)
    t.ok(container.isFrozen())
    t.notOk(await net.isReachable(), 'the peer does not reach it')
    server.child.stdin?.write('well?\n')
    await pause(300)
    t.equal(answers().length, 1, 'nobody answers')

    const directory = join(state, 'incidents/isolation')
    checkBundle(t, directory, container)
    const intact = await verifyBundle(directory, isolated.manifestSha256)
    t.match(intact, { kind: 'intact', manifestSha256: isolated.manifestSha256 })

    // A plimsoll that was started anew knows no more than what is on disk.
    const { kind, record } = await responderAt(t, container, state).release('isolation', BY)
    t.match(
      { kind, record },
      { kind: 'released', record: { outcome: 'done' } },
      record.details.join('; '),
    )
    t.match(record.details, [/^network: eth0 restored/, /^thawed$/])
    t.notOk(container.isFrozen())
    t.equal(await net.state(), stateBefore, 'addresses, routes and neighbours are as they were')
    // What was said meanwhile arrives by the very same connection.
    await until('the answer to what was said meanwhile', () => answers().length === 2)
    const [ticksAfter, ...after] = await say()
    t.same(after, ['3', 'whole'])
    t.ok(Number(ticksAfter) > Number(ticksBefore), 'it went on')
    t.notMatch(server.stdout(), 'closed')
    t.ok(await net.isReachable(), 'the peer reaches it again')
    const released = await responder.release('isolation', { actor: 'other', reason: 'again' })
    t.match(released, { kind: 'already', record: BY })
    t.match(await responder.act(request), { outcome: 'already', detail: /released by test/ })
    t.notOk(container.isFrozen(), 'the same incident does not freeze it again')
    t.match(
      await verifyBundle(directory),
      { kind: 'intact' },
      'a release leaves the bundle as it is',
    )
    await checkTampering(t, state, directory)
  },
)

/** That the bundle tells of the process, its memory, its file and its socket. */
function checkBundle(t: Test, directory: string, { pid, workload }: HeldContainer): void {
  const json = (name: string): unknown => JSON.parse(readFileSync(join(directory, name), 'utf8'))
  const raw = readFileSync(join(directory, 'changed-files.json'), 'utf8')
  // oxlint-disable-next-line no-control-regex -- none may be there
  t.notMatch(raw, /[\u0000-\u0009\u000b-\u001f]/, 'no control characters')
  const { files } = json('changed-files.json') as { files: { path: string }[] }
  t.match(
    files.find(({ path }) => path.startsWith('/tmp/changed')),
    {
      path: '/tmp/changed\\x0a\\x1b[31m',
      type: 'file',
      bytes: 7,
      mode: '0640',
      sha256: '8a2a77b7fcf1d9ca868b868f829e64558f586e6cbd31d800a54e2db68459959b',
    },
  )
  const processes = json('processes.json') as { pid: number; environmentNames: string[] }[]
  t.equal(processes.length, 1)
  t.match(processes[0], {
    pid,
    namespacePids: [pid, 1],
    comm: 'holder',
    exe: '/bin/holder',
    commandLine: ['/bin/holder', PEER],
    seccomp: 'filter',
  })
  t.notMatch(
    readFileSync(join(directory, 'processes.json'), 'utf8'),
    /\/usr\/local\/sbin/,
    'no values',
  )
  const [open] = json('open-files.json') as { pid: number; files: { socket?: object }[] }[]
  const sockets = open?.files.filter(({ socket }) => socket !== undefined)
  t.match(sockets, [
    { socket: { protocol: 'tcp', local: new RegExp(`^${INSIDE}:`), remote: `${PEER}:7007` } },
  ])
  t.match(readFileSync(join(directory, `maps/${pid}.txt`), 'utf8'), /\/bin\/holder\n/)
  t.match(json('incident.json'), {
    facts: {
      incident: 'isolation',
      containerId: workload.containerId,
      baselineRevision: 3,
      profile: 'sha256:abc',
      actor: 'rule:exec-drift',
    },
  })
  t.match(json('anomalies.json'), [{ id: 'anomaly-1', subject: { text: /^exec:\/tmp\/x\\x1b/ } }])
  t.match(json('timeline.json'), [{ subject: { text: 'connect:tcp:10.0.0.1:443' } }, {}])
}

/** That every file is under the manifest, and that the command names the one that is wrong. */
async function checkTampering(t: Test, state: string, directory: string): Promise<void> {
  const { files } = JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8')) as {
    files: { name: string }[]
  }
  t.ok(files.length >= 9, `${files.length} files`)
  const verify = ['incident', 'verify', 'isolation', '--state', state]
  for (const name of [...files.map((file) => file.name), 'manifest.json', 'manifest.sha256']) {
    const path = join(directory, name)
    const bytes = readFileSync(path)
    const flipped = Buffer.from(bytes)
    flipped.writeUInt8(flipped.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1)
    writeFileSync(path, flipped)
    const { status, out } = await plimsoll(verify)
    t.equal(status, 3, name)
    t.match(out.toString(), name === 'manifest.sha256' ? 'manifest.json' : name)
    writeFileSync(path, bytes)
  }
  const intact = await plimsoll(verify)
  t.equal(intact.status, 0)
  t.match(
    intact.out.toString(),
    /^isolation: intact, \d+ files, \d+ bytes\nmanifest [0-9a-f]{64}\n$/,
  )
}

liveTest('a kill ends a container, a frozen one too', NEEDS, async (t) => {
  for (const isFrozenBefore of [false, true]) {
    const container = await heldContainer(t)
    const responder = responderAt(t, container)
    const incident = `kill-${isFrozenBefore}`
    if (isFrozenBefore) {
      await podman().mustCli(['pause', container.name])
      await responder.act(requestFor(container, { action: 'freeze', incident }))
    }
    const killed = await responder.act(requestFor(container, { action: 'kill', incident }))
    t.equal(killed.outcome, 'done', killed.detail)
    await container.exited
    t.notOk(existsSync(`/proc/${container.pid}`))
    const gone = await responder.act(requestFor(container, { action: 'kill', incident: 'later' }))
    t.match(gone, { outcome: 'failed', detail: /has ended/ })
  }
})

liveTest('a dry run touches nothing', [...NEEDS, 'iproute2'], async (t) => {
  const net = await NetPair.make(t)
  const container = await heldContainer(t, [], { network: `ns:${net.path}` })
  const state = join(t.testdir(), 'state')
  const responder = responderAt(t, container, state)
  const before = await net.state()
  for (const action of ['freeze', 'isolate', 'kill'] as const) {
    const planned = await responder.act(requestFor(container, { action, dryRun: true }))
    t.equal(planned.outcome, 'dry-run')
    t.ok(planned.steps.length > 0)
    if (action === 'isolate') t.match(stepOf(planned.steps, 'network')?.detail, /take down eth0/)
  }
  t.notOk(container.isFrozen())
  t.equal(await net.state(), before)
  t.notOk(existsSync(state), 'not even a directory was made')
})

liveTest(
  "a container on the host's network keeps it, is said to, and is not thawed by rule",
  [...NEEDS, 'iproute2'],
  async (t) => {
    const container = await heldContainer(t, [], { network: 'host' })
    const responder = responderAt(t, container)
    const request = requestFor(container, { incident: 'host', afterwards: 'thaw' })
    const { steps, outcome } = await responder.act(request)
    t.match(stepOf(steps, 'network'), { outcome: 'nothing', detail: /shares the host's network/ })
    t.match(stepOf(steps, 'thaw'), { outcome: 'failed', detail: /kept frozen/ })
    t.equal(outcome, 'partly')
    t.ok(container.isFrozen())
    t.equal((await responder.release('host', BY)).record.outcome, 'done')
    t.notOk(container.isFrozen())
  },
)

liveTest(
  'two incidents hold one container: the last one to let go restores it',
  [...NEEDS, 'iproute2'],
  async (t) => {
    const net = await NetPair.make(t)
    const container = await heldContainer(t, [], { network: `ns:${net.path}` })
    const responder = responderAt(t, container)
    const before = await net.state()
    const first = await responder.act(
      requestFor(container, { incident: 'one', afterwards: 'thaw' }),
    )
    t.equal(first.outcome, 'done', first.detail)
    t.notOk(container.isFrozen(), 'thawed by rule')
    t.notOk(await net.isReachable(), 'without its network')
    await responder.act(requestFor(container, { incident: 'two', action: 'freeze' }))
    const third = await responder.act(requestFor(container, { incident: 'three' }))
    t.match(stepOf(third.steps, 'network'), { outcome: 'nothing', detail: /but loopback/ })
    const one = await responder.release('one', BY)
    t.match(one.record.details, [/network: incident three still/, /freeze: incident two still/])
    t.match((await responder.release('two', BY)).record.details, [/three still/, /three still/])
    t.ok(container.isFrozen())
    const three = await responder.release('three', BY)
    t.match(three.record.details, [/eth0 restored/, 'thawed'])
    t.notOk(container.isFrozen())
    t.equal(await net.state(), before)
    t.ok(await net.isReachable())
  },
)

liveTest(
  'a process that left for an empty network does not hide the one that its container uses',
  [...NEEDS, 'iproute2'],
  async (t) => {
    const net = await NetPair.make(t)
    const server = await net.serve(t)
    const script = `/bin/holder ${PEER} ${net.port} & exec /bin/busybox unshare -n /bin/sleep 300`
    const container = await heldContainer(t, [], {
      command: ['/bin/sh', '-c', script],
      network: `ns:${net.path}`,
      capAdd: ['SYS_ADMIN'],
    })
    const responder = responderAt(t, container)
    await until('the connection', () => server.stdout().includes('connected'))
    await until('the first process to leave', () => !isIn(net.path, container.pid))
    const before = await net.state()
    const isolated = await responder.act(requestFor(container, { incident: 'hidden' }))
    t.match(stepOf(isolated.steps, 'network'), { outcome: 'done', detail: /^down: eth0/ })
    t.notOk(await net.isReachable())
    await responder.act(requestFor(container, { incident: 'hidden', action: 'kill' }))
    await container.exited
    t.match(responder.store.readNow('hidden')?.actions, [{ action: 'isolate' }, { action: 'kill' }])
    const { record } = await responder.release('hidden', BY)
    t.match(record, { outcome: 'done', details: [/eth0 restored/, /container has ended/] })
    t.equal(await net.state(), before, 'a network that others may use is restored all the same')
  },
)

liveTest('a container of many processes is frozen and described as fast', NEEDS, async (t) => {
  const many = `i=0; while [ $i -lt ${MANY} ]; do /bin/sleep 300 & i=$((i+1)); done; exec /bin/holder`
  const container = await heldContainer(t, [], { command: ['/bin/sh', '-c', many] })
  const state = join(t.testdir(), 'state')
  const isolated = await responderAt(t, container, state).act(
    requestFor(container, { incident: 'many' }),
  )
  t.equal(isolated.outcome, 'done', isolated.detail)
  t.ok(isolated.frozenAfterMs! < FREEZE_GOAL_MS, `${isolated.frozenAfterMs} ms`)
  for (const { step, tookMs, detail } of isolated.steps)
    t.comment(`${step} ${tookMs} ms: ${detail}`)
  const directory = join(state, 'incidents/many')
  const processes: unknown = JSON.parse(readFileSync(join(directory, 'processes.json'), 'utf8'))
  t.equal((processes as unknown[]).length, MANY + 1)
  t.equal((await verifyBundle(directory)).kind, 'intact')
})

liveTest('what somebody else froze stays frozen after a release', NEEDS, async (t) => {
  const container = await heldContainer(t)
  const responder = responderAt(t, container)
  writeFileSync(join(container.directory, 'cgroup.freeze'), '1')
  const frozen = await responder.act(requestFor(container, { action: 'freeze', incident: 'late' }))
  t.match(stepOf(frozen.steps, 'freeze'), { outcome: 'nothing', detail: 'frozen already' })
  t.match((await responder.release('late', BY)).record.details, [/somebody else/])
  t.ok(container.isFrozen())
  writeFileSync(join(container.directory, 'cgroup.freeze'), '0')
})

liveTest('the v1 freezer freezes where v2 cannot', NEEDS, async (t) => {
  const container = await heldContainer(t)
  const freezer = v1Freezer(container.pid, container.workload.containerId)
  if (freezer === undefined) {
    t.notMatch(
      readFileSync('/proc/mounts', 'utf8'),
      /^\S+ \S+ cgroup \S*\bfreezer\b/m,
      'none is mounted',
    )
    return
  }
  t.equal(v1Freezer(process.pid, container.workload.containerId), undefined, 'not of another')
  t.notOk(isRequested(freezer))
  ask(freezer, true)
  t.ok(await reached(freezer, true, CLOCK, 2000))
  t.ok(isRequested(freezer))
  const switches = (): string | undefined => {
    const status = readFileSync(`/proc/${container.pid}/status`, 'utf8')
    return /^voluntary_ctxt_switches:\s*(\d+)$/m.exec(status)?.[1]
  }
  const before = switches()
  await pause(100)
  t.equal(switches(), before, 'it does not run')
  ask(freezer, false)
  t.ok(await reached(freezer, false, CLOCK, 2000))
  t.notOk(isFrozen(freezer))
})

liveTest('the commands list, show and release incidents', NEEDS, async (t) => {
  const container = await heldContainer(t)
  const state = join(t.testdir(), 'state')
  const responder = responderAt(t, container, state)
  await responder.act(requestFor(container, { incident: 'by-command' }))
  const listed = await plimsoll(['incident', 'ls', '--state', state])
  t.match(listed.out.toString(), /^INCIDENT +TIME .*\nby-command +20.* isolate +frozen +a program/)
  const shown = await plimsoll(['incident', 'show', 'by-c', '--state', state])
  t.match(shown.out.toString(), /\nanomalies +high drift: exec:\/tmp\/x/)
  t.match(shown.out.toString(), /network +nothing .* no link is up but loopback/)
  const release = ['incident', 'release', 'by-command', '--state', state]
  t.equal((await plimsoll(release)).status, 2, 'a reason is needed')
  t.ok(container.isFrozen())
  const released = await plimsoll([...release, '--reason', 'false alarm'], {
    SUDO_USER: 'operator',
  })
  t.equal(released.status, 0)
  t.match(released.out.toString(), /^by-command: released\n {2}thawed\n$/)
  t.notOk(container.isFrozen())
  const json = await plimsoll(['incident', 'show', 'by-command', '--json', '--state', state])
  t.match(JSON.parse(json.out.toString()), {
    state: 'released',
    release: { actor: 'cli:operator', reason: 'false alarm' },
  })
})
