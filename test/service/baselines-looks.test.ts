/** What the service says of stored baselines: differences, candidates and profiles, as the command line says them. */
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import { Baseline } from '../../src/baseline/baseline.js'
import { contentHashOf } from '../../src/baseline/content-hash.js'
import { imageKeyOf } from '../../src/baseline/image-identity.js'
import { plimsoll } from '../../src/gen/plimsoll.js'
import { IMAGE, runFacts } from '../support/baseline-steps.js'
import { type BaselinesServer, baselinesServer } from '../support/baselines-server.js'
import { plimsoll as cli } from '../support/fake-terminal.js'
import { hostileBaseline } from '../support/hostile-baseline.js'
import { connectSeen, execSeen, learned, nr, sealed } from '../support/sealed-baselines.js'
import { refusalOf } from '../support/service-client.js'
import { DEMO_TRACE } from '../support/repository.js'

const { v1 } = plimsoll
const KEY = imageKeyOf(IMAGE)
const LATER = { ...IMAGE, digest: `sha256:${'e'.repeat(64)}`, name: 'localhost/web:2.0' }
const DEMO_DIGITS = 'de8ca0049c09'

/** The later release: it does more things of every kind, and `write` no more. */
function later(): Baseline {
  const baseline = Baseline.empty(LATER)
  const run = baseline.startRun(runFacts('b'))
  for (const name of ['read', 'ptrace', 'socket', 'getppid']) {
    baseline.learnSyscall(run, 'main', 'x86_64', nr(name), 5, 1_600)
  }
  baseline.learnArgument(run, 'main', 'x86_64', nr('socket'), (38 << 4) | 5, 1, 1_600)
  baseline.learnExec(run, execSeen('/bin/app\u001b', 1_600, { upper: true }))
  baseline.learnEndpoint(run, connectSeen('10.0.0.2', 80, 1_600))
  baseline.learnEndpoint(run, connectSeen('10.0.0.3', 80, 1_600, { kind: 'listen' }))
  baseline.learnCapability(run, { lineage: 'main', capability: 21, atMs: 1_600, count: 1 })
  baseline.learnUringOp(run, { lineage: 'main', opcode: 16, atMs: 1_600, count: 1 })
  return baseline
}

interface View {
  readonly class: string
  readonly kind: string
  readonly [field: string]: unknown
}

/** The changes of `baseline diff --json` on that state. */
async function viewOf(server: BaselinesServer, before: string, after: string): Promise<View[]> {
  const args = ['baseline', 'diff', before, after, '--json', '--state', server.stateDirectory]
  const { out } = await cli(args)
  return (JSON.parse(out.toString()) as { changes: View[] }).changes
}

t.test('a diff has what the command line has, class by class', async (t) => {
  const server = await baselinesServer(t)
  await server.store.save(learned())
  await server.store.save(later())
  const request = { before: { reference: KEY }, after: { reference: 'web:2.0' } }
  const diff = await server.call('diffBaselines', request)
  t.match(diff, {
    before: { key: KEY, imageName: IMAGE.name, origin: 2, revision: 1, runs: 1 },
    after: { imageName: LATER.name, completeness: v1.Completeness.COMPLETENESS_FULL },
    lineages: [v1.Lineage.LINEAGE_MAIN, v1.Lineage.LINEAGE_PROBE],
    nextPageToken: '',
  })
  const views = await viewOf(server, KEY, 'web:2.0')
  const kinds = new Set(views.map(({ kind }) => kind))
  t.equal(kinds.size, 7, 'something of every kind')
  const changes = diff.changes ?? []
  t.same(
    changes.map(({ diffClass, kind, reasons, evidence }) => ({
      class: ['', 'new-dangerous', 'new', 'vanished'][diffClass ?? 0],
      kind: ['', 'syscall', 'argument', 'exec', 'connection', 'listener', 'capability', 'io_uring'][
        kind ?? 0
      ],
      reasons,
      count: evidence?.count,
      runs: evidence?.runs,
      windows: evidence?.windows,
      firstMs: evidence?.firstMs,
      lastMs: evidence?.lastMs,
      programs: evidence?.programs,
      morePrograms: evidence?.morePrograms,
    })),
    views.map(
      ({
        class: name,
        kind,
        reasons,
        count,
        runs,
        windows,
        firstMs,
        lastMs,
        programs,
        morePrograms,
      }) => ({
        class: name,
        kind,
        reasons,
        count,
        runs,
        windows,
        firstMs,
        lastMs,
        programs,
        morePrograms,
      }),
    ),
  )
  const counts = ['new-dangerous', 'new', 'vanished'].map(
    (name) => views.filter((view) => view.class === name).length,
  )
  t.same([diff.newDangerousCount, diff.newCount, diff.vanishedCount], counts)
  const of = (item: string): unknown => changes.find((change) => change.item === item)
  t.match(of('ptrace'), { danger: v1.Danger.DANGER_HIGH, syscall: { abi: 1, nr: 101 } })
  t.match(of('exec:/bin/app\\x1b'), { writtenLater: true, exec: { path: Buffer } })
  t.match(of('connect:tcp:10.0.0.2:80'), { endpoint: { protocol: 1, port: 80 } })
  t.match(of('write'), { diffClass: v1.DiffClass.DIFF_CLASS_VANISHED })
})

