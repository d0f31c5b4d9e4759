/** What people do to baselines over the service, on a real store: decisions, merges, and what gets on record of them. */
import { status } from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import { Baseline } from '../../src/baseline/baseline.js'
import { encodeBaseline } from '../../src/baseline/codec.js'
import { contentHashOf } from '../../src/baseline/content-hash.js'
import { type ImageIdentity, imageKeyOf } from '../../src/baseline/image-identity.js'
import { BaselineStore } from '../../src/baseline/store.js'
import { HOST_FS, type StoreFs } from '../../src/baseline/store-files.js'
import type { LearningModes } from '../../src/service/baseline-actions.js'
import { syscallNr } from '../../src/kernel/syscalls.js'
import { IMAGE, runFacts } from '../support/baseline-steps.js'
import { type BaselinesServer, baselinesServer, CALLER } from '../support/baselines-server.js'
import { decided } from '../support/sealed-baselines.js'
import { refusalOf } from '../support/service-client.js'

const KEY = imageKeyOf(IMAGE)
const OTHER = { ...IMAGE, digest: `sha256:${'f'.repeat(64)}`, name: 'localhost/other:1' }

/** A run of the image with those calls. */
function madeOf(calls: string, run = 'r', image: ImageIdentity = IMAGE): Baseline {
  const baseline = Baseline.empty(image)
  const handle = baseline.startRun(runFacts(run))
  for (const call of calls.split(' ')) {
    const nr = syscallNr('x86_64', call) ?? -1
    baseline.learnSyscall(handle, 'main', 'x86_64', nr, 3, 1_500)
  }
  return baseline
}

/** A server whose store has revision 1 of the image, and the hash to decide with. */
async function stored(
  t: Test,
  options: Parameters<typeof baselinesServer>[1] = {},
): Promise<BaselinesServer & { readonly contentHash: string }> {
  const server = await baselinesServer(t, options)
  const baseline = madeOf('read write ptrace unshare')
  await server.store.save(baseline)
  return { ...server, contentHash: contentHashOf(baseline) }
}

t.test('a decision is in the store with who made it and why, and on record', async (t) => {
  const { call, store, recorder, changes, contentHash } = await stored(t)
  const reason = 'its debugger needs it'
  const approved = await call('approveItems', {
    reference: 'web',
    contentHash,
    reason,
    items: ['ptrace'],
  })
  t.match(approved, { key: KEY, revision: 2, itemCount: 1 })
  const rejected = await call('rejectItems', {
    reference: KEY,
    contentHash: approved.contentHash ?? '',
    reason: 'never',
    allCandidates: true,
  })
  t.match(rejected, { revision: 3, itemCount: 1 })
  const sealed = await call('sealBaseline', {
    reference: IMAGE.digest,
    contentHash: rejected.contentHash?.slice(0, 12) ?? '',
    reason: 'release 1',
  })
  t.match(sealed, { key: KEY, revision: 4, itemCount: 3 })
  const { decisions, revision } = await store.load(KEY)
  t.equal(revision, 4)
  t.match(decisions.verdicts, [
    { verdict: 'approved', by: CALLER, reason, atMs: 50_000 },
    { verdict: 'rejected', by: CALLER, reason: 'never' },
  ])
  t.match(decisions.seal, { by: CALLER, atMs: 50_000 })
  t.match(recorder.begun, [
    {
      actor: CALLER,
      action: 'ApproveItems',
      target: IMAGE.name,
      reason,
      details: { baseline: KEY, contentHash, asked: ['ptrace'] },
    },
    { action: 'RejectItems', details: { asked: 'all candidates' } },
    { action: 'SealBaseline', reason: 'release 1' },
  ])
  t.match(recorder.ended, [
    { outcome: 'done', details: { revision: 2, count: 1, items: ['ptrace'] } },
    { outcome: 'done', details: { revision: 3, items: ['unshare'] } },
    { outcome: 'done', details: { revision: 4, count: 3 } },
  ])
  const change = { baselineKey: KEY, imageName: IMAGE.name, actor: CALLER }
  t.same(changes, [
    { ...change, revision: 2, what: 'approved', reason },
    { ...change, revision: 3, what: 'rejected', reason: 'never' },
    { ...change, revision: 4, what: 'sealed', reason: 'release 1' },
  ])
})

