/** `plimsoll watch` and `plimsoll ctl`, run in this process against a server that answers as a test says. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import { run } from '../../src/cli/program.js'
import { plimsoll as messages } from '../../src/gen/plimsoll.js'
import { messageFrom } from '../../src/cli/ctl-message.js'
import { watchLine } from '../../src/cli/watch-line.js'
import { jsonPath, protoPath, watchRequest } from '../../src/cli/watch-request.js'
import { fakeTerminal, type Outcome, plimsoll } from '../support/fake-terminal.js'
import {
  anomalyAt,
  type Answers,
  EPOCH,
  refusal,
  scriptedServer,
  socketPath,
  type WatchCall,
} from '../support/scripted-server.js'

const STATE = { sensorAttached: true, journalWritable: true, containersWatched: 2 }

/** First the state, then anomalies 1 to 4 as far as they come after the cursor. */
function fourAnomalies(call: WatchCall): void {
  call.write({ cursor: '', atMs: 1, collectorState: STATE })
  const after = Number(call.request.afterCursor?.split('-')[1] ?? 0)
  for (let sequence = after + 1; sequence <= 4; sequence++) call.write(anomalyAt(sequence))
}

interface Asked {
  readonly path: string
  readonly requests: readonly messages.v1.WatchRequest.$Properties[]
  readonly ask: (...args: readonly string[]) => Promise<Outcome>
}

async function served(
  t: Test,
  watch: (call: WatchCall, n: number) => void = fourAnomalies,
  answers: Answers = {},
): Promise<Asked> {
  const path = socketPath(t)
  const { address, requests } = await scriptedServer(t, path, watch, answers)
  return { path, requests, ask: (...args) => plimsoll(args, { PLIMSOLL_ADDRESS: address }) }
}