t.test(
  'a diff is of revisions, or of what the session learned, where that is asked for',
  async (t) => {
    const server = await baselinesServer(t)
    const first = learned()
    await server.store.save(first)
    first.learnSyscall(first.startRun(runFacts('c')), 'main', 'x86_64', nr('getppid'), 1, 3_000)
    await server.store.save(first)
    const now = learned()
    now.learnSyscall(now.startRun(runFacts('d')), 'main', 'x86_64', nr('chmod'), 1, 4_000)
    server.source.learned.push(now)
    const itemsOf = async (before: object, after: object): Promise<unknown> => {
      const request = { before: { reference: KEY, ...before }, after: { reference: KEY, ...after } }
      const { changes, after: side } = await server.call('diffBaselines', request)
      return [side?.origin, side?.revision, changes?.map(({ item }) => item)]
    }
    t.same(await itemsOf({ revision: 1 }, {}), [2, 2, ['getppid']])
    t.same(await itemsOf({ revision: 2 }, { revision: 1 }), [2, 1, ['getppid']])
    t.same(await itemsOf({ revision: 1 }, { origin: 1 }), [1, 0, ['chmod']])
  },
)

t.test('pages of a diff and of candidates are of one content', async (t) => {
  const server = await baselinesServer(t)
  await server.store.save(sealed(learned()))
  const many = later()
  await server.store.save(many)
  const sides = { before: { reference: KEY }, after: { reference: 'web:2.0' } }
  const whole = await server.call('diffBaselines', sides)
  const texts: (string | null | undefined)[] = []
  let pageToken = ''
  do {
    const page = await server.call('diffBaselines', { ...sides, pageSize: 3, pageToken })
    texts.push(...(page.changes ?? []).map(({ item }) => item))
    t.equal(page.newCount, whole.newCount, 'every page has the counts of all')
    pageToken = page.nextPageToken ?? ''
  } while (pageToken !== '')
  t.same(
    texts,
    (whole.changes ?? []).map(({ item }) => item),
  )
  const { nextPageToken } = await server.call('diffBaselines', { ...sides, pageSize: 1 })
  const list = { reference: 'web:1.0' }
  const base = await server.store.load(KEY)
  const run = base.startRun(runFacts('n'))
  for (const name of ['chmod', 'getppid', 'mount']) {
    base.learnSyscall(run, 'main', 'x86_64', nr(name), 1, 9_000)
  }
  await server.store.save(base)
  t.match(
    await refusalOf(server.call('diffBaselines', { ...sides, pageToken: nextPageToken ?? '' })),
    { status: status.FAILED_PRECONDITION, code: 'CONTENT_CHANGED' },
  )
  const page = await server.call('listCandidates', { ...list, pageSize: 2 })
  t.match(page, { candidateCount: 3, candidates: [{ item: 'chmod' }, { item: 'getppid' }] })
  const token = page.nextPageToken ?? ''
  const rest = await server.call('listCandidates', { ...list, pageToken: token })
  t.match(rest, { candidates: [{ item: 'mount' }], nextPageToken: '' })
  t.equal(rest.contentHash, page.contentHash)
  base.learnSyscall(run, 'main', 'x86_64', nr('umount2'), 1, 9_000)
  await server.store.save(base)
  t.match(await refusalOf(server.call('listCandidates', { ...list, pageToken: token })), {
    status: status.FAILED_PRECONDITION,
    code: 'CONTENT_CHANGED',
  })
  t.match(await refusalOf(server.call('listCandidates', { ...list, pageToken: 'x' })), {
    status: status.INVALID_ARGUMENT,
    code: 'BAD_REQUEST',
  })
})