t.test(
  'a decision by a stale hash is refused, changes nothing, and that is on record',
  async (t) => {
    const { call, store, recorder, changes, contentHash } = await stored(t)
    const other = madeOf('chmod', 'later')
    other.revision = 1
    await store.save(other)
    const request = { reference: 'web', contentHash, reason: 'x' }
    for (const [name, more] of [
      ['approveItems', { items: ['ptrace'] }],
      ['rejectItems', { allCandidates: true }],
      ['sealBaseline', {}],
    ] as const) {
      t.match(await refusalOf(call(name, { ...request, ...more })), {
        status: status.FAILED_PRECONDITION,
        code: 'CONTENT_CHANGED',
      })
    }
    const { revision, decisions } = await store.load(KEY)
    t.same([revision, decisions.verdicts, decisions.seal], [2, [], undefined])
    t.match(recorder.ended, [
      { outcome: 'refused', details: { code: 'CONTENT_CHANGED' } },
      { outcome: 'refused' },
      { outcome: 'refused' },
    ])
    t.same(changes, [])
  },
)

t.test('what cannot be put on record is not done', async (t) => {
  const { call, store, recorder, troubles, contentHash } = await stored(t)
  const request = { reference: 'web', contentHash, reason: 'x' }
  recorder.fails = 'begin'
  for (const [name, more] of [
    ['approveItems', { items: ['ptrace'] }],
    ['rejectItems', { items: ['ptrace'] }],
    ['sealBaseline', {}],
    ['mergeBaselines', { uploads: [encodeBaseline(madeOf('chmod', 'more'))] }],
  ] as const) {
    t.match(
      await refusalOf(call(name, { ...request, ...more })),
      { status: status.FAILED_PRECONDITION, code: 'AUDIT_UNWRITABLE' },
      name,
    )
  }
  t.same((await store.newest()).get(KEY), 1, 'nothing was changed')
  recorder.fails = 'end'
  t.match(await call('sealBaseline', request), { revision: 2 }, 'it was on record before')
  t.match(troubles, [{ code: 'AUDIT_UNWRITABLE' }])
})

t.test('decisions on nothing, or on what is unknown, are refused', async (t) => {
  const { call, store, contentHash } = await stored(t)
  const good = { reference: 'web', contentHash, reason: 'x', items: ['ptrace'] }
  const { INVALID_ARGUMENT, NOT_FOUND } = status
  type Change = Partial<Omit<typeof good, 'reason'>> & {
    readonly reason?: string
    readonly allCandidates?: boolean
  }
  const cases: readonly (readonly [string, Change, number, string])[] = [
    ['no reference', { reference: '' }, INVALID_ARGUMENT, 'BAD_REQUEST'],
    ['a long reference', { reference: 'x'.repeat(513) }, INVALID_ARGUMENT, 'BAD_REQUEST'],
    ['another image', { reference: 'other' }, NOT_FOUND, 'BASELINE_NOT_FOUND'],
    ['no hash', { contentHash: '' }, INVALID_ARGUMENT, 'BAD_REQUEST'],
    ['a short hash', { contentHash: contentHash.slice(0, 11) }, INVALID_ARGUMENT, 'BAD_REQUEST'],
    ['no reason', { reason: ' ' }, INVALID_ARGUMENT, 'BAD_REQUEST'],
    ['a long reason', { reason: 'é'.repeat(129) }, INVALID_ARGUMENT, 'BAD_REQUEST'],
    ['no items', { items: [] }, INVALID_ARGUMENT, 'BAD_REQUEST'],
    ['items and all', { allCandidates: true }, INVALID_ARGUMENT, 'BAD_REQUEST'],
    ['an unknown item', { items: ['exec:/bin/none'] }, NOT_FOUND, 'ITEM_UNKNOWN'],
  ]
  for (const [title, change, grpc, code] of cases) {
    for (const name of ['approveItems', 'rejectItems'] as const) {
      t.match(await refusalOf(call(name, { ...good, ...change })), { status: grpc, code }, title)
    }
  }
  await store.save(madeOf('read', 'r', { ...OTHER, name: 'localhost/web:2' }))
  t.match(await refusalOf(call('sealBaseline', { ...good, reference: 'web' })), {
    status: INVALID_ARGUMENT,
    code: 'BASELINE_AMBIGUOUS',
  })
  t.equal((await store.newest()).get(KEY), 1)
})