function linesOf(text: Buffer | string): readonly Record<string, unknown>[] {
  const lines = text.toString('utf8').split('\n')
  if (lines.pop() !== '') throw new Error('the last line is not whole')
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

function cursorsOf(text: Buffer | string): readonly unknown[] {
  return linesOf(text)
    .filter(({ type }) => type === 'anomaly')
    .map(({ cursor }) => cursor)
}

const CURSORS = [1, 2, 3, 4].map((sequence) => `${EPOCH}-${sequence}`)

t.test('options of watch become its request', async (t) => {
  const { ANOMALY_KIND_EXEC, ANOMALY_KIND_SENSOR } = messages.v1.AnomalyKind
  t.same(watchRequest({}), { now: true, filters: { allow: [], deny: [] } })
  t.same(watchRequest({ from: `${EPOCH}-3` }).afterCursor, `${EPOCH}-3`)
  t.same(
    watchRequest({
      from: 'earliest',
      kind: ['exec'],
      notKind: ['sensor'],
      minSeverity: 'high',
      image: ['nginx:*'],
      container: ['web', 'db'],
      fields: 'id, at,workload.imageName,evidence.loss_nearby',
    }),
    {
      earliest: true,
      filters: {
        allow: [
          {
            kinds: [ANOMALY_KIND_EXEC],
            minSeverity: messages.v1.Severity.SEVERITY_HIGH,
            images: ['nginx:*'],
            containers: ['web', 'db'],
          },
        ],
        deny: [{ kinds: [ANOMALY_KIND_SENSOR] }],
      },
      readMask: { paths: ['id', 'first_seen_ms', 'workload.image_name', 'evidence.loss_nearby'] },
    },
  )
  for (const name of ['at', 'atNs', 'last', 'workload.imageName', 'baselineRevision']) {
    t.equal(jsonPath(protoPath(name)), name)
    t.equal(jsonPath(name), name)
  }
})

t.test('every kind of event is a JSON object of its own', async (t) => {
  const { ANOMALY_KIND_EXEC } = messages.v1.AnomalyKind
  const anomaly = watchLine(anomalyAt(7) as Parameters<typeof watchLine>[0])
  t.match(anomaly, { type: 'anomaly', cursor: `${EPOCH}-7`, state: 'new', id: 'a7', kind: 'exec' })
  t.match(anomaly, { severity: 'high', workload: { containerName: 'web' }, at: /^2023-.*Z$/ })
  const few = watchLine(
    anomalyAt(7) as Parameters<typeof watchLine>[0],
    'id,workload.imageName,nope',
  )
  t.strictSame(few, {
    type: 'anomaly',
    cursor: `${EPOCH}-7`,
    id: 'a7',
    workload: { imageName: 'docker.io/library/nginx:1' },
    nope: undefined,
  })
  const gap = {
    cause: 1,
    count: 3,
    anomalies: [{ kind: ANOMALY_KIND_EXEC, severity: 4, count: 2 }],
  }
  t.match(watchLine({ cursor: 'c', atMs: 0, gap }), {
    type: 'gap',
    cursor: 'c',
    at: '1970-01-01T00:00:00.000Z',
    cause: 'retention',
    count: 3,
    anomalies: [{ kind: 'exec', severity: 'high', count: 2 }],
  })
  t.match(watchLine({ cursor: 'c', heartbeat: {} }), { type: 'heartbeat', cursor: 'c' })
  t.match(watchLine({ collectorState: STATE }), { type: 'collector_state', containersWatched: 2 })
  t.match(watchLine({ baselineChange: { what: 'sealed' } }), {
    type: 'baseline_change',
    what: 'sealed',
  })
  t.match(watchLine({ actionResult: { action: 'kill' } }), {
    type: 'action_result',
    action: 'kill',
  })
  t.match(watchLine({ cursor: 'c' }), { type: 'unknown', cursor: 'c' }, 'of a version to come')
})

t.test('watch prints lines until it has seen enough', async (t) => {
  const { ask, requests } = await served(t)
  const { status: exit, out, said } = await ask('watch', '--from', 'earliest', '--count', '3')
  t.equal(exit, 0)
  t.equal(said, '')
  t.same(cursorsOf(out), CURSORS.slice(0, 3))
  t.match(requests, [{ earliest: true }])
})

t.test(
  'a person gets readable lines, and is told what is missing, and once that it reconnects',
  async (t) => {
    const { path } = await served(t, (call, n) => {
      if (n === 0) {
        call.write({ collectorState: { ...STATE, journalWritable: false, journalProblem: 'full' } })
        call.write({
          gap: { cause: messages.v1.GapCause.GAP_CAUSE_RETENTION, count: 2, detail: 'old' },
        })
        call.write(anomalyAt(3))
        const { ANOMALY_STATE_REPEATED } = messages.v1.AnomalyState
        const { anomaly } = anomalyAt(4)
        call.write({
          ...anomalyAt(4),
          anomaly: { ...anomaly, state: ANOMALY_STATE_REPEATED, count: 9 },
        })
        call.write({
          cursor: `${EPOCH}-5`,
          actionResult: { action: 'freeze', outcome: 'done', actor: 'x' },
        })
      }
      if (n < 3) setImmediate(() => call.emit('error', refusal(status.UNAVAILABLE, 'STOPPING')))
      else {
        call.write({ collectorState: STATE })
        call.write(anomalyAt(6))
      }
    })
    const { terminal, outcome } = fakeTerminal({}, { isPiped: false })
    const args = ['watch', '--address', `unix:${path}`, '--from', 'earliest', '--count', '3']
    const { out, said } = outcome(await run(args, terminal))
    const lines = out.toString('utf8').split('\n')
    t.match(lines, [
      /^[\d:.]{12} HIGH +web: exec:\/bin\/sh +a3$/,
      /a4 {2}seen 9 times$/,
      /freeze .*: done, by x/,
      /a6$/,
      /^$/,
    ])
    t.match(said.split('\n'), [
      /the journal cannot be written \(full\), 0 events wait/,
      /2 events missing here \(retention\): old/,
      /said so; trying again until it answers/,
      /^hint: /,
      /connected again after [\d.]+ s/,
      /everything is seen and kept again/,
      /^$/,
    ])
  },
)

t.test('a cursor file is followed, and not ahead of what was handed over', async (t) => {
  const { ask, path, requests } = await served(t, fourAnomalies, {
    GetStats: () => ({ lastCursor: `${EPOCH}-1` }),
  })
  const file = join(t.testdir(), 'cursor')
  const args = ['watch', '--cursor-file', file]
  t.same(cursorsOf((await ask(...args, '--count', '1')).out), [CURSORS[1]])
  t.equal(readFileSync(file, 'utf8'), `${CURSORS[1]}\n`)
  t.same(cursorsOf((await ask(...args, '--count', '2')).out), CURSORS.slice(2))
  t.same(
    requests.map(({ afterCursor }) => afterCursor),
    [CURSORS[0], CURSORS[1]],
  )
  // A reader that goes away in the middle of an event has not had it.
  writeFileSync(file, `${CURSORS[0]}\n`)
  let handed = 0
  const { terminal, outcome } = fakeTerminal({}, { hand: () => ++handed < 3 })
  const gone = outcome(await run([...args, '--address', `unix:${path}`], terminal))
  t.equal(gone.status, 0, 'it ends quietly')
  t.equal(gone.said, '')
  t.equal(readFileSync(file, 'utf8'), `${CURSORS[1]}\n`)
  writeFileSync(file, 'nonsense')
  t.match(await ask(...args), {
    status: 1,
    said: /cannot go on from .*cursor: it does not hold a cursor\nhint: /,
  })
})

t.test('a file of events knows where it ends', async (t) => {
  const { ask, requests } = await served(t, fourAnomalies, {
    GetStats: () => ({ lastCursor: `${EPOCH}-1` }),
  })
  const file = join(t.testdir(), 'events.jsonl')
  const args = ['watch', '--out', file]
  const { out } = await ask(...args, '--count', '1')
  t.equal(out.length, 0)
  const [start] = linesOf(readFileSync(file, 'utf8'))
  t.strictSame(start, { type: 'start', cursor: CURSORS[0] }, 'it says where it begins')
  writeFileSync(file, `${readFileSync(file, 'utf8')}{"type":"anom`)
  await ask(...args, '--count', '2')
  t.same(cursorsOf(readFileSync(file, 'utf8')), CURSORS.slice(1))
  t.same(
    requests.map(({ afterCursor }) => afterCursor),
    [CURSORS[0], CURSORS[1]],
  )
  t.match(await ask(...args, '--cursor-file', 'x'), { status: 2, said: /leave out --cursor-file/ })
})

t.test('failures of watch and ctl say what to do', async (t) => {
  const { ask, path } = await served(
    t,
    (call) => call.emit('error', refusal(status.INVALID_ARGUMENT, 'BAD_REQUEST')),
    {
      GetAnomaly: () => {
        throw refusal(status.NOT_FOUND, 'ANOMALY_NOT_FOUND')
      },
      GetStats: () => {
        throw refusal(status.INTERNAL, 'NEW_CODE')
      },
    },
  )
  t.match(await ask('watch', '--from', 'x'), { status: 1, said: /^plimsoll: said so\nhint: / })
  t.match(await ask('ctl', 'anomaly', 'x'), { status: 1, said: /^plimsoll: said so\nhint: / })
  t.match(await ask('ctl', 'status'), { status: 1, said: /said so\nhint: .*NEW_CODE/ })
  const none = ['--address', `unix:${path}.none`]
  for (const args of [
    ['watch', '--no-reconnect', ...none],
    ['ctl', 'status', ...none],
  ]) {
    t.match(await ask(...args), {
      status: 1,
      said: /cannot reach unix:.*: no socket is there\nhint: /,
    })
  }
  const usage: readonly [readonly string[], RegExp][] = [
    [['watch', '--address', 'x'], /x is no address of a service/],
    [['watch', '--address', 'tcp:h:1'], /needs the files of TLS/],
    [['watch', '--tls-ca', 'x'], /give --tls-ca, --tls-cert and --tls-key together/],
    [['watch', '--kind', 'x'], /Allowed choices are syscall/],
    [['ctl', 'timeline'], /give one of --container and --incident/],
    [['ctl', 'respond', 'c', '--action', 'freeze'], /required option '--reason/],
    [['ctl', 'respond', 'c', '--reason', 'x'], /required option '--action/],
    [
      ['ctl', 'mode', 'set', 'i', 'x', '--reason', 'y'],
      /Allowed choices are enforce, observe, learn/,
    ],
    [['ctl', 'call', 'X/Y'], /no method; there are Monitor\/GetAnomaly/],
    [['ctl', 'call', 'Monitor/GetStats', '[]'], /GetStatsRequest: give a JSON object/],
    [['ctl', 'call', 'Monitor/GetStats', '{'], /this is no JSON/],
    [['ctl', 'call', 'Monitor/GetStats', '{"a":1}'], /it has no field a/],
  ]
  for (const [args, said] of usage) t.match(await ask(...args), { status: 2, said }, args.join(' '))
  const tls = ['--tls-ca', '/no/such', '--tls-cert', '/no/such', '--tls-key', '/no/such']
  const unusable = await ask('ctl', 'status', '--address', 'tcp:localhost:1', ...tls)
  t.match(unusable, { status: 1, said: /cannot use \/no\/such for TLS: no such file/ })
})

t.test('ctl asks, shows and answers with its status', async (t) => {
  const asked: object[] = []
  const noted =
    <Request extends object>(answer: object) =>
    (request: Request): object => {
      asked.push(request)
      return answer
    }
  const { anomaly } = anomalyAt(1)
  const answers: Answers = {
    GetStats: () => ({
      version: '0.2.0',
      state: { ...STATE, sensorAttached: false, sensorProblem: 'gone' },
    }),
    ListAnomalies: ({ pageToken }) =>
      pageToken === 'next'
        ? { anomalies: [anomaly] }
        : { anomalies: [anomaly], nextPageToken: 'next' },
    GetAnomaly: () => ({ anomaly, cursor: CURSORS[0] }),
    GetTimeline: noted({ entries: [{ atMs: 5, pid: 7, lineage: 2, what: 'exec:/x' }] }),
    ListBaselines: () => ({
      baselines: [{ key: 'container-1', origin: 2, name: 'nginx', completeness: 1 }],
    }),
    DiffBaselines: () => ({
      changes: [{ diffClass: 1, lineage: 2, item: 'ptrace', reasons: ['critical-call'] }],
      newDangerousCount: 1,
    }),
    ListCandidates: () => ({
      contentHash: 'abcdefabcdefabcd',
      candidates: [{ item: 'bpf', cause: 1 }],
    }),
    SealBaseline: () => ({ revision: 3, itemCount: 2, contentHash: 'h' }),
    ApproveItems: ({ items }) => ({ revision: 4, itemCount: items?.length, contentHash: 'h' }),
    RejectItems: ({ allCandidates }) => ({
      revision: 5,
      itemCount: allCandidates === true ? 9 : 0,
    }),
    MergeBaselines: ({ baselines }) => ({
      key: 'k',
      revision: 6,
      changed: true,
      runs: baselines?.length,
    }),
    ExportProfile: () => ({ content: Buffer.from('{}\n'), notes: ['n'] }),
    StartLearning: () => ({ key: 'k', changed: true }),
    StopLearning: () => ({ key: 'k' }),
    GetPolicy: () => ({ yaml: 'rules: []\n', sha256: 'abc', path: '/p' }),
    SetPolicy: noted({
      sha256: 'def',
      applied: true,
      warnings: ['w'],
      allowedCount: 1,
      allowedAnomalies: ['a1'],
    }),
    ListModes: () => ({ modes: [{ imageName: 'nginx', mode: 2, actor: 'cli:root', reason: 'r' }] }),
    SetMode: noted({ mode: { imageName: 'nginx', mode: 3 } }),
    Respond: noted({
      result: { action: 'freeze', outcome: 'refused', containerId: 'c', detail: 'protected' },
    }),
    Release: noted({ incident: 'i1', outcome: 'released', details: ['thawed'] }),
    ListEntries: () => ({
      entries: [{ sequence: 1, actor: 'cli:root', action: 'SetMode', phase: 'done' }],
    }),
    Verify: noted({ intact: false, firstBadLine: 4, problem: 'the hash differs' }),
  }
  const { ask } = await served(t, fourAnomalies, answers)
  const policy = join(t.testdir({ 'policy.yaml': 'rules: []\n' }), 'policy.yaml')
  const cases: readonly [args: string, exit: number, out: RegExp][] = [
    ['status', 3, /0\.2\.0 .*health: serving\nthe sensor is not attached \(gone\)/],
    ['anomalies', 0, /^ID.*\na1 .*exec:\/bin\/sh.*web.*\na1 /],
    ['anomalies --limit 1', 0, /^ID.*\na1 [^\n]*\n$/],
    ['anomaly a1', 0, /^high exec: exec:\/bin\/sh/],
    ['timeline --container web', 0, /7 {2}main {5}exec:\/x/],
    ['baselines ls', 0, /nginx .*store .*full/],
    [
      'baselines diff nginx nginx --after-revision 2',
      0,
      /new-dangerous {2}main {5}ptrace {2}critical-call/,
    ],
    ['baselines diff nginx nginx --check', 3, /ptrace/],
    ['baselines candidates nginx', 0, /bpf {3}never-learned/],
    ['baselines seal nginx --hash h --reason r', 0, /^sealed 2 items: revision 3/],
    ['baselines approve nginx chmod bpf --hash h --reason r', 0, /^approved 2 items: revision 4/],
    ['baselines reject nginx --all --hash h --reason r', 0, /^rejected 9 items: revision 5/],
    ['baselines merge nginx redis --reason r', 0, /^k: revision 6, 2 runs/],
    ['baselines export nginx', 0, /^{}\n$/],
    ['baselines learn nginx --reason r', 0, /^k is learned from now on\n$/],
    ['baselines unlearn nginx --reason r', 0, /^k is not learned from now on \(as before\)\n$/],
    ['policy get', 0, /^rules: \[\]\n$/],
    [
      `policy set ${policy} --reason r --expect abc`,
      0,
      /in force: SHA-256 def\nit allows 1 kept anomaly: a1/,
    ],
    ['mode ls', 0, /nginx {2}observe/],
    ['mode set nginx learn --reason r', 0, /nginx {2}learn/],
    ['respond web --action freeze --reason r --key 12345678', 3, /^freeze c: refused: protected/],
    ['release i1 --reason r', 0, /^i1: released\n {2}thawed/],
    ['audit ls', 0, /cli:root {2}SetMode/],
    ['audit verify --hash h', 3, /^NOT intact at line 4: the hash differs/],
    ['call Monitor/GetAnomaly {"id":"a1"}', 0, /"kind": "ANOMALY_KIND_EXEC"/],
    ['call plimsoll.v1.Control/SetMode {"image":"x","mode":"MODE_LEARN"}', 0, /"MODE_LEARN"/],
    ['call Monitor/Watch {"earliest":true} --count 2', 0, /collectorState.*\n.*"a1".*\n$/],
  ]
  for (const [args, exit, expected] of cases) {
    const outcome = await ask('ctl', ...args.split(' '))
    t.match(outcome.out.toString('utf8'), expected, args)
    t.equal(outcome.status, exit, `${args}: ${outcome.said}`)
    if (args.startsWith('call')) continue
    const json = await ask('ctl', ...args.split(' '), '--json')
    t.doesNotThrow(() => JSON.parse(json.out.toString('utf8')) as unknown, `${args} --json`)
    t.equal(json.status, exit, `${args} --json`)
  }
  t.match(asked, [
    { container: 'web' },
    { container: 'web' },
    { yaml: 'rules: []\n', reason: 'r', expectedSha256: 'abc' },
    {},
    { image: 'nginx', mode: messages.v1.Mode.MODE_LEARN },
    {},
    { container: 'web', action: 1, reason: 'r', idempotencyKey: '12345678' },
    {},
    { incident: 'i1' },
    {},
    { knownHash: 'h' },
    {},
    { image: 'x', mode: messages.v1.Mode.MODE_LEARN },
  ])
})

t.test('a request is JSON with the names of the .proto files or those of JSON', async (t) => {
  const same = [
    '{"afterCursor":"c","readMask":{"paths":["id"]},"filters":{"deny":[{"minSeverity":4}]}}',
    '{"after_cursor":"c","read_mask":"id","filters":{"deny":[{"min_severity":"SEVERITY_HIGH"}]}}',
  ]
  const [first, second] = same.map((text) => messageFrom('WatchRequest', text))
  t.strictSame(first, second)
  t.throws(() => messageFrom('WatchRequest', '{"filters":{"deny":[{"kind":1}]}}'), {
    code: 'USAGE',
    message: 'WatchRequest: it has no field filters.deny.kind',
  })
  t.throws(() => messageFrom('WatchRequest', '{"filters":5}'), { code: 'USAGE' })
})
