import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import fc from 'fast-check'
import protobuf from 'protobufjs'
import t, { type Test } from 'tap'
import { Baseline } from '../../src/baseline/baseline.js'
import { decodeBaseline } from '../../src/baseline/codec.js'
import type { ImageIdentity } from '../../src/baseline/image-identity.js'
import { imageKeyOf } from '../../src/baseline/image-identity.js'
import { failure } from '../../src/errors.js'
import { seal } from '../../src/envelope.js'
import { plimsoll } from '../../src/gen/plimsoll.js'
import { listPage } from '../../src/service/baseline-list.js'
import { knownBaselines } from '../../src/service/known-baselines.js'
import { BASELINES_SERVICE } from '../../src/service/baselines-methods.js'
import { statusOf } from '../../src/service/status.js'
import { IMAGE, runFacts } from '../support/baseline-steps.js'
import { serveBaselines } from '../support/served-learning.js'
import { refusalOf, ServiceClient } from '../support/service-client.js'
import { FakeClock, FakeSource } from '../support/service-source.js'

const { ORIGIN_UNSPECIFIED, ORIGIN_SESSION, ORIGIN_STORE } = plimsoll.v1.Origin

/** A source, and a client of the server that serves it. */
async function served(t: Test): Promise<{ source: FakeSource; client: ServiceClient }> {
  const directory = mkdtempSync(join(tmpdir(), 'plim-'))
  const source = new FakeSource()
  const path = join(directory, 's')
  const server = await serveBaselines({ path, source, clock: new FakeClock() })
  t.teardown(async () => {
    await server.stop(0)
    rmSync(directory, { recursive: true })
  })
  return { source, client: new ServiceClient(t, path) }
}

/** A baseline that was saved three times, of one run with so many system calls. */
function baselineOf(image: Partial<ImageIdentity>, calls = 3): Baseline {
  const baseline = Baseline.empty({ ...IMAGE, ...image })
  const run = baseline.startRun(runFacts('r'))
  for (let nr = 0; nr < calls; nr++) baseline.learnSyscall(run, 'main', 'x86_64', nr, 7, 1500)
  baseline.revision = 3
  return baseline
}

function digest(digit: string): string {
  return `sha256:${digit.repeat(64)}`
}

t.test('the service is what the .proto file says', async (t) => {
  const root = new protobuf.Root()
  root.resolvePath = (_origin, target) =>
    target.startsWith('proto/') ? target : join('proto', target)
  await root.load(readdirSync('proto/plimsoll/v1').map((name) => `proto/plimsoll/v1/${name}`))
  const service = root.lookupService('plimsoll.v1.Baselines')
  const declared = service.methodsArray.map(({ name, responseStream, requestStream }) => ({
    path: `/plimsoll.v1.Baselines/${name}`,
    requestStream: requestStream ?? false,
    responseStream: responseStream ?? false,
  }))
  t.match(Object.values(BASELINES_SERVICE), declared)
  t.equal(Object.keys(BASELINES_SERVICE).length, declared.length)
  for (const { name, requestType, responseType } of service.methodsArray) {
    t.equal(requestType, `${name}Request`)
    t.equal(responseType, `${name}Response`)
  }
  const { nested = {} } = root.lookup('plimsoll.v1') as protobuf.Namespace
  for (const entry of Object.values(nested)) {
    if (entry instanceof protobuf.Enum) {
      t.match(entry.valuesById[0], /_UNSPECIFIED$/, `${entry.name} begins with no meaning`)
    }
  }
})

t.test('the list has the session and the store, by key', async (t) => {
  const { source, client } = await served(t)
  source.keep(baselineOf({ digest: digest('b'), name: 'b:1' }))
  source.keep(baselineOf({ digest: digest('a'), name: 'a:1' }, 5))
  source.learned.push(baselineOf({ digest: digest('b'), name: 'b:1' }, 2))
  source.kept.push({
    kind: 'damaged',
    key: `command-${'c'.repeat(64)}`,
    path: '/x',
    problem: 'cut\n',
  })
  const { baselines, nextPageToken } = await client.list()
  t.equal(nextPageToken, '')
  t.match(baselines, [
    { key: `command-${'c'.repeat(64)}`, origin: ORIGIN_STORE, problem: 'cut\\u000a', digest: '' },
    { key: `container-${'a'.repeat(64)}`, origin: ORIGIN_STORE, syscalls: 5, revision: 3 },
    { key: `container-${'b'.repeat(64)}`, origin: ORIGIN_SESSION, syscalls: 2, revision: 0 },
    {
      key: `container-${'b'.repeat(64)}`,
      origin: ORIGIN_STORE,
      problem: '',
      kind: plimsoll.v1.ImageKind.IMAGE_KIND_CONTAINER,
      digest: digest('b'),
      name: 'b:1',
      revision: 3,
      runs: 1,
      completeness: plimsoll.v1.Completeness.COMPLETENESS_FULL,
      incompleteness: [],
      syscalls: 3,
    },
  ])
  t.equal(baselines?.length, 4)
  const session = await client.list({ origin: ORIGIN_SESSION })
  t.match(session.baselines, [{ origin: ORIGIN_SESSION }])
  t.equal((await client.list({ origin: ORIGIN_STORE })).baselines?.length, 3)
})

