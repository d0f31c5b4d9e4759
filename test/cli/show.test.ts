/** `baseline show` and `candidates` of what a baseline knows beside calls, programs and addresses. */
import t, { type Test } from 'tap'
import { Baseline } from '../../src/baseline/baseline.js'
import type { BaselineView } from '../../src/baseline/json-view.js'
import { BaselineStore } from '../../src/baseline/store.js'
import { byteStringOfText } from '../../src/bytes.js'
import { resourcesText, sizeText } from '../../src/cli/resources-text.js'
import type { Resources } from '../../src/baseline/resources.js'
import { syscallNr } from '../../src/kernel/syscalls.js'
import type { RunFacts } from '../../src/baseline/run.js'
import { IMAGE, runFacts } from '../support/baseline-steps.js'
import { plimsoll } from '../support/fake-terminal.js'

const MKDIR = syscallNr('x86_64', 'mkdir') ?? -1
const PING = byteStringOfText('/bin/ping')

/** A state with one baseline, of one run with those facts. */
async function stateWith(t: Test, facts: Partial<RunFacts> = {}): Promise<NodeJS.ProcessEnv> {
  const env = { PLIMSOLL_STATE: t.testdir() }
  const baseline = Baseline.empty(IMAGE)
  const run = baseline.startRun(runFacts('a', facts))
  baseline.learnSyscall(run, 'main', 'x86_64', 0, 1, 1_500)
  baseline.learnCapability(run, { lineage: 'main', capability: 21, count: 3, atMs: 1_500 }, PING)
  baseline.learnCapability(run, { lineage: 'main', capability: 13, count: 7, atMs: 1_500 }, PING)
  baseline.learnDenial(run, 'main', 'x86_64', MKDIR, 5, 1_500)
  baseline.learnDenialProgram(run, 'main', 'x86_64', MKDIR, PING, 1_500)
  for (let n = 1; n <= 40; n++) {
    baseline.learnResources(run, { memoryBytes: n * 314_573, cpuMilli: 310 - n, pids: 5 })
  }
  await new BaselineStore(env.PLIMSOLL_STATE).save(baseline)
  return env
}

t.test('what was used, refused and taken is shown', async (t) => {
  const env = await stateWith(t)
  const { out } = await plimsoll(['baseline', 'show', IMAGE.name], env)
  const text = out.toString()
  t.match(
    text,
    /^resources {5}memory up to 12 MiB, cpu up to 0\.31, 5 processes \(from 1 run, 40 samples\)$/m,
  )
  t.match(text, /^capabilities: 2\n.*\n *13 +CAP_NET_RAW +7 +1 +\/bin\/ping\n *21 +CAP_SYS_ADMIN/m)
  t.match(text, /^io_uring operations: none$/m)
  t.match(text, /^refused by a filter: 1\n.*\nx86_64 +83 +mkdir +5 +1 +\/bin\/ping$/m)
  const json = await plimsoll(['baseline', 'show', IMAGE.name, '--json'], env)
  const view = JSON.parse(json.out.toString()) as BaselineView
  t.match(view.resources, { cpuMilli: 309, pids: 5, samples: 40, runs: 1 })
  t.match(view.lineages.main.capabilities, [{ name: 'CAP_NET_RAW' }, { name: 'CAP_SYS_ADMIN' }])
  t.match(view.lineages.main.denied, [{ name: 'mkdir', count: 5, programs: ['/bin/ping'] }])
  t.ok(view.observableKinds.includes('capability'))
  t.same(view.candidates, ['mkdir', 'capability:CAP_SYS_ADMIN'])
})

t.test('a kind that nobody looked for is not said to be absent', async (t) => {
  const env = await stateWith(t, { kinds: [] })
  const { out } = await plimsoll(['baseline', 'show', IMAGE.name], env)
  t.match(out.toString(), /^capabilities: not looked for in every run\n.*\n *13 +CAP_NET_RAW/m)
  t.match(out.toString(), /^io_uring operations: not looked for in every run\n/m)
})

t.test('a refused call is listed as a candidate, and approved by its name', async (t) => {
  const env = await stateWith(t)
  const listed = await plimsoll(['baseline', 'candidates', IMAGE.name], env)
  const text = listed.out.toString()
  t.match(text, /^mkdir +refused by a filter, never made +5 +1 +\/bin\/ping$/m)
  t.match(text, /^capability:CAP_SYS_ADMIN +never learned by being seen +3 +1 +\/bin\/ping$/m)
  const hash = /^content ([0-9a-f]{64})$/m.exec(text)?.[1] ?? ''
  const items = ['mkdir', 'capability:CAP_SYS_ADMIN']
  const approved = await plimsoll(
    ['baseline', 'approve', IMAGE.name, ...items, '--hash', hash],
    env,
  )
  t.equal(approved.status, 0, approved.said)
  t.match((await plimsoll(['baseline', 'candidates', IMAGE.name], env)).out.toString(), /^no cand/)
  const profile = await plimsoll(['profile', IMAGE.name], env)
  t.match(profile.out.toString(), /"mkdir"/)
})

t.test('sizes have two digits, and a unit that a person knows', async (t) => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [10_200, '10 KiB'],
    [1.5 * 2 ** 20, '1.5 MiB'],
    [12 * 2 ** 20 + 1, '12 MiB'],
    [2 ** 40, '1.0 TiB'],
    [Number.MAX_SAFE_INTEGER, '8.0 PiB'],
  ]
  for (const [bytes, text] of cases) t.equal(sizeText(bytes), text)
  const one: Resources = { memoryBytes: 1, cpuMilli: 1500, pids: 1, samples: 1, runs: 1 }
  t.equal(resourcesText(one), 'memory up to 1 B, cpu up to 1.50, 1 process (from 1 run, 1 sample)')
})
