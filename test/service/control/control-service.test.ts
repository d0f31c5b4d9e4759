/** The service Control over a socket: what it refuses, what it puts on record, and that it does things once. */
import { appendFileSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { failure } from '../../../src/errors.js'
import type { ResponseResult } from '../../../src/respond/request.js'
import { OperatorLog } from '../../../src/service/audit/operator-log.js'
import type { OperatorEntry } from '../../../src/service/audit/entry.js'
import type { Caller } from '../../../src/service/caller.js'
import { CONTROL_SERVICE } from '../../../src/service/control-methods.js'
import { ControlService } from '../../../src/service/control/control-service.js'
import type { ControlSource, ResponseOrder } from '../../../src/service/control/control-source.js'
import { Idempotency } from '../../../src/service/control/idempotency.js'
import { firstOccurrences } from '../../../src/service/journal/first-occurrences.js'
import { MemoryJournal } from '../../support/memory-journal.js'
import { type Call, served } from '../../support/grpc-server.js'
import { refusalOf } from '../../support/service-client.js'

const HASH = 'ab'.repeat(32)
const RESPOND = {
  container: 'web',
  action: 2,
  reason: 'looks bad',
  idempotencyKey: 'key-00000001',
}

function resultOf(order: ResponseOrder): ResponseResult {
  return {
    incident: order.incident,
    action: order.action,
    outcome: order.isRepeat ? 'already' : order.dryRun ? 'dry-run' : 'done',
    containerId: 'c0'.repeat(32),
    cgroupPath: '/x',
    actor: order.actor,
    reason: order.reason,
    detail: 'frozen',
    atMs: 5,
    steps: [{ step: 'freeze', outcome: 'done', detail: 'frozen, v2', tookMs: 1.5 }],
    frozenAfterMs: 1.25,
    directory: '/state/incidents/x',
    manifestSha256: HASH,
  }
}

class Served {
  readonly orders: ResponseOrder[] = []
  readonly unrecorded: string[] = []
  caller: Caller = { role: 'responder', name: 'cert:ann' }
  /** What `respond` waits for. */
  gate: Promise<void> = Promise.resolve()
  nowMs = 1_700_000_000_000
  readonly state: string
  call: Call = () => Promise.reject(new Error('not served yet'))

  private constructor(state: string) {
    this.state = state
  }

  static async start(t: Test, source: Partial<ControlSource> = {}): Promise<Served> {
    const one = new Served(t.testdir())
    await one.serve(t, source)
    return one
  }

  /** Serves it, as a process that was started again does. */
  async serve(t: Test, source: Partial<ControlSource> = {}): Promise<void> {
    const service = new ControlService({
      source: {
        policy: () => ({ yaml: 'version: 1\n', sha256: HASH, path: '/etc/policy.yaml' }),
        setPolicy: async ({ dryRun, anomalies }) => {
          const ids: string[] = []
          for await (const { id } of anomalies) ids.push(id ?? '')
          const allowedCount = ids.length
          return {
            sha256: HASH,
            warnings: ['w'],
            allowedAnomalies: ids,
            allowedCount,
            applied: !dryRun,
          }
        },
        modes: () => [],
        setMode: async ({ image, mode, actor, reason }) => ({
          key: `container-${HASH}`,
          imageName: image,
          mode,
          actor,
          reason,
          atMs: 7,
        }),
        respond: async (order) => {
          this.orders.push(order)
          await this.gate
          return resultOf(order)
        },
        release: async ({ incident }) => ({ incident, outcome: 'partly', details: ['no ip'] }),
        ...source,
      },
      recorder: new OperatorLog(this.state, { nowMs: () => this.nowMs }),
      stateDirectory: this.state,
      nowMs: () => this.nowMs,
      anomalies: () => firstOccurrences(journal()),
      unrecorded: ({ code }) => this.unrecorded.push(code),
    })
    this.call = await served(t, [[CONTROL_SERVICE, service]], () => this.caller)
  }

  entries(): readonly OperatorEntry[] {
    const text = readFileSync(join(this.state, 'audit', 'operator.jsonl'), 'utf8').trimEnd()
    return text.split('\n').map((line) => JSON.parse(line) as OperatorEntry)
  }
}

function journal(): MemoryJournal {
  const kept = new MemoryJournal()
  for (let n = 0; n < 600; n++)
    kept.append({ anomaly: { id: `a-${n}`, state: n % 2 === 0 ? 1 : 2 } })
  return kept
}

t.test(
  'a request that lacks something is refused by the name of the field, and leaves no trace',
  async (t) => {
    const { call, state } = await Served.start(t)
    const { respond, setMode, setPolicy, release } = CONTROL_SERVICE
    const cases: readonly [Promise<unknown>, RegExp][] = [
      [call(respond, { ...RESPOND, reason: '' }), /^reason: it is mandatory/],
      [call(respond, { ...RESPOND, reason: ' \n ' }), /^reason: it is mandatory/],
      [call(respond, { ...RESPOND, reason: 'x'.repeat(257) }), /^reason: it has more than 256/],
      [call(respond, { ...RESPOND, idempotencyKey: 'short12' }), /^idempotency_key/],
      [call(respond, { ...RESPOND, idempotencyKey: 'x'.repeat(129) }), /^idempotency_key/],
      [call(respond, { ...RESPOND, idempotencyKey: '12345678\n' }), /^idempotency_key/],
      [call(respond, { ...RESPOND, action: 0 }), /^action: it is mandatory/],
      [call(respond, { ...RESPOND, action: 9 as never }), /^action: 9 is none/],
      [call(respond, { ...RESPOND, container: '' }), /^container/],
      [call(respond, { ...RESPOND, incident: '../etc' }), /^incident/],
      [call(setMode, { image: 'web', mode: 7 as never, reason: 'r' }), /^mode: 7 is none/],
      [call(setMode, { image: '', mode: 1, reason: 'r' }), /^image/],
      [call(setMode, { image: 'web', mode: 1 }), /^reason/],
      [call(setPolicy, { yaml: '', expectedSha256: 'x', reason: 'r' }), /^expected_sha256/],
      [call(setPolicy, { yaml: '' }), /^reason/],
      [call(release, { incident: 'i', reason: '' }), /^reason/],
    ]
    for (const [refused, message] of cases) {
      t.match(
        await refusalOf(refused),
        { status: 3, code: 'BAD_REQUEST', message },
        String(message),
      )
    }
    t.throws(() => statSync(join(state, 'audit')), { code: 'ENOENT' })
    t.throws(() => statSync(join(state, 'control')), { code: 'ENOENT' })
  },
)

t.test('every change is on record before and after, under the name of the caller', async (t) => {
  const one = await Served.start(t)
  const policy = await one.call(CONTROL_SERVICE.setPolicy, { yaml: 'x', reason: 'tighter' })
  t.match({ ...policy }, { sha256: HASH, applied: true, warnings: ['w'] })
  t.equal(policy.allowedAnomalies?.length, 300, 'first occurrences only')
  one.caller = { role: 'admin', name: 'socket:admin' }
  const mode = await one.call(CONTROL_SERVICE.setMode, { image: 'web', mode: 3, reason: 'new' })
  t.match({ ...mode.mode }, { mode: 3, imageName: 'web', baselineKey: `container-${HASH}` })
  const released = await one.call(CONTROL_SERVICE.release, { incident: 'op-1', reason: 'ok\u001b' })
  t.match({ ...released }, { incident: 'op-1', outcome: 'partly', details: ['no ip'] })
  t.equal((await one.call(CONTROL_SERVICE.getPolicy, {})).sha256, HASH)
  t.same((await one.call(CONTROL_SERVICE.listModes, {})).modes, [])
  t.match(one.entries(), [
    { actor: 'cert:ann', action: 'SetPolicy', target: '/etc/policy.yaml', phase: 'begun' },
    {
      actor: 'cert:ann',
      action: 'SetPolicy',
      phase: 'done',
      details: /"begun":1,.*"applied":true/,
    },
    { actor: 'socket:admin', action: 'SetMode', phase: 'begun', details: /"mode":"learn"/ },
    { actor: 'socket:admin', action: 'SetMode', phase: 'done', reason: 'new' },
    { action: 'Release', target: 'op-1', reason: 'ok\\u001b', phase: 'begun' },
    { action: 'Release', phase: 'done', details: /"outcome":"partly"/ },
  ])
})

t.test(
  'what is refused or fails is on record as that, and nothing is done that cannot be recorded',
  async (t) => {
    const refuse = await Served.start(t, {
      respond: () => Promise.reject(failure('CONTAINER_NOT_FOUND', { ref: 'web' })),
      setPolicy: () => Promise.reject(failure('FILE_UNWRITABLE', { path: '/p', problem: 'full' })),
    })
    const { call } = refuse
    t.match(await refusalOf(call(CONTROL_SERVICE.respond, RESPOND)), {
      code: 'CONTAINER_NOT_FOUND',
    })
    const change = { yaml: 'x', reason: 'r' }
    t.match(await refusalOf(call(CONTROL_SERVICE.setPolicy, change)), { code: 'FILE_UNWRITABLE' })
    t.match(
      refuse.entries().map(({ phase }) => phase),
      ['begun', 'refused', 'begun', 'failed'],
    )
    appendFileSync(join(refuse.state, 'audit', 'operator.jsonl'), 'no entry\n')
    t.match(await refusalOf(call(CONTROL_SERVICE.release, { incident: 'i', reason: 'r' })), {
      code: 'AUDIT_UNWRITABLE',
      status: 9,
    })
  },
)

t.test('a request with a key is done once, also across a restart', async (t) => {
  const one = await Served.start(t)
  const { respond } = CONTROL_SERVICE
  let open = (): void => undefined
  one.gate = new Promise((resolve) => (open = resolve))
  const both = [one.call(respond, RESPOND), one.call(respond, RESPOND)]
  while (one.orders.length === 0) await new Promise(setImmediate)
  open()
  const [first, second] = await Promise.all(both)
  t.not(first?.repeatedRequest, second?.repeatedRequest)
  t.match(first?.result, { outcome: 'done', action: 'isolate', frozenAfterMs: 1.25 })
  t.equal(one.orders.length, 1)
  t.match(one.orders[0]?.incident, /^op-[0-9a-f]{32}$/)

  await one.serve(t)
  const again = await one.call(respond, RESPOND)
  t.ok(again.repeatedRequest)
  t.match(again.result, { ...first?.result })
  t.equal(one.orders.length, 1)
  for (const other of [{ action: 3 }, { container: 'db' }, { thaw: true }, { reason: 'why' }]) {
    const refused = await refusalOf(one.call(respond, { ...RESPOND, ...other }))
    t.match(refused, { status: 6, code: 'IDEMPOTENCY_KEY_USED' }, JSON.stringify(other))
  }
  one.caller = { role: 'responder', name: 'cert:bob' }
  t.notOk((await one.call(respond, RESPOND)).repeatedRequest, 'keys are of one caller')
  t.not(one.orders[1]?.incident, one.orders[0]?.incident)
  one.caller = { role: 'responder', name: 'cert:ann' }
  one.nowMs += 25 * 60 * 60 * 1000
  t.notOk((await one.call(respond, RESPOND)).repeatedRequest, 'for a day')
  t.same(one.unrecorded, [])
})

t.test(
  'a request that was begun by a process that is no more comes to the same incident',
  async (t) => {
    const one = await Served.start(t, { respond: () => new Promise(() => undefined) })
    void one.call(CONTROL_SERVICE.respond, RESPOND).catch(() => undefined)
    const log = join(one.state, 'audit', 'operator.jsonl')
    while (statSync(log, { throwIfNoEntry: false }) === undefined) await new Promise(setImmediate)
    // Killed while it wrote.
    const kept = join(one.state, 'control', 'idempotency.jsonl')
    appendFileSync(kept, '{"id":"00')
    await one.serve(t)
    const { result, repeatedRequest } = await one.call(CONTROL_SERVICE.respond, RESPOND)
    t.ok(repeatedRequest)
    t.match(one.orders, [{ isRepeat: true, incident: result?.incident }])
    t.ok((await one.call(CONTROL_SERVICE.respond, RESPOND)).repeatedRequest)
    t.equal(one.orders.length, 1, 'and is answered from then on')
  },
)

t.test(
  'keys are kept for a while and for so many, whatever the file has been through',
  async (t) => {
    const state = t.testdir({ control: { 'idempotency.jsonl': '[]\n{"id":1}\nnot json\n\n' } })
    let nowMs = 1
    const path = join(state, 'control', 'idempotency.jsonl')
    const old = Array.from({ length: 10_050 }, (_, n) =>
      JSON.stringify({ id: `k${n}`, request: 'r', atMs: 1, answer: 'QQ==' }),
    )
    appendFileSync(path, `${old.join('\n')}\n`)
    const keys = new Idempotency(state, () => nowMs)
    t.same(await keys.begin('k10', 'x'), { kind: 'new' }, 'the oldest are let go')
    await t.rejects(keys.begin('k10', 'y'), { code: 'IDEMPOTENCY_KEY_USED' })
    await t.rejects(keys.begin('k10049', 'y'), { code: 'IDEMPOTENCY_KEY_USED' })
    t.same(await keys.begin('k10', 'x'), { kind: 'unfinished' })
    await keys.done('k10', Buffer.from('A'))
    t.match(await keys.begin('k10', 'x'), { kind: 'answered', answer: Buffer.from('A') })
    t.ok(readFileSync(path, 'utf8').split('\n').length < 10_010)
    nowMs += 24 * 60 * 60 * 1000
    t.same(await keys.begin('k10049', 'y'), { kind: 'new' })
    const again = new Idempotency(state, () => nowMs)
    t.same(await again.begin('k10049', 'y'), { kind: 'unfinished' })
    t.ok(readFileSync(path, 'utf8').split('\n').length < 10, 'what is too old goes')
  },
)