t.test('with nothing to decide on there is no new revision', async (t) => {
  const server = await baselinesServer(t)
  const baseline = madeOf('read')
  await server.store.save(baseline)
  const request = { reference: KEY, contentHash: contentHashOf(baseline), reason: 'x' }
  const answer = await server.call('approveItems', { ...request, allCandidates: true })
  t.match(answer, { revision: 1, itemCount: 0 })
  t.same(server.changes, [])
})

t.test('another writer is met by one more try, and by a conflict after that', async (t) => {
  let races = 0
  const before = { save: (): Promise<void> => Promise.resolve() }
  const fs: StoreFs = {
    ...HOST_FS,
    link: async (from, to) => {
      if (races-- > 0) await before.save()
      return HOST_FS.link(from, to)
    },
  }
  const { call, stateDirectory, recorder, contentHash } = await stored(t, {
    storeIn: (directory) => new BaselineStore(directory, fs),
  })
  const others = new BaselineStore(stateDirectory)
  before.save = async () => {
    const known = await others.load(KEY)
    const run = known.startRun(runFacts(`run ${known.revision}`, { startedMs: 2_000 }))
    known.learnSyscall(run, 'main', 'x86_64', 0, 1, 2_500)
    await others.save(known)
  }
  const request = { reference: 'web', contentHash, reason: 'x', items: ['ptrace'] }
  races = 1
  t.match(await call('approveItems', request), { revision: 3 })
  t.equal((await others.load(KEY)).runCount, 2, 'what the other writer learned is there')
  races = 2
  const now = contentHashOf(await others.load(KEY))
  t.match(await refusalOf(call('sealBaseline', { ...request, contentHash: now })), {
    status: status.FAILED_PRECONDITION,
    code: 'BASELINE_CONFLICT',
  })
  t.match(recorder.ended, [{ outcome: 'done' }, { outcome: 'refused' }])
})

t.test('decisions at the same time are made one after the other', async (t) => {
  const { call, store, contentHash } = await stored(t)
  const request = { reference: 'web', contentHash, reason: 'x' }
  const outcomes = await Promise.allSettled([
    call('approveItems', { ...request, items: ['ptrace'] }),
    call('rejectItems', { ...request, items: ['ptrace'] }),
    call('approveItems', { ...request, items: ['unshare'] }),
  ])
  const refused = outcomes.filter((each) => each.status === 'rejected')
  t.match(
    await Promise.all(refused.map((each) => refusalOf(Promise.reject(each.reason)))),
    [{ code: 'CONTENT_CHANGED' }, { code: 'CONTENT_CHANGED' }],
    'whichever came first, the hash of the others was stale when it was their turn',
  )
  t.equal((await store.load(KEY)).decisions.verdicts.length, 1)
})

t.test('what several places learned is added up once, however often it is sent', async (t) => {
  const { call, store, source, recorder, changes } = await stored(t)
  source.learned.push(madeOf('getppid', 'session'))
  const uploads = [
    encodeBaseline(madeOf('chmod', 'one')),
    encodeBaseline(decided(madeOf('mount', 'two'), 'approved', 'mount')),
  ]
  const request = { baselines: [{ reference: 'web', origin: 1 }], uploads, reason: 'shards' }
  t.match(await call('mergeBaselines', request), { key: KEY, revision: 2, changed: true, runs: 4 })
  const sum = await store.load(KEY)
  t.equal(source.learned[0]?.revision, 0, 'the session goes on as it was')
  t.same(sum.decisions.verdicts, [], 'nobody here decided anything')
  t.same(
    ['chmod', 'mount', 'getppid', 'read'].map((name) =>
      sum.hasSyscall('main', 'x86_64', syscallNr('x86_64', name) ?? -1),
    ),
    [true, true, true, true],
  )
  t.match(await call('mergeBaselines', request), { revision: 2, changed: false, runs: 4 })
  t.match(
    await call('mergeBaselines', { baselines: [{ reference: KEY, revision: 1 }], reason: 'x' }),
    { revision: 2, changed: false },
    'an earlier revision is part of it',
  )
  t.match(recorder.ended, [
    { outcome: 'done', details: { changed: true } },
    { outcome: 'done', details: { changed: false } },
    { outcome: 'done', details: { changed: false } },
  ])
  t.match(changes, [{ what: 'merged', revision: 2, reason: 'shards' }])
  t.equal(changes.length, 1)
  const fresh = await call('mergeBaselines', {
    uploads: [encodeBaseline(madeOf('read', 'x', OTHER))],
    reason: 'x',
  })
  t.match(fresh, { key: imageKeyOf(OTHER), revision: 1, changed: true }, 'a new image')
})

