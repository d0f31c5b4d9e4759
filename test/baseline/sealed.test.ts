/** What a sealed baseline holds its image to. */
import fc from 'fast-check'
import t from 'tap'
import { candidatesOf, decide, itemsNamed, seal } from '../../src/baseline/approval.js'
import { Baseline } from '../../src/baseline/baseline.js'
import { contentHashOf } from '../../src/baseline/content-hash.js'
import { ITEM_KINDS, type ItemKind, itemKeyOf } from '../../src/baseline/item-key.js'
import { itemText } from '../../src/baseline/item-text.js'
import { FIRST_KINDS } from '../../src/baseline/kinds.js'
import { merged } from '../../src/baseline/merge.js'
import { standingItems } from '../../src/baseline/own-items.js'
import { allowedItems, judgedKinds, sealOf } from '../../src/baseline/sealed.js'
import { isAllowed } from '../../src/baseline/standing.js'
import { syscallNr } from '../../src/kernel/syscalls.js'
import { IMAGE, runFacts } from '../support/baseline-steps.js'
import { shard } from '../support/shards.js'

function learned(
  runId: string,
  names: readonly string[],
  kinds: readonly ItemKind[] = ITEM_KINDS,
): Baseline {
  const baseline = Baseline.empty(IMAGE)
  const run = baseline.startRun(runFacts(runId, { kinds }))
  for (const name of names) {
    baseline.learnSyscall(run, 'main', 'x86_64', syscallNr('x86_64', name) ?? 0, 1, 2_000)
  }
  return baseline
}

function decided(baseline: Baseline, verdict: 'approved' | 'rejected', ...texts: string[]): void {
  const how = { by: 'someone', atMs: 5_000, reason: '', contentHash: contentHashOf(baseline) }
  decide(baseline, itemsNamed(baseline, texts), verdict, how)
}

function sealed(baseline: Baseline): void {
  const how = { by: 'someone', atMs: 6_000, reason: '', contentHash: contentHashOf(baseline) }
  seal(baseline, how)
}

const textsOf = (baseline: Baseline): readonly string[] => allowedItems(baseline).map(itemText)

t.test('what was sealed is allowed, and what was approved before or after', async (t) => {
  const baseline = learned('a', ['read', 'chmod', 'ptrace', 'bpf'])
  decided(baseline, 'approved', 'ptrace', 'mkdir', 'capability:CAP_NET_RAW')
  decided(baseline, 'rejected', 'chmod')
  t.equal(sealOf(baseline), undefined)
  t.same(textsOf(baseline), ['read', 'mkdir', 'ptrace', 'capability:CAP_NET_RAW'])
  sealed(baseline)
  t.equal(sealOf(baseline)?.by, 'someone')
  const later = merged(baseline, learned('b', ['write', 'io_uring_setup', 'link']))
  decided(later, 'approved', 'link', 'io_uring:READ')
  decided(later, 'rejected', 'read')
  t.same(textsOf(later), ['mkdir', 'link', 'ptrace', 'capability:CAP_NET_RAW', 'io_uring:READ'])
})

t.test(
  'what is allowed of a baseline is what stands as allowed, and what is approved unseen',
  async (t) => {
    fc.assert(
      fc.property(shard, shard, (a, b) => {
        const baseline = merged(a, b)
        const { verdicts, seal: found } = baseline.decisions
        const rejected = new Set(
          verdicts.filter(({ verdict }) => verdict === 'rejected').map(({ item }) => item),
        )
        const approved = verdicts.filter(({ verdict }) => verdict === 'approved')
        const expected = new Set([
          ...standingItems(baseline)
            .filter(({ standing }) => isAllowed(standing))
            .map(({ key }) => key),
          ...(found?.items ?? []).filter((key) => !rejected.has(key)),
          ...approved.map(({ item }) => item),
        ])
        t.same(allowedItems(baseline).map(itemKeyOf), [...expected].sort(), '')
      }),
      { numRuns: 100 },
    )
  },
)

t.test('a seal speaks about the kinds that were looked for when it was made', async (t) => {
  const baseline = learned('a', ['read'])
  t.same(judgedKinds(baseline), [], 'nothing is judged without a seal')
  sealed(baseline)
  t.same(judgedKinds(baseline), ITEM_KINDS)
  const old = learned('a', ['read'], [])
  sealed(old)
  t.same(judgedKinds(old), FIRST_KINDS, 'nobody looked for capabilities')
  const later = merged(old, learned('b', ['read']))
  t.same(judgedKinds(later), FIRST_KINDS, 'nor does one who looks later change what was sealed')
  const before = merged(baseline, learned('b', ['read'], []))
  t.same(judgedKinds(before), ITEM_KINDS, 'nor one who does not')
  sealed(later)
  t.same(judgedKinds(later), FIRST_KINDS, 'all runs must have looked')
})

t.test('kinds are observable if every listed run could see them', async (t) => {
  const kindsOf = (...runs: readonly ItemKind[][]): readonly string[] => {
    const baseline = Baseline.empty(IMAGE)
    for (const [n, kinds] of runs.entries()) baseline.startRun(runFacts(`r${n}`, { kinds }))
    return baseline.observableKinds()
  }
  t.same(kindsOf(), FIRST_KINDS, 'no run')
  t.same(kindsOf([]), FIRST_KINDS, 'a run of before that was on record')
  t.same(kindsOf([...ITEM_KINDS], [...ITEM_KINDS].reverse()), ITEM_KINDS)
  t.same(kindsOf([...ITEM_KINDS], []), FIRST_KINDS)
  t.same(kindsOf(['syscall', 'capability'], ['capability', 'io_uring']), ['capability'])
  const old = learned('a', ['read'], [])
  t.same(
    merged(old, learned('a', ['read'])).observableKinds(),
    ITEM_KINDS,
    'of one run, what any saw',
  )
})

t.test('a denied call is a candidate until somebody decides, sealed or not', async (t) => {
  const baseline = learned('a', ['read', 'write'])
  const run = baseline.startRun(runFacts('b'))
  const deny = (name: string, lineage: 'main' | 'probe' | 'exec' | 'runtime'): void =>
    void baseline.learnDenial(run, lineage, 'x86_64', syscallNr('x86_64', name) ?? 0, 3, 2_500)
  deny('mkdir', 'main')
  deny('link', 'probe')
  deny('write', 'main')
  deny('rmdir', 'exec')
  deny('mount', 'runtime')
  const candidates = (): readonly string[] =>
    candidatesOf(baseline).map(({ item, standing }) => `${itemText(item)} ${standing}`)
  const waiting = ['mkdir candidate-denied', 'link candidate-denied']
  t.same(candidates(), waiting, 'not one that was made, nor one that was injected')
  t.same(textsOf(baseline), ['read', 'write'])
  sealed(baseline)
  t.same(sealOf(baseline)?.items.length, 2)
  t.same(candidates(), waiting)
  decided(baseline, 'approved', 'mkdir')
  decided(baseline, 'rejected', 'link')
  t.same(candidates(), [])
  t.same(textsOf(baseline), ['read', 'write', 'mkdir'])
  const stands = Object.fromEntries(
    standingItems(baseline).map(({ item, standing }) => [itemText(item), standing]),
  )
  t.same(stands, { read: 'sealed', write: 'sealed', mkdir: 'approved', link: 'rejected' })
  baseline.learnSyscall(run, 'main', 'x86_64', syscallNr('x86_64', 'rmdir') ?? 0, 1, 2_600)
  t.same(candidates(), ['rmdir candidate-after-seal'], 'once made, it stands as any other')
})
