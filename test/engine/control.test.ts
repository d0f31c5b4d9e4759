/** What enforcement may be told: modes of images, another policy, and that rules are put on record without being waited for. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { BaselineStore } from '../../src/baseline/store.js'
import { type ByteString, byteStringOf, displayOf } from '../../src/bytes.js'
import { ANOMALY_KINDS, kindOf, type Subject } from '../../src/detect/anomaly.js'
import { bytesOfDisplay } from '../../src/engine/anomaly-of-message.js'
import type { WatchedContainer } from '../../src/engine/detection.js'
import { Control } from '../../src/engine/enforcement-control.js'
import { findContainer } from '../../src/engine/find-container.js'
import { ImageModes } from '../../src/engine/image-modes.js'
import type { LoadedPolicy } from '../../src/engine/policy-file.js'
import { findPolicy, PolicyInForce } from '../../src/engine/policy-in-force.js'
import { allowedAmong } from '../../src/engine/policy-rejudge.js'
import { Requests } from '../../src/engine/requests.js'
import { Responses } from '../../src/engine/responses.js'
import { SealedImages } from '../../src/engine/sealed-images.js'
import type { plimsoll } from '../../src/gen/plimsoll.js'
import { answerLabel } from '../../src/kernel/denial-answer.js'
import { ABIS } from '../../src/observation.js'
import type { ResponseRequest, ResponseResult } from '../../src/respond/request.js'
import { Responder } from '../../src/respond/responder.js'
import { raisedFacts } from '../support/anomalies.js'
import {
  argument,
  call,
  capability,
  connect,
  denied,
  exec,
  foreign,
  listen,
  operation,
  policyOf,
} from '../support/policies.js'
import { workloadOf } from '../support/response-requests.js'

const DIGEST = workloadOf().imageDigest
const KEY = `container-${DIGEST.slice(7)}`
const MODE = { key: KEY, imageName: 'web', actor: 'cli:ann', reason: 'r', atMs: 1 }

/** As another version of plimsoll may write it. */
const NEWER = 99 as plimsoll.v1.AnomalyKind

type Message = plimsoll.v1.Anomaly.$Properties

async function* messages(all: readonly Message[]): AsyncGenerator<Message> {
  yield* all
}

/** As the service tells of it. */
function messageOf(subject: Subject, more: Partial<Message> = {}): Message {
  const { workload } = raisedFacts(10, 1_000)
  const hex = (text: ByteString): string => displayOf(text)
  const told = (): plimsoll.v1.AnomalySubject.$Properties => {
    switch (subject.kind) {
      case 'syscall':
      case 'abi':
        return { abi: ABIS.indexOf(subject.abi) + 1, syscallNr: subject.nr }
      case 'argument':
        return { abi: ABIS.indexOf(subject.abi) + 1, syscallNr: subject.nr, value: subject.value }
      case 'denied': {
        const answer = answerLabel(subject.answer)
        return { abi: ABIS.indexOf(subject.abi) + 1, syscallNr: subject.nr, answer }
      }
      case 'exec':
        return { path: hex(subject.path), exe: hex(subject.exe) }
      case 'connect':
      case 'listen': {
        const protocol = ['tcp', 'udp', 'unix'].indexOf(subject.protocol) + 1
        return { protocol, address: hex(subject.address), port: subject.port }
      }
      case 'capability':
        return { capability: subject.capability }
      case 'io_uring':
        return { opcode: subject.opcode }
      case 'sensor':
        return { trouble: subject.what, detail: subject.detail }
      case 'resource': {
        const { resource, value, learned } = subject
        return { resource, observed: value, learned }
      }
    }
  }
  return {
    id: `${kindOf(subject)}`,
    kind: ANOMALY_KINDS.indexOf(kindOf(subject)) + 1,
    subject: told(),
    workload: { ...workload, imageDigest: DIGEST },
    process: { lineage: 2, exe: 'nginx', path: '/usr/sbin/nginx' },
    evidence: { source: 1 },
    ...more,
  }
}

