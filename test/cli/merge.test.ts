/** `baseline merge`: what CI shards learned, added up through the command line. */
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { Baseline } from '../../src/baseline/baseline.js'
import { encodeBaseline } from '../../src/baseline/codec.js'
import { BaselineStore } from '../../src/baseline/store.js'
import { byteStringOfText } from '../../src/bytes.js'
import { IMAGE, runFacts } from '../support/baseline-steps.js'
import { plimsoll } from '../support/fake-terminal.js'
import { hostileBaseline } from '../support/hostile-baseline.js'

const SHARDS = 50

/**
 * What one of 50 CI shards learned: two runs of its own; one that its neighbour has as well, in a later state there; and the
 * smoke test that every shard ran.
 */
function shardOf(shard: number): Baseline {
  const baseline = Baseline.empty({ ...IMAGE, name: `web:${shard % 3}` })
  baseline.revision = shard
  const own = [`${shard}/a`, `${shard}/b`]
  const shared = [`${shard}+`, `${(shard + SHARDS - 1) % SHARDS}+`]
  for (const [n, runId] of [...own, ...shared, 'smoke'].entries()) {
    const startedMs = runId === 'smoke' ? 500 : 1_000 * (1 + Number.parseInt(runId, 10))
    const isLater = n === 3
    const run = baseline.startRun(runFacts(runId, { startedMs, endedMs: 0 }))
    for (const nr of [1, 41, 100 + ((startedMs / 500) % 60), ...(isLater ? [59] : [])]) {
      baseline.learnSyscall(run, 'main', 'x86_64', nr, isLater ? 8 : 5, startedMs + nr)
    }
    baseline.learnArgument(run, 'main', 'x86_64', 41, 33, isLater ? 8 : 5, startedMs)
    baseline.learnProgram(
      run,
      'main',
      'x86_64',
      1,
      byteStringOfText(`/bin/p${Number.parseInt(runId, 10) % 12}`),
      startedMs,
    )
    if (isLater) baseline.endRun(run, startedMs + 99_000)
  }
  return baseline
}

async function files(t: Test): Promise<string[]> {
  const dir = t.testdir()
  return Promise.all(
    Array.from({ length: SHARDS }, async (_, shard) => {
      const path = join(dir, `shard-${shard}.plb`)
      await writeFile(path, encodeBaseline(shardOf(shard)))
      return path
    }),
  )
}

t.test('50 shuffled shards in any grouping are one merge, byte for byte', async (t) => {
  const shards = await files(t)
  const at = (name: string): string => join(t.testdirName, name)
  const merge = async (inputs: readonly string[], out: string): Promise<Buffer> => {
    const { status, said } = await plimsoll(['baseline', 'merge', ...inputs, '-o', out])
    t.equal(status, 0, said)
    return readFile(out)
  }
  const whole = await merge(shards, at('whole.plb'))
  const { status, out } = await plimsoll(['baseline', 'merge', ...shards, '-o', at('x'), '--json'])
  t.equal(status, 0)
  t.match(JSON.parse(out.toString()), { image: 'web:1', runs: 151, revision: 0, syscalls: 34 })

  for (const seed of [1, 2, 3]) {
    const [order = []] = fc.sample(
      fc.shuffledSubarray(shards, { minLength: SHARDS, maxLength: SHARDS }),
      { numRuns: 1, seed },
    )
    t.ok(whole.equals(await merge(order, at('shuffled.plb'))), `shuffled, seed ${seed}`)
    // Groups of different sizes, and the groups in another order, some shards in two of them.
    const groups = [order.slice(0, 7), order.slice(5, 30), order.slice(30, 31), order.slice(31)]
    const parts = await Promise.all(
      groups.map(async (group, n) => {
        await merge(group, at(`part-${n}.plb`))
        return at(`part-${n}.plb`)
      }),
    )
    t.ok(whole.equals(await merge(parts.toReversed(), at('grouped.plb'))), `grouped, seed ${seed}`)
  }
  for (const again of [shards.slice(3, 4), shards, [at('whole.plb')]]) {
    const twice = await merge([at('whole.plb'), ...again], at('twice.plb'))
    t.ok(whole.equals(twice), `${again.length} merged twice change nothing`)
  }
})

t.test('baselines of the store and files are merged alike', async (t) => {
  const state = join(t.testdir(), 'state')
  const stored = shardOf(1)
  stored.revision = 0
  await new BaselineStore(state).save(stored)
  const file = join(t.testdirName, 'two.plb')
  await writeFile(file, encodeBaseline(shardOf(2)))
  const out = join(t.testdirName, 'sum')
  const env = { PLIMSOLL_STATE: state }
  const args = ['baseline', 'merge', 'web:1', file, '--out', out]
  t.match((await plimsoll(args, env)).out.toString(), /^web:2: 8 runs, full\n/)
  t.equal((await stat(out)).mode & 0o777, 0o644)
  const imported = await plimsoll(['baseline', 'import', out], env)
  t.match(imported.out.toString(), /: 8 runs, full\n(?:.*\n)*.* revision 2\n$/)
  const alone = await plimsoll(['baseline', 'merge', 'web', '-o', out], env)
  t.equal(alone.status, 0, 'one is enough')
})

t.test('baselines of different images are refused, and nothing is written', async (t) => {
  const dir = t.testdir()
  const one = join(dir, 'one.plb')
  const other = join(dir, 'other.plb')
  await writeFile(one, encodeBaseline(shardOf(1)))
  await writeFile(other, encodeBaseline(hostileBaseline()))
  const out = join(dir, 'sum.plb')
  const { status, said } = await plimsoll(['baseline', 'merge', one, other, '-o', out])
  t.equal(status, 1)
  t.match(said, /different images cannot be merged: web:1 \(sha256:0123456789ab\) and web\\u001b/)
  t.notOk(said.includes('\u001b'))
  await t.rejects(stat(out), { code: 'ENOENT' })
})