t.test('what was missed is in the list', async (t) => {
  const { source, client } = await served(t)
  const baseline = Baseline.empty(IMAGE)
  const run = baseline.startRun(runFacts('r'))
  baseline.addIncompleteness(run, { reason: 'sensor-restarted', count: 2, fromMs: 10, toMs: 20 })
  source.learned.push(baseline)
  t.match((await client.list()).baselines, [
    {
      completeness: plimsoll.v1.Completeness.COMPLETENESS_PARTIAL,
      incompleteness: [
        { reason: plimsoll.v1.Reason.REASON_SENSOR_RESTARTED, count: 2, fromMs: 10, toMs: 20 },
      ],
    },
  ])
})

t.test('pages of any size make up the whole list', async (t) => {
  const baseline = Baseline.empty(IMAGE)
  const entry = fc.record({
    key: fc
      .tuple(fc.constantFrom('container', 'command'), fc.integer({ min: 0, max: 15 }))
      .map(([kind, digit]) => `${kind}-${digit.toString(16).repeat(64)}`),
    origin: fc.constantFrom('session' as const, 'store' as const),
  })
  fc.assert(
    fc.property(
      fc.uniqueArray(entry, { selector: ({ key, origin }) => key + origin }),
      fc.integer({ min: 1, max: 7 }),
      (entries, pageSize) => {
        const known = entries
          .map(({ key, origin }) => ({
            kind: 'baseline' as const,
            key,
            origin,
            image: IMAGE,
            baseline,
          }))
          .sort((a, b) => (a.key + a.origin < b.key + b.origin ? -1 : 1))
        const read: unknown[] = []
        let token = ''
        do {
          const page = listPage(known, pageSize, token)
          const baselines = page.baselines ?? []
          if (baselines.length > pageSize) return false
          read.push(...baselines.map(({ key, origin }) => `${key} ${origin}`))
          token = page.nextPageToken ?? ''
        } while (token !== '')
        const all = known.map(({ key, origin }) => `${key} ${origin === 'session' ? 1 : 2}`)
        return JSON.stringify(read) === JSON.stringify(all)
      },
    ),
  )
  const many = Array.from({ length: 450 }, (_, index) => {
    const digits = index.toString(16).padStart(64, '0')
    return Baseline.empty({ ...IMAGE, digest: `sha256:${digits}` })
  })
  const sizeOf = (pageSize: number): number | undefined =>
    listPage(knownBaselines(many, []), pageSize, '').baselines?.length
  t.same([sizeOf(0), sizeOf(150), sizeOf(4_000_000_000)], [100, 150, 200])
})

t.test('a baseline comes as it is stored', async (t) => {
  const { source, client } = await served(t)
  const baseline = baselineOf({})
  source.keep(baseline)
  for (const reference of [imageKeyOf(IMAGE), IMAGE.digest, '012345', 'web', IMAGE.name]) {
    const { baseline: message, origin } = await client.get({ reference })
    t.equal(origin, ORIGIN_STORE, reference)
    const bytes = plimsoll.v1.Baseline.encode(message ?? {}).finish()
    const decoded = decodeBaseline(seal('PLIMBASE', 3, bytes))
    t.same('baseline' in decoded && decoded.baseline.snapshot(), baseline.snapshot())
  }
})

