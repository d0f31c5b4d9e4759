/** What containers take of the host: from files of cgroups of either version, and as samples. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Fact } from '../../src/engine/feed.js'
import { ResourceSampler } from '../../src/engine/resource-sampler.js'
import { parseV1Controllers, readResources } from '../../src/workload/resources.js'

const MOUNTINFO = `25 30 0:23 / /sys rw,nosuid - sysfs sysfs rw
31 25 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate
33 32 0:30 / /sys/fs/cgroup/cpu,cpuacct rw shared:1 master:2 - cgroup cgroup rw,cpu,cpuacct
34 32 0:31 / /sys/fs/cgroup/mem\\040ory rw - cgroup cgroup rw,memory
35 32 0:32 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
36 32 0:33 / /elsewhere/pids rw - cgroup cgroup rw,pids
torn 35 32
`

t.test('the controllers of v1 are found by their options', async (t) => {
  t.same(parseV1Controllers(MOUNTINFO), {
    cpuacct: '/sys/fs/cgroup/cpu,cpuacct',
    memory: '/sys/fs/cgroup/mem ory',
    pids: '/sys/fs/cgroup/pids',
  })
  t.same(parseV1Controllers(''), {})
})

const V2 = {
  'memory.stat': 'anon 4096\nfile 900000\nanon_thp 5\n',
  'cpu.stat': 'usage_usec 1500\nuser_usec 1000\n',
  'pids.current': '3\n',
}

t.test('v2 is read where it is, else v1, and what no one counts is not known', async (t) => {
  const root = t.testdir({
    unified: { a: V2, b: {}, c: { 'memory.stat': 'file 1\nanon x\n', 'pids.current': 'max\n' } },
    memory: { b: { 'memory.stat': 'cache 1\nrss 1\ntotal_rss 8192\n' } },
    cpuacct: { b: { 'cpuacct.usage': '2500999\n' } },
    pids: { b: { 'pids.current': '5\n' } },
  })
  const v1 = Object.fromEntries(['memory', 'cpuacct', 'pids'].map((one) => [one, join(root, one)]))
  const mounts = { unified: join(root, 'unified'), v1 }
  const unknown = { memoryBytes: undefined, cpuUs: undefined, pids: undefined }
  t.same(await readResources(mounts, '/a'), { memoryBytes: 4096, cpuUs: 1500, pids: 3 })
  t.same(await readResources(mounts, '/b'), { memoryBytes: 8192, cpuUs: 2500, pids: 5 })
  t.same(await readResources(mounts, '/c'), unknown)
  t.same(await readResources({ ...mounts, v1: {} }, '/gone'), unknown)
})

t.test('a sample takes two readings, and a container that is gone is forgotten', async (t) => {
  const root = t.testdir({ a: V2 })
  const facts: Fact[] = []
  let nowMs = 1_000
  let cgroups = [{ cgroupId: 7, path: '/a' }]
  const sampler = new ResourceSampler({
    mounts: { unified: root, v1: {} },
    cgroups: () => cgroups,
    give: (fact) => facts.push(fact),
    nowMs: () => nowMs,
  })
  const burn = (usec: number): void =>
    writeFileSync(join(root, 'a/cpu.stat'), `usage_usec ${usec}\n`)
  await sampler.sample()
  t.same(facts, [])
  nowMs += 5_000
  burn(1_500 + 2_500_000)
  await sampler.sample()
  const taken = { kind: 'resources', cgroupId: 7, memoryBytes: 4096, cpuMilli: 500, pids: 3 }
  t.same(facts.splice(0), [taken])
  await sampler.sample()
  t.same(facts, [], 'no time has gone by')
  nowMs += 5_000
  burn(0)
  await sampler.sample()
  t.same(facts.splice(0), [{ ...taken, cpuMilli: 0 }], 'time never runs backwards')
  cgroups = []
  await sampler.sample()
  mkdirSync(join(root, 'b'))
  cgroups = [{ cgroupId: 7, path: '/b' }]
  nowMs += 5_000
  await sampler.sample()
  t.same(facts, [])
  await sampler.stop()
})
