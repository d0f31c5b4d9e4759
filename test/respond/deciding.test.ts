/** Who is acted upon and who is left alone, how often, and what is said of it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { protectedMember, targetOf } from '../../src/respond/protection.js'
import { RateLimit } from '../../src/respond/rate-limit.js'
import type { ResponseRequest } from '../../src/respond/request.js'
import { Responder, type ResponderOptions } from '../../src/respond/responder.js'
import { FakeClock } from '../workload/fake-clock.js'
import { CONTAINER_ID, requestOf, workloadOf } from '../support/response-requests.js'

const MINUTE_MS = 60_000

/** A cgroup tree of plain files, in which nothing ever happens by itself. */
function fakeTree(t: Test, pids: readonly number[] = []): string {
  const mount = join(t.testdir(), 'cgroup')
  const directory = join(mount, 'libpod_parent', `libpod-${CONTAINER_ID}`)
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'cgroup.procs'), `${pids.join('\n')}\n`)
  writeFileSync(join(directory, 'cgroup.freeze'), '0\n')
  writeFileSync(join(directory, 'cgroup.events'), 'populated 1\nfrozen 1\n')
  return mount
}

function responderOn(t: Test, mount: string, more: Partial<ResponderOptions> = {}): Responder {
  const clock = new FakeClock()
  return new Responder({ stateDirectory: join(t.testdirName, 'state'), mount, clock, ...more })
}

function freeze(more: Partial<ResponseRequest> = {}): ResponseRequest {
  return requestOf({ action: 'freeze', ...more })
}

