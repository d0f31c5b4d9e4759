/** Incidents on disk: their records, their manifests, and the commands that read them. */
import {
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { BundleWriter, BoundedList } from '../../src/respond/bundle-writer.js'
import { recordText } from '../../src/respond/durable.js'
import type { IncidentRecord } from '../../src/respond/incident-record.js'
import { IncidentStore } from '../../src/respond/incident-store.js'
import { verifyBundle } from '../../src/respond/manifest.js'
import { missingFrom, type NetworkState } from '../../src/respond/network-state.js'
import { releaseIncident } from '../../src/respond/release.js'
import { plimsoll } from '../support/fake-terminal.js'
import { CONTAINER_ID } from '../support/response-requests.js'
import { FakeClock } from '../workload/fake-clock.js'

const BY = { actor: 'test', reason: 'done' }

function recordOf(incident: string, atMs = 0): IncidentRecord {
  return {
    format: 1,
    facts: {
      incident,
      atMs,
      action: 'isolate',
      actor: 'rule:x',
      reason: 'because',
      runtime: 'podman',
      containerId: CONTAINER_ID,
      containerName: 'web',
      imageDigest: 'sha256:00',
      imageName: 'localhost/web:1',
      cgroupPath: `/libpod_parent/libpod-${CONTAINER_ID}`,
      cgroupId: 7,
      bootId: 'another-boot',
      profile: '',
      baselineRevision: 0,
      anomalies: [],
      plimsoll: '0.0.0',
    },
    actions: [],
  }
}

/** A sealed bundle of two files. */
async function sealed(
  t: Test,
  incident = 'sealed',
): Promise<{ store: IncidentStore; directory: string }> {
  const store = new IncidentStore(join(t.testdir(), 'state'))
  const record = recordOf(incident)
  store.create(record)
  const directory = store.directoryOf(incident)
  const writer = new BundleWriter(directory, 1000)
  await writer.write('processes.json', '[]\n')
  await writer.write('maps/7.txt', 'a map\n')
  const { manifestSha256, files, bytes } = await writer.seal({
    format: 1,
    incident: record.facts,
    actor: 'rule:x',
    reason: 'because',
    startedMs: 0,
    endedMs: 1,
  })
  const bundle = { atMs: 1, manifestSha256, files, bytes }
  await store.update(incident, (now) => ({ ...now, bundle }))
  return { store, directory }
}

t.test('a bundle verifies, and whatever is done to it is named', async (t) => {
  const cases: readonly [string, (directory: string) => void, object][] = [
    ['nothing', () => undefined, { kind: 'intact', files: 2, bytes: 9 }],
    [
      'a changed file',
      (at) => writeFileSync(join(at, 'maps/7.txt'), 'a nap\n'),
      { kind: 'altered', file: 'maps/7.txt', problem: /content was changed/ },
    ],
    [
      'a longer file',
      (at) => writeFileSync(join(at, 'processes.json'), '[{}]\n'),
      { kind: 'altered', file: 'processes.json', problem: /5 bytes, not 3/ },
    ],
    [
      'a missing file',
      (at) => rmSync(join(at, 'processes.json')),
      { kind: 'altered', file: 'processes.json' },
    ],
    [
      'a link in the place of a file',
      (at) => {
        renameSync(join(at, 'processes.json'), `${at}-elsewhere`)
        symlinkSync(`${at}-elsewhere`, join(at, 'processes.json'))
      },
      { kind: 'altered', file: 'processes.json' },
    ],
    [
      'a file more',
      (at) => writeFileSync(join(at, 'more.json'), ''),
      { kind: 'altered', file: 'more.json', problem: /does not name it/ },
    ],
    [
      'a file more below',
      (at) => writeFileSync(join(at, 'maps/8.txt'), ''),
      { kind: 'altered', file: 'maps/8.txt' },
    ],
    [
      'other facts in the record',
      (at) => {
        const path = join(at, 'incident.json')
        writeFileSync(path, readFileSync(path, 'utf8').replace('because', 'by chance'))
      },
      { kind: 'altered', file: 'incident.json', problem: /facts/ },
    ],
    [
      'an entry less in the manifest',
      (at) => {
        const path = join(at, 'manifest.json')
        writeFileSync(path, readFileSync(path, 'utf8').replace('processes', 'progresses'))
      },
      { kind: 'altered', file: 'manifest.json' },
    ],
    ['no manifest', (at) => rmSync(join(at, 'manifest.json')), { kind: 'unfinished' }],
  ]
  for (const [name, change, expected] of cases) {
    const { directory } = await sealed(t)
    change(directory)
    t.match(await verifyBundle(directory), expected, name)
  }
  const { directory } = await sealed(t)
  const other = await verifyBundle(directory, '00')
  t.match(other, { kind: 'altered', file: 'manifest.json', problem: /not 00/ })
  t.match(await verifyBundle(join(directory, 'missing')), { kind: 'unfinished' })
})

t.test('only root can read an incident', async (t) => {
  const { directory } = await sealed(t)
  t.equal(statSync(directory).mode & 0o777, 0o700)
  for (const name of ['incident.json', 'manifest.json', 'manifest.sha256', 'maps/7.txt']) {
    t.equal(statSync(join(directory, name)).mode & 0o777, 0o600, name)
  }
})

t.test('a bundle is bounded, and says what it left out', async (t) => {
  const { directory } = await sealed(t)
  const writer = new BundleWriter(directory, 10)
  t.ok(await writer.write('a.json', '12345678'))
  t.notOk(await writer.write('b.json', '12345678'))
  const { notes } = await writer.seal({ format: 1, incident: recordOf('x').facts } as never)
  t.match(notes, [/^b\.json is left out/])
  const list = new BoundedList(20)
  for (let i = 0; i < 10; i++) list.add(i)
  t.ok(list.leftOut > 0)
  t.strictSame(
    JSON.parse(list.text()),
    Array.from({ length: 10 - list.leftOut }, (_, i) => i),
  )
})

t.test('records are printable whatever is in them', async (t) => {
  t.notMatch(recordText({ a: '\u001b[2J\u202e\u009b', b: ['\n'] }).trimEnd(), /[^ -~\n]/)
  t.strictSame(JSON.parse(recordText({ a: 'x"\\', n: 1 })), { a: 'x"\\', n: 1 })
})

t.test('changes of one record come one after the other', async (t) => {
  const store = new IncidentStore(join(t.testdir(), 'state'))
  store.create(recordOf('busy'))
  const add = (record: IncidentRecord): IncidentRecord => ({
    ...record,
    facts: { ...record.facts, baselineRevision: record.facts.baselineRevision + 1 },
  })
  await Promise.all(Array.from({ length: 20 }, () => store.update('busy', add)))
  t.equal(store.readNow('busy')?.facts.baselineRevision, 20)
  await t.rejects(store.update('missing', add), { code: 'INCIDENT_NOT_FOUND' })
})

t.test(
  'after the host was started anew there is nothing to undo, and it is said once',
  async (t) => {
    const store = new IncidentStore(join(t.testdir(), 'state'))
    store.create(recordOf('old'))
    const context = { store, mount: t.testdirName, clock: new FakeClock() }
    const first = await releaseIncident(context, 'old', BY)
    t.match(first, { kind: 'released', record: { outcome: 'done', details: [/started anew/] } })
    const again = await releaseIncident(context, 'old', { actor: 'other', reason: 'x' })
    t.match(again, { kind: 'already', record: BY })
    await t.rejects(releaseIncident(context, 'missing', BY), { code: 'INCIDENT_NOT_FOUND' })
  },
)

t.test('what is missing of a network after a restoration is said', async (t) => {
  const before: NetworkState = {
    links: [
      { ifindex: 1, ifname: 'lo', flags: ['LOOPBACK', 'UP'], addr_info: [] },
      {
        ifindex: 2,
        ifname: 'eth0',
        flags: ['UP', 'LOWER_UP'],
        addr_info: [{ local: '10.0.0.2', prefixlen: 24, valid_life_time: 9 }],
      },
    ],
    routes4: [{ dst: 'default', gateway: '10.0.0.1', dev: 'eth0', flags: [] }],
    routes6: [{ dst: '::1', dev: 'lo', table: 'local' }],
    neighbours: [],
  }
  const aged = JSON.stringify(before).replace('"valid_life_time":9', '"valid_life_time":8')
  t.strictSame(missingFrom(before, JSON.parse(aged) as NetworkState), [])
  t.strictSame(
    missingFrom(before, { ...before, routes6: [] }),
    [],
    "the kernel's own come by themselves",
  )
  t.match(missingFrom(before, { ...before, routes4: [] }), [/^route .*default.* is missing$/])
  const down = { ...before, links: [{ ifindex: 2, ifname: 'eth0', flags: [], addr_info: [] }] }
  t.match(missingFrom(before, down), ['link eth0 is down', /^address .*10\.0\.0\.2.* is missing$/])
})

t.test(
  'incidents are listed, named by their beginning, and damaged ones are said to be',
  async (t) => {
    const state = join(t.testdir(), 'state')
    const empty = await plimsoll(['incident', 'ls', '--state', state])
    t.match(empty.out.toString(), /^INCIDENT +TIME/)
    const store = new IncidentStore(state)
    store.create(recordOf('beta', 2000))
    store.create(recordOf('alpha', 1000))
    mkdirSync(store.directoryOf('torn'))
    writeFileSync(join(store.directoryOf('torn'), 'incident.json'), '{"format":1')
    const { out } = await plimsoll(['incident', 'ls', '--state', state])
    t.match(out.toString(), /\nalpha +1970-01-01T00:00:01Z .*\nbeta .*\ntorn .* damaged +/)
    const json = await plimsoll(['incident', 'ls', '--json', '--state', state])
    t.match(JSON.parse(json.out.toString()), [{ incident: 'alpha' }, {}, { state: 'damaged' }])
    t.equal((await plimsoll(['incident', 'show', 'al', '--state', state])).status, 0)
    const cases: readonly [readonly string[], number, RegExp][] = [
      [['show', 'gamma'], 1, /no incident matches gamma/],
      [['show', ''], 1, /no incident matches/],
      [['show', 'torn'], 1, /damaged/],
      [['release', 'alpha'], 2, /required option '--reason <text>'/],
      [['verify', 'alpha'], 3, /^$/],
    ]
    for (const [args, status, said] of cases) {
      const outcome = await plimsoll(['incident', ...args, '--state', state])
      t.equal(outcome.status, status, args.join(' '))
      t.match(outcome.said, said)
    }
    store.create(recordOf('alpine'))
    const ambiguous = await plimsoll(['incident', 'show', 'al', '--state', state])
    t.match(ambiguous.said, /al matches 2 incidents: al/)
  },
)
