/** Baselines as CI shards and replicas have them: of one image, with runs that some of them share, in different states. */
import fc from 'fast-check'
import { Baseline } from '../../src/baseline/baseline.js'
import { encodeBaseline } from '../../src/baseline/codec.js'
import type { HistoryLimits } from '../../src/baseline/history.js'
import { ITEM_KINDS, type ItemKey, itemKeyOf } from '../../src/baseline/item-key.js'
import type { Seal, Verdict } from '../../src/baseline/verdicts.js'
import { byteStringOfText } from '../../src/bytes.js'
import { IMAGE, incompleteness, runFacts, type Step, steps, take } from './baseline-steps.js'

/** Limits that a handful of small runs exceed. */
export const TIGHT: HistoryLimits = { runs: 3, items: 40, textBytes: 30, programs: 5 }

/** Few runs, so that shards share them; one id has two beginnings. */
const RUN_KEYS: readonly (readonly [string, number])[] = [
  ['a', 10],
  ['b', 20],
  ['c', 20],
  ['d', 30],
  ['e', 40],
  ['f', 50],
  ['g', 60],
  ['a', 70],
]

const KEYS: readonly ItemKey[] = [
  itemKeyOf({ kind: 'syscall', abi: 'x86_64', nr: 1 }),
  itemKeyOf({ kind: 'argument', abi: 'x86_64', nr: 41, value: 33 }),
  itemKeyOf({ kind: 'capability', capability: 13 }),
  itemKeyOf({ kind: 'io_uring', opcode: 16 }),
  itemKeyOf({ kind: 'exec', path: byteStringOfText('/bin/sh'), exe: byteStringOfText('sh') }),
]

const atMs = fc.nat({ max: 3 })
const by = fc.constantFrom('ann', 'bob')

const verdict: fc.Arbitrary<Verdict> = fc.record({
  item: fc.constantFrom(...KEYS),
  verdict: fc.constantFrom('approved', 'rejected'),
  atMs,
  by,
  reason: fc.constantFrom('', 'known', 'never'),
})

const seal: fc.Arbitrary<Seal> = fc.record({
  atMs,
  by,
  contentHash: fc.constantFrom('x', 'y'),
  items: fc.subarray([...KEYS]),
  kinds: fc.subarray([...ITEM_KINDS]),
})

const name = fc.constantFrom('web:1', 'web:2', 'localhost/web')

/** Steps of one run. */
const life: fc.Arbitrary<Step[]> = steps(12).map((all) => all.map((step) => ({ ...step, run: 0 })))

/** A baseline of `IMAGE` with any of the runs, each in any state, also in ones that contradict each other. */
export const shard: fc.Arbitrary<Baseline> = fc
  .record({
    name,
    runs: fc.uniqueArray(
      fc.record({
        key: fc.constantFrom(...RUN_KEYS),
        endedMs: fc.constantFrom(0, 100, 200),
        containerName: fc.constantFrom('', 'x', 'y'),
        missed: fc.array(incompleteness, { maxLength: 2 }),
        kinds: fc.subarray([...ITEM_KINDS]),
        life,
      }),
      { selector: ({ key }) => key[0], maxLength: 4 },
    ),
    verdicts: fc.array(verdict, { maxLength: 3 }),
    seal: fc.option(seal, { nil: undefined }),
  })
  .map((from) => {
    const baseline = Baseline.empty({ ...IMAGE, name: from.name })
    for (const { key, endedMs, containerName, missed, kinds, life: done } of from.runs) {
      const [runId, startedMs] = key
      const facts = { startedMs, endedMs, containerName, kinds, incompleteness: missed }
      const run = baseline.startRun(runFacts(runId, facts))
      for (const step of done) take(baseline, [run], step)
    }
    for (const one of from.verdicts) baseline.setVerdict(one)
    if (from.seal) baseline.setSeal(from.seal)
    return baseline
  })

/** What a baseline is on disk, for comparison. */
export function bytesOf(baseline: Baseline): string {
  return Buffer.from(encodeBaseline(baseline)).toString('hex')
}