t.test('modes are kept, and a file that is not whole is no modes', async (t) => {
  const state = t.testdir()
  const modes = await ImageModes.load(state)
  t.equal(modes.of(DIGEST), 'enforce')
  await Promise.all([
    modes.set({ ...MODE, mode: 'learn' }),
    modes.set({ ...MODE, key: `container-${'ff'.repeat(32)}`, mode: 'observe' }),
  ])
  const read = await ImageModes.load(state)
  t.equal(read.of(DIGEST), 'learn')
  t.equal(read.all().length, 2)
  await read.set({ ...MODE, mode: 'enforce' })
  t.same(
    (await ImageModes.load(state)).all().map(({ mode }) => mode),
    ['observe'],
  )
  const path = join(state, 'modes.json')
  const good = readFileSync(path, 'utf8')
  const cases: readonly [string, string][] = [
    ['half a file', good.slice(0, 40)],
    ['empty', ''],
    ['another format', good.replace('"format": 1', '"format": 2')],
    ['an unknown mode', good.replace('observe', 'ignore')],
    ['a mode that says nothing', good.replace('observe', 'enforce')],
    ['another field', good.replace('"format": 1', '"format": 1, "more": 1')],
    ['another key', good.replace('container-', 'command-')],
  ]
  for (const [name, text] of cases) {
    writeFileSync(path, text)
    await t.rejects(ImageModes.load(state), { code: 'MODES_DAMAGED', message: /modes\.json/ }, name)
  }
})

t.test('an image that is learned is held to nothing, at once, until it is set back', async (t) => {
  const state = t.testdir()
  const modes = await ImageModes.load(state)
  const held: (readonly [string, boolean])[] = []
  const sealed = new SealedImages(
    new BaselineStore(state),
    { hold: (digest, to) => void held.push([digest, to !== undefined]) },
    (digest) => modes.of(digest) === 'learn',
  )
  const set: string[] = []
  const watched = { workload: { ...workloadOf(), imageDigest: DIGEST } } as WatchedContainer
  const policy = new PolicyInForce(
    await findPolicy({ policyPath: undefined, stateDirectory: state }),
    {
      stateDirectory: state,
      policyPath: undefined,
      sealedOf: () => undefined,
      changed: () => undefined,
    },
  )
  const control = new Control({
    store: new BaselineStore(state),
    clock: { nowMs: () => 9, sleep: () => Promise.resolve() },
    policy,
    modes,
    sealed,
    requests: {} as Requests,
    detection: () => ({ containers: () => [watched] }) as never,
    timeline: () => [],
    losses: new Map(),
    events: { modeSet: ({ mode }) => set.push(mode) },
  })
  const by = { actor: 'cli:ann', reason: 'new release' }
  for (const image of ['localhost/web:1', 'web', DIGEST, DIGEST.slice(0, 20), KEY]) {
    t.match(await control.setMode({ image, mode: 'learn', ...by }), { key: KEY, atMs: 9, ...by })
  }
  t.match(control.modes(), [{ key: KEY, mode: 'learn', imageName: 'localhost/web:1' }])
  t.same(held.splice(0).at(-1), [DIGEST, false])
  await t.rejects(control.setMode({ image: 'db', mode: 'learn', ...by }), {
    code: 'BASELINE_NOT_FOUND',
  })
  await control.setMode({ image: 'web', mode: 'enforce', ...by })
  t.same(control.modes(), [])
  t.equal(set.length, 6)
  t.match(control.policy(), { yaml: /version: 1/, sha256: /^[0-9a-f]{64}$/, path: /policy\.yaml$/ })
})