t.test('of an image that is being learned, the session is asked first', async (t) => {
  const { source, client } = await served(t)
  source.keep(baselineOf({}, 3))
  const learned = baselineOf({}, 1)
  source.learned.push(learned)
  const reference = IMAGE.name
  const callsOf = async (origin: number): Promise<unknown> => {
    const got = await client.get({ reference, origin })
    const calls = got.baseline?.items?.[0]?.syscalls?.length
    return { origin: got.origin, calls, revision: got.baseline?.revision }
  }
  const fromSession = { origin: ORIGIN_SESSION, calls: 1, revision: 0 }
  t.same(await callsOf(ORIGIN_UNSPECIFIED), fromSession)
  t.same(await callsOf(ORIGIN_SESSION), fromSession)
  t.same(await callsOf(ORIGIN_STORE), { origin: ORIGIN_STORE, calls: 3, revision: 3 })
  learned.learnSyscall(learned.startRun(runFacts('r2')), 'main', 'x86_64', 99, 1, 1600)
  t.match(await callsOf(ORIGIN_SESSION), { calls: 2 }, 'as it is now')
})

t.test('a reference means the same as on the command line: the exact match wins', async (t) => {
  const { source, client } = await served(t)
  source.keep(baselineOf({ digest: digest('a'), name: 'web:latest' }))
  source.learned.push(baselineOf({ digest: digest('b'), name: 'web:1.2' }))
  const { baseline } = await client.get({ reference: 'web:latest' })
  t.equal(baseline?.image?.digest, digest('a'))
})

t.test('a baseline that cannot be given is refused with its status', async (t) => {
  const { source, client } = await served(t)
  const get = (reference: string, origin = 0): ReturnType<typeof refusalOf> =>
    refusalOf(client.get({ reference, origin }))
  t.same(await get('nginx\u001b[2J'), {
    status: status.NOT_FOUND,
    code: 'BASELINE_NOT_FOUND',
    message: 'no baseline matches nginx\\u001b[2J',
  })
  source.keep(baselineOf({ digest: digest('a'), name: 'web:1' }))
  source.learned.push(baselineOf({ digest: digest('b'), name: 'web:2' }))
  t.same(await get('web'), {
    status: status.INVALID_ARGUMENT,
    code: 'BASELINE_AMBIGUOUS',
    message: 'web matches 2 baselines: container-aaaaaaaaaaaa, container-bbbbbbbbbbbb',
  })
  for (const reference of ['', 'x'.repeat(513)]) {
    t.match(await get(reference), { status: status.INVALID_ARGUMENT, code: 'BAD_REQUEST' })
  }
  t.match(await get('web', 9), { code: 'BAD_REQUEST', message: 'origin: 9 is none' })
  t.match(await refusalOf(client.list({ pageToken: '../x' })), {
    status: status.INVALID_ARGUMENT,
    code: 'BAD_REQUEST',
  })
  const key = `container-${'d'.repeat(64)}`
  source.kept.push({ kind: 'damaged', key, path: '/state/d', problem: 'too short' })
  for (const reference of [key, 'unknown']) {
    t.match(await get(reference), { status: status.DATA_LOSS, code: 'STORE_DAMAGED' })
  }
  t.match(await get('unknown', ORIGIN_SESSION), { code: 'BASELINE_NOT_FOUND' })
})

t.test('a store that cannot be read is told, and an unexpected failure is no crash', async (t) => {
  const { source, client } = await served(t)
  source.stored = () => Promise.reject(failure('STORE_UNREADABLE', { path: '/s', problem: 'x' }))
  t.match(await refusalOf(client.list()), {
    status: status.FAILED_PRECONDITION,
    code: 'STORE_UNREADABLE',
  })
  source.stored = () => Promise.reject(new TypeError('boom'))
  t.match(await refusalOf(client.get({ reference: 'x' })), {
    status: status.INTERNAL,
    code: 'INTERNAL',
  })
  t.same(
    (await client.list({ origin: ORIGIN_SESSION })).baselines,
    [],
    'the session needs no store',
  )
})

t.test('a request that is too large is refused, and the service goes on', async (t) => {
  const { client } = await served(t)
  const refusal = await refusalOf(client.get({ reference: 'x'.repeat(70_000) }))
  t.equal(refusal.status, status.RESOURCE_EXHAUSTED)
  t.same((await client.list()).baselines, [])
})

t.test('messages of statuses are one bounded line of well-formed text', async () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 3000 }), (ref) => {
      const { details } = statusOf(failure('BASELINE_NOT_FOUND', { ref: `${ref}\ud800` }))
      encodeURI(details)
      return Buffer.byteLength(details) <= 1024 && !/\p{Cc}/u.test(details)
    }),
  )
})