t.test('what cannot be merged is refused', async (t) => {
  const { call, store } = await stored(t)
  const upload = encodeBaseline(madeOf('chmod', 'one'))
  const { INVALID_ARGUMENT, NOT_FOUND } = status
  type Request = Parameters<typeof call<'mergeBaselines'>>[1]
  const cases: readonly (readonly [string, Request, number, string])[] = [
    ['nothing', {}, INVALID_ARGUMENT, 'BAD_REQUEST'],
    ['no baseline', { uploads: [Buffer.from('x')] }, INVALID_ARGUMENT, 'BAD_REQUEST'],
    ['too many', { uploads: Array<Uint8Array>(65).fill(upload) }, INVALID_ARGUMENT, 'BAD_REQUEST'],
    ['too large', { uploads: [Buffer.alloc(64 * 1024 + 1)] }, INVALID_ARGUMENT, 'BAD_REQUEST'],
    ['no reason', { uploads: [upload], reason: '' }, INVALID_ARGUMENT, 'BAD_REQUEST'],
    [
      'different images',
      { baselines: [{ reference: 'web' }], uploads: [encodeBaseline(madeOf('read', 'r', OTHER))] },
      INVALID_ARGUMENT,
      'IMAGES_DIFFER',
    ],
    ['an unknown one', { baselines: [{ reference: 'none' }] }, NOT_FOUND, 'BASELINE_NOT_FOUND'],
    [
      'a revision that is not kept',
      { baselines: [{ reference: 'web', revision: 7 }] },
      NOT_FOUND,
      'REVISION_NOT_FOUND',
    ],
    [
      'a revision of a session',
      { baselines: [{ reference: 'web', origin: 1, revision: 1 }] },
      INVALID_ARGUMENT,
      'BAD_REQUEST',
    ],
  ]
  for (const [title, request, grpc, code] of cases) {
    const refusal = await refusalOf(call('mergeBaselines', { reason: 'x', ...request }))
    t.match(refusal, { status: grpc, code }, title)
  }
  t.equal((await store.newest()).get(KEY), 1)
})

t.test('what is learned is changed by whoever holds the modes', async (t) => {
  const asked: string[][] = []
  const modes: LearningModes = {
    start: async (...request) => {
      asked.push(['start', ...request])
      return { key: KEY, changed: true }
    },
    stop: async (...request) => {
      asked.push(['stop', ...request])
      return { key: '', changed: false }
    },
  }
  const { call } = await baselinesServer(t, { modes })
  const request = { image: 'web:1', reason: 'a new release' }
  t.match(await call('startLearning', request), { key: KEY, changed: true })
  t.match(await call('stopLearning', request), { key: '', changed: false })
  t.same(asked, [
    ['start', 'web:1', CALLER, 'a new release'],
    ['stop', 'web:1', CALLER, 'a new release'],
  ])
  const fixed = await baselinesServer(t)
  for (const name of ['startLearning', 'stopLearning'] as const) {
    t.match(await refusalOf(call(name, { image: '', reason: 'x' })), { code: 'BAD_REQUEST' })
    t.match(await refusalOf(call(name, { image: 'web', reason: '' })), { code: 'BAD_REQUEST' })
    t.match(await refusalOf(fixed.call(name, request)), {
      status: status.FAILED_PRECONDITION,
      code: 'LEARNING_FIXED',
    })
  }
})