t.test(
  'another policy is checked, written beside the one before, and in force at once',
  async (t) => {
    const state = t.testdir()
    const changed: LoadedPolicy[] = []
    const options = {
      stateDirectory: state,
      policyPath: undefined as string | undefined,
      sealedOf: () => undefined,
      startedWith: 'learn' as const,
      changed: (policy: LoadedPolicy) => void changed.push(policy),
    }
    const inForce = new PolicyInForce(await findPolicy(options), options)
    const shipped = inForce.shown()
    const rule = (name: string): string =>
      `version: 1\nallow:\n  - name: ${name}\n    kind: syscall\n    syscalls: [uname]\n`
    const change = (yaml: string, more: object = {}): ReturnType<PolicyInForce['replace']> =>
      inForce.replace({
        yaml,
        expectedSha256: '',
        dryRun: false,
        anomalies: messages([messageOf(call('uname')), messageOf(call('chmod'))]),
        ...more,
      })
    const dry = await change(rule('one'), { dryRun: true })
    t.match(dry, { applied: false, allowedAnomalies: ['syscall'], allowedCount: 1 })
    t.match(dry.warnings, [], 'nothing to say')
    t.equal(inForce.shown().sha256, shipped.sha256)
    await t.rejects(change('version: 1\ndeny: ['), { code: 'POLICY_INVALID', message: /2:/ })
    await t.rejects(change(rule('one'), { expectedSha256: '00'.repeat(32) }), {
      code: 'POLICY_CHANGED',
    })
    t.match(await change(rule('one'), { expectedSha256: shipped.sha256 }), { applied: true })
    const path = join(state, 'policy.yaml')
    t.equal(readFileSync(path, 'utf8'), rule('one'))
    t.equal(inForce.shown().path, path)
    t.equal((await findPolicy(options)).path, path, 'and at the next start')
    t.equal(changed.length, 1)
    const second = await change(`${rule('two')}unknownImages: alert\n`, {
      expectedSha256: inForce.shown().sha256,
    })
    t.match(second.warnings, [/unknownImages: alert takes effect with the next start/])
    t.equal(readFileSync(`${path}.previous`, 'utf8'), rule('one'))
    // Somebody wrote to the file, and nobody has had it read.
    writeFileSync(path, rule('three'))
    await t.rejects(change(rule('four'), { expectedSha256: second.sha256 }), {
      code: 'POLICY_CHANGED',
      message: /on disk/,
    })
    await inForce.reload()
    t.match(inForce.shown(), { yaml: rule('three') })

    // One that was named stays where it is, also behind a link.
    mkdirSync(join(state, 'etc'))
    writeFileSync(join(state, 'etc', 'mine.yaml'), rule('mine'), { mode: 0o640 })
    symlinkSync('etc/mine.yaml', join(state, 'link.yaml'))
    const named = { ...options, policyPath: join(state, 'link.yaml') }
    const mine = new PolicyInForce(await findPolicy(named), named)
    await mine.replace({
      yaml: rule('new'),
      expectedSha256: mine.shown().sha256,
      dryRun: false,
      anomalies: messages([]),
    })
    t.equal(readFileSync(join(state, 'etc', 'mine.yaml'), 'utf8'), rule('new'))
    t.equal((await findPolicy(named)).text, rule('new'))
  },
)