t.test('what is never acted upon is refused with the reason', async (t) => {
  const cases: readonly [string, RegExp][] = [
    ['/', /root cgroup/],
    ['', /root cgroup/],
    ['/init.scope', /no container's/],
    ['/system.slice/containerd.service', /no container's/],
    ['/system.slice/docker.service', /no container's/],
    [`/libpod_parent/libpod-conmon-${CONTAINER_ID}`, /no container's/],
    ['/plimsoll/run-1-2-3-0', /no container's/],
    [`/libpod_parent/libpod-${CONTAINER_ID}/../../system.slice`, /no container's/],
    [`/libpod_parent/libpod-${'ee'.repeat(32)}`, /another container's/],
  ]
  for (const [path, why] of cases) {
    t.match(targetOf(path, workloadOf()), { kind: 'protected', why }, path)
  }
  const own = `/libpod_parent/libpod-${CONTAINER_ID}`
  t.match(targetOf(own, workloadOf()), { kind: 'container', container: { scopePath: own } })
  t.match(targetOf(`${own}/below`, workloadOf()), { container: { scopePath: own } })
  t.match(
    targetOf(own, workloadOf(), ({ containerName }) => `${containerName} is dear\u001b`),
    { kind: 'protected', why: 'protected by policy: web is dear\\u001b' },
  )
})

t.test("plimsoll, init and the host's runtimes are never acted upon", async (t) => {
  const responder = responderOn(t, fakeTree(t, [process.pid]))
  for (const action of ['freeze', 'isolate', 'kill'] as const) {
    const refused = await responder.act(freeze({ action, key: undefined }))
    t.match(refused, { outcome: 'refused', detail: /plimsoll itself/, steps: [] }, action)
  }
  t.equal(protectedMember([1]), 'init runs in it')
  t.equal(protectedMember([]), undefined)
  t.notOk(existsSync(join(t.testdirName, 'state')))
  const files = t.testdir({ conmon: readFileSync('/bin/sleep') })
  const conmon = join(files, 'conmon')
  chmodSync(conmon, 0o755)
  const child = spawn(conmon, ['60'])
  t.teardown(() => child.kill('SIGKILL'))
  await once(child, 'spawn')
  if (process.getuid?.() === 0)
    t.match(protectedMember([child.pid ?? 0]), /container runtime's conmon/)
})

t.test('an alert asks for nothing, and a container that has ended is said to have', async (t) => {
  const responder = responderOn(t, join(t.testdir(), 'nothing'))
  t.match(await responder.act(freeze({ action: 'alert' })), { outcome: 'done', steps: [] })
  t.match(await responder.act(freeze()), { outcome: 'failed', detail: 'the container has ended' })
  const bad = await responder.act(freeze({ incident: '../x' }))
  t.match(bad, { outcome: 'refused', detail: /no usable id/ })
})

t.test('a freeze is asked for before anything is awaited, and is on record', async (t) => {
  const mount = fakeTree(t)
  const responder = responderOn(t, mount)
  const directory = join(mount, 'libpod_parent', `libpod-${CONTAINER_ID}`)
  const acting = responder.act(freeze())
  t.equal(readFileSync(join(directory, 'cgroup.freeze'), 'utf8')[0], '1')
  t.match(responder.store.readNow('incident-1'), { freeze: { wasFrozen: false } })
  const result = await acting
  t.match(result, { outcome: 'done', steps: [{ step: 'freeze', outcome: 'done' }] })
  t.match(responder.store.readNow('incident-1')?.actions, [{ action: 'freeze', outcome: 'done' }])
})

t.test(
  'a container that cannot be frozen is said to be, and is isolated all the same',
  async (t) => {
    const mount = fakeTree(t)
    const directory = join(mount, 'libpod_parent', `libpod-${CONTAINER_ID}`)
    writeFileSync(join(directory, 'cgroup.events'), 'populated 1\nfrozen 0\n')
    const clock = { nowMs: () => 0, sleep: () => new Promise<void>((done) => setTimeout(done, 1)) }
    const responder = responderOn(t, mount, { tools: 'ip is missing', clock })
    const result = await responder.act(requestOf({ afterwards: 'thaw' }))
    t.equal(result.outcome, 'partly')
    t.match(result.steps, [
      { step: 'freeze', outcome: 'failed', detail: /has not stopped/ },
      { step: 'network', outcome: 'failed', detail: 'ip is missing' },
      { step: 'bundle', outcome: 'done', detail: /no process is left/ },
      { step: 'thaw', outcome: 'failed', detail: /not detached/ },
    ])
    t.equal(result.frozenAfterMs, undefined)
  },
)

t.test(
  'a state directory that cannot be written does not keep a container from being frozen',
  async (t) => {
    const mount = fakeTree(t)
    const stateDirectory = join(mount, 'libpod_parent', `libpod-${CONTAINER_ID}`, 'cgroup.procs')
    const result = await responderOn(t, mount, { stateDirectory }).act(freeze())
    t.equal(result.outcome, 'partly')
    t.match(result.steps[0], {
      step: 'record',
      outcome: 'failed',
      detail: /not a directory/,
    })
    t.ok(result.steps.some(({ step, outcome }) => step === 'freeze' && outcome === 'done'))
  },
)

t.test('repeats are limited, a first occurrence never is', async (t) => {
  const clock = new FakeClock()
  const responder = responderOn(t, fakeTree(t), { clock })
  const outcomes: string[] = []
  for (let i = 0; i < 8; i++) {
    outcomes.push((await responder.act(freeze({ incident: `again-${i}`, key: 'same' }))).outcome)
  }
  t.strictSame(outcomes, [...Array.from({ length: 6 }, () => 'done'), 'limited', 'limited'])
  for (let i = 0; i < 20; i++) {
    const fresh = await responder.act(freeze({ incident: `new-${i}`, key: `new-${i}` }))
    t.equal(fresh.outcome, 'done')
  }
  const person = await responder.act(freeze({ incident: 'person', key: undefined }))
  t.equal(person.outcome, 'done', 'a person is not limited')
  const limited = await responder.act(freeze({ incident: 'again-9', key: 'same' }))
  t.match(limited, { outcome: 'limited', detail: /again in \d+ s/ })
  t.notOk(existsSync(join(t.testdirName, 'state/incidents/again-9')))
})

t.test('the limit counts repeats within a minute, for each container apart', async (t) => {
  const limit = new RateLimit({ perMinute: 2 })
  const act = (container: string, key: string, nowMs: number): boolean => {
    if (limit.waitMs(container, key, nowMs) > 0) return false
    limit.acted(container, key, nowMs)
    return true
  }
  t.ok(act('a', 'k', 0), 'first')
  t.ok(act('a', 'k', 1))
  t.ok(act('a', 'k', 2))
  t.notOk(act('a', 'k', 3))
  t.equal(limit.waitMs('a', 'k', 3), MINUTE_MS - 2)
  t.ok(act('b', 'k', 3), 'another container')
  t.ok(act('a', 'j', 3), 'another key')
  t.notOk(act('a', 'j', 4), 'whose repeats count with the others')
  t.ok(act('a', 'k', MINUTE_MS + 1))
})

t.test('what is forgotten counts as new', async (t) => {
  const limit = new RateLimit({ perMinute: 1, maxKeys: 2, maxContainers: 2 })
  for (const key of ['a', 'a', 'b', 'c']) limit.acted('x', key, 0)
  t.equal(limit.waitMs('x', 'a', 0), 0)
  t.ok(limit.waitMs('x', 'c', 0) > 0)
  for (const container of ['y', 'z']) limit.acted(container, 'a', 0)
  t.equal(limit.waitMs('x', 'c', 0), 0)
})