t.test('candidates come with the reason, the evidence and the hash to decide with', async (t) => {
  const server = await baselinesServer(t)
  const baseline = sealed(learned())
  const run = baseline.startRun(runFacts('n'))
  baseline.learnSyscall(run, 'main', 'x86_64', nr('chmod'), 4, 9_000)
  baseline.learnDenial(run, 'main', 'x86_64', nr('mkdir'), 2, 9_000)
  baseline.learnExec(run, execSeen('/bin/\u202esh\n', 9_000))
  await server.store.save(baseline)
  const listed = await server.call('listCandidates', { reference: KEY })
  t.match(listed, {
    key: KEY,
    imageName: IMAGE.name,
    revision: 1,
    contentHash: contentHashOf(baseline),
    candidateCount: 3,
    candidates: [
      { item: 'mkdir', cause: 3, kind: 1, evidence: { count: 2, runs: 1 } },
      { item: 'chmod', cause: 2, kind: 1, evidence: { count: 4, firstMs: 9_000 } },
      { kind: 3, cause: 2, evidence: { programs: [] } },
    ],
  })
  const text = listed.candidates?.[2]?.item ?? ''
  t.match(text, /^exec:[\x20-\x7e]+$/, 'printable')
  const asked = { reference: KEY, contentHash: listed.contentHash ?? '', reason: 'it restarts' }
  t.match(await server.call('approveItems', { ...asked, items: [text] }), { itemCount: 1 })
  const args = ['baseline', 'candidates', KEY, '--json', '--state', server.stateDirectory]
  const view = JSON.parse((await cli(args)).out.toString()) as { approved: unknown[] }
  t.match(view.approved, [{ item: text, by: 'cert:CN=alice', reason: 'it restarts' }])
})

t.test('a hostile baseline fits into pages that clients take', async (t) => {
  const server = await baselinesServer(t)
  const hostile = hostileBaseline()
  await server.store.save(hostile)
  const reference = imageKeyOf(hostile.image)
  const { store } = server
  await store.save(Baseline.empty({ ...LATER, name: 'none' }))
  const diff = await server.call('diffBaselines', {
    before: { reference: 'none' },
    after: { reference },
    pageSize: 1000,
  })
  t.ok((diff.changes ?? []).length > 0)
  for (const { item } of diff.changes ?? []) t.match(item, /^[\x20-\x7e\u00a0-\uffff]*$/u)
  t.ok(await server.call('listCandidates', { reference, pageSize: 1000 }))
})