t.test('kept anomalies of every kind are judged as if they happened now', async (t) => {
  const subjects: readonly (readonly [Subject, string])[] = [
    [call('chmod'), 'kind: syscall, syscalls: [chmod]'],
    [argument('socket', 38), 'kind: argument, syscalls: [socket]'],
    [foreign('i386:chmod'), 'kind: abi, abis: [i386]'],
    [exec('/bin/a\\b\u0001'), 'kind: exec, paths: ["/bin/*"]'],
    [exec('/tmp/x', { upper: true }), 'kind: drift, paths: [/tmp/x]'],
    [exec('/dev/fd/3', { fileless: true }), 'kind: fileless, paths: [/dev/fd/*]'],
    [connect('tcp:10.1.2.3:443'), 'kind: connect, addresses: [10.0.0.0/8], ports: [443]'],
    [listen('unix:/run/x.sock'), 'kind: listen, sockets: [/run/*]'],
    [capability('CAP_SYS_ADMIN'), 'kind: capability, capabilities: [CAP_SYS_ADMIN]'],
    [operation('CONNECT'), 'kind: io_uring, opcodes: [CONNECT]'],
    [denied('mkdir'), 'kind: denied, syscalls: [mkdir]'],
    [{ kind: 'sensor', what: 'lost', detail: 'x' }, 'kind: sensor, troubles: [lost]'],
    [
      { kind: 'resource', resource: 'cpu', value: 9, learned: 1 },
      'kind: resource, resources: [cpu]',
    ],
  ]
  const all = subjects.map(([subject]) => messageOf(subject))
  for (const [subject, rule] of subjects) {
    const who = ['sensor', 'resource'].includes(subject.kind) ? '' : 'programs: [nginx], '
    const policy = policyOf(`allow: [{name: a, images: [web], ${who}${rule}}]`)
    const found = await allowedAmong(messages(all), { policy, sealedOf: () => undefined })
    t.match(found, { ids: [kindOf(subject)], count: 1, warnings: [] }, rule)
  }
  const labelled = policyOf('allow: [{name: a, kind: syscall, labels: [tier=prod]}]')
  const many = [...all, messageOf(call('chmod'), { kind: NEWER }), {}]
  const found = await allowedAmong(messages(many), { policy: labelled, sealedOf: () => undefined })
  t.match(found, { count: 0, warnings: [/labels/, /^2 kept anomalies/] })
  const flood = Array.from({ length: 500 }, (_, n) => messageOf(call('chmod'), { id: `${n}` }))
  const open = policyOf('allow: [{name: a, kind: syscall}]')
  const counted = await allowedAmong(messages(flood), { policy: open, sealedOf: () => undefined })
  t.match([counted.ids.length, counted.count], [100, 500])
})

t.test('text that was escaped for a message comes back as it was', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const text = byteStringOf(bytes)
      return bytesOfDisplay(displayOf(text)) === text
    }),
  )
  t.end()
})

t.test('containers are found by id, the beginning of one, or name', (t) => {
  const one = { workload: { ...workloadOf('ab'.repeat(32)), containerName: 'web' } }
  const two = { workload: { ...workloadOf('cd'.repeat(32)), containerName: 'web' } }
  const db = { workload: { ...workloadOf('ef'.repeat(32)), containerName: 'abababababab' } }
  const watched = [one, two, db] as WatchedContainer[]
  for (const ref of ['ab'.repeat(32), 'ab'.repeat(6)]) t.equal(findContainer(ref, watched), one)
  t.equal(findContainer('abababababab', [db as WatchedContainer]), db, 'a name that looks like one')
  for (const ref of ['', 'ababab', 'WEB', 'ab'.repeat(33), '0'.repeat(64)]) {
    t.throws(() => findContainer(ref, watched), { code: 'CONTAINER_NOT_FOUND' }, ref)
  }
  t.throws(() => findContainer('web', watched), { code: 'BAD_REQUEST', message: /^container: / })
  t.end()
})

t.test('a rule acts within the call, while what it does goes on record', async (t) => {
  const said: string[] = []
  let open = (): void => undefined
  const disk = new Promise<void>((resolve) => (open = resolve))
  let outcome: ResponseResult['outcome'] = 'done'
  let isFull = false
  const asked: ResponseRequest[] = []
  const responses = new Responses({
    stateDirectory: t.testdir(),
    mount: '/nowhere',
    clock: { nowMs: () => 1, sleep: () => Promise.resolve() },
    policy: () => policyOf(''),
    on: new Map([['high', 'freeze']]),
    dryRun: false,
    isObserved: (digest) => digest === DIGEST,
    afterwards: 'keep-frozen',
    responded: () => said.push('responded'),
    responder: {
      act: (request) => {
        asked.push(request)
        said.push('acted')
        return Promise.resolve({ ...request, outcome } as unknown as ResponseResult)
      },
    },
    recorder: {
      begin: async ({ actor, action, details }) => {
        said.push(`begin ${actor} ${action} ${String(details?.['response'])}`)
        await disk
        if (isFull) throw new Error('full')
        return { end: async (came) => void said.push(came) }
      },
    },
    troubled: ({ message }) => said.push(message),
  })
  const high = { ...raisedFacts(10, 1), id: 's-1', lastMs: 1, count: 1, severity: 'high' } as const
  const where = (): { cgroupPath: string; timeline: [] } => ({ cgroupPath: '/x', timeline: [] })
  responses.raised(high, where)
  t.same(
    said.splice(0),
    ['begin severity:high Respond freeze', 'acted'],
    'before anything is awaited',
  )
  await new Promise(setImmediate)
  t.same(said.splice(0), ['responded'], 'nor does who is told wait for the disk')
  open()
  await responses.settled()
  t.same(said.splice(0), ['done'])
  responses.raised({ ...high, id: 's-2' }, where)
  await responses.settled()
  t.same(said.splice(0), ['acted', 'responded'], 'once for an incident')

  outcome = 'limited'
  for (const id of ['s-3', 's-4']) responses.raised({ ...high, id, incident: 'i2' }, where)
  await responses.settled()
  t.equal(said.splice(0).filter((each) => each === 'refused').length, 1)
  outcome = 'done'
  isFull = true
  responses.raised({ ...high, id: 's-5', incident: 'i2' }, where)
  await responses.settled()
  t.match(said.splice(0), [/^begin/, 'acted', 'responded', /full/], 'what is not on record is said')

  responses.raised({ ...high, incident: 'i3', workload: workloadOf() }, where)
  await responses.settled()
  t.same(said.splice(0), ['acted', 'responded'], 'of an image that is observed: a dry run')
  t.equal(asked.at(-1)?.dryRun, true)
  t.equal(responses.anomaliesOf('i2').length, 3)
})

t.test('what a process that is no more has done is answered from its record', async (t) => {
  const state = t.testdir()
  const responder = new Responder({
    stateDirectory: state,
    mount: '/nowhere',
    clock: { nowMs: () => 1, sleep: () => Promise.resolve() },
  })
  const finds: string[] = []
  const requests = new Requests({
    responder,
    responses: { anomaliesOf: () => [], profileOf: () => '' },
    find: (ref) => {
      finds.push(ref)
      throw new Error('gone')
    },
    timelineOf: () => [],
    revisionOf: () => 0,
    dryRun: false,
  })
  const order = {
    container: 'web',
    action: 'kill',
    incident: 'op-1',
    dryRun: false,
    afterwards: 'keep-frozen',
    actor: 'cert:ann',
    reason: 'r',
  } as const
  const step = { step: 'kill', outcome: 'done', detail: 'killed 3 processes', tookMs: 1 } as const
  const taken = {
    action: 'kill',
    actor: 'cert:ann',
    reason: 'r',
    atMs: 5,
    outcome: 'done',
  } as const
  responder.store.create({
    format: 1,
    facts: { incident: 'op-1', containerId: 'c0', cgroupPath: '/x', cgroupId: 1 } as never,
    actions: [{ ...taken, steps: [step] }],
  })
  t.match(await requests.respond({ ...order, isRepeat: true }), {
    outcome: 'already',
    detail: /before plimsoll was started again: done/,
    steps: [step],
    containerId: 'c0',
  })
  t.same(finds, [])
  await t.rejects(requests.respond({ ...order, isRepeat: false }), { message: 'gone' })
  await t.rejects(requests.respond({ ...order, action: 'freeze', isRepeat: true }))
})