t.test('a profile is what the command line writes, byte for byte', async (t) => {
  const server = await baselinesServer(t)
  const state = server.stateDirectory
  await cli(['replay', DEMO_TRACE, '--state', state])
  const cases: readonly [string, Parameters<typeof server.call<'exportProfile'>>[1], string[]][] = [
    ['the default', {}, []],
    ['strict', { strength: v1.ProfileStrength.PROFILE_STRENGTH_STRICT }, ['--strength', 'strict']],
    ['complain', { strength: 1, families: false }, ['--strength', 'complain', '--no-families']],
    [
      'a runtime with no_new_privileges',
      { runtime: v1.OciRuntime.OCI_RUNTIME_CRUN, assumeNoNewPrivileges: true },
      ['--runtime', 'crun', '--assume-nnp'],
    ],
    ['no arguments', { arguments: { calls: [] } }, ['--arguments', 'none']],
    ['one argument', { arguments: { calls: ['socket'] } }, ['--arguments', 'socket']],
    [
      'lineages',
      { lineages: [v1.Lineage.LINEAGE_EXEC, v1.Lineage.LINEAGE_MAIN] },
      ['--lineage', 'main,exec'],
    ],
    ['spo', { format: 2, name: 'web' }, ['--format', 'spo', '--name', 'web']],
    ['systemd', { format: 3 }, ['--format', 'systemd']],
  ]
  for (const [title, request, args] of cases) {
    const file = join(state, `out-${title.replaceAll(' ', '-')}`)
    const where = ['--out', file, '--state', state]
    const written = await cli(['profile', DEMO_DIGITS, ...where, ...args])
    t.equal(written.status, 0, written.said)
    const exported = await server.call('exportProfile', { reference: DEMO_DIGITS, ...request })
    const content = Buffer.from(exported.content ?? '')
    t.ok(content.equals(await readFile(file)), title)
    t.equal(exported.sha256, createHash('sha256').update(content).digest('hex'))
    t.match(exported.fileName, /^localhost_plimsoll-demo_1-de8ca0049c09\.(json|yaml|conf)$/)
    const notes = (exported.notes ?? []).map((note) => `note: ${note}\n`).join('')
    t.ok(written.said.startsWith(notes), `${title}: the same notes`)
  }
})

t.test('what is no profile is refused', async (t) => {
  const server = await baselinesServer(t)
  await server.store.save(learned())
  await server.store.save(Baseline.empty({ ...LATER, name: 'empty' }))
  const { INVALID_ARGUMENT, NOT_FOUND, FAILED_PRECONDITION } = status
  type Request = Parameters<typeof server.call<'exportProfile'>>[1]
  const cases: readonly (readonly [string, Request, number, string])[] = [
    ['no reference', { reference: '' }, INVALID_ARGUMENT, 'BAD_REQUEST'],
    ['an unknown one', { reference: 'none' }, NOT_FOUND, 'BASELINE_NOT_FOUND'],
    ['an old revision', { revision: 9 }, NOT_FOUND, 'REVISION_NOT_FOUND'],
    ['revision 0', { revision: 0 }, INVALID_ARGUMENT, 'BAD_REQUEST'],
    ['a format', { format: Number(9) }, INVALID_ARGUMENT, 'BAD_REQUEST'],
    ['the runtime lineage', { lineages: [1] }, INVALID_ARGUMENT, 'BAD_REQUEST'],
    ['an argument', { arguments: { calls: ['open'] } }, INVALID_ARGUMENT, 'BAD_REQUEST'],
    ['a name of oci', { name: 'web' }, INVALID_ARGUMENT, 'BAD_REQUEST'],
    ['a bad name', { format: 2, name: 'Web' }, INVALID_ARGUMENT, 'BAD_REQUEST'],
    ['a unit under runc', { format: 3, runtime: 1 }, INVALID_ARGUMENT, 'BAD_REQUEST'],
    ['nothing learned', { reference: 'empty' }, FAILED_PRECONDITION, 'PROFILE_EMPTY'],
  ]
  for (const [title, request, grpc, code] of cases) {
    const refusal = await refusalOf(server.call('exportProfile', { reference: KEY, ...request }))
    t.match(refusal, { status: grpc, code }, title)
  }
})

t.test('a damaged baseline is told, by every method', async (t: Test) => {
  const server = await baselinesServer(t)
  await server.store.save(learned())
  const path = join(server.stateDirectory, 'baselines', KEY, '1.plb')
  await writeFile(path, (await readFile(path)).subarray(0, 90))
  const decision = { reference: KEY, contentHash: 'a'.repeat(64), reason: 'x' }
  const side = { reference: KEY }
  const calls = [
    () => server.call('diffBaselines', { before: side, after: side }),
    () => server.call('listCandidates', side),
    () => server.call('exportProfile', side),
    () => server.call('sealBaseline', decision),
    () => server.call('approveItems', { ...decision, allCandidates: true }),
    () => server.call('mergeBaselines', { baselines: [side], reason: 'x' }),
    () => server.call('exportProfile', { ...side, revision: 1 }),
  ]
  for (const call of calls) {
    t.match(await refusalOf(call()), { status: status.DATA_LOSS, code: 'STORE_DAMAGED' })
  }
})
