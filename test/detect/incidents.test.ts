/** Processes and incidents: who descends from whom, and what one act set off. */
import fc from 'fast-check'
import t from 'tap'
import { byteStringOfText } from '../../src/bytes.js'
import { Incidents } from '../../src/detect/incidents.js'
import { Processes } from '../../src/detect/processes.js'
import type { Lineage } from '../../src/observation.js'

const WEB = 10
const OTHER = 11

/** Processes of the container `WEB`: each is [pid, ppid]. */
function family(lineage: Lineage, ...pairs: readonly (readonly [number, number])[]): Processes {
  const processes = new Processes()
  for (const [pid, ppid] of pairs) processes.saw({ cgroupId: WEB, pid, ppid, lineage })
  return processes
}

t.test('what observations tell of a process adds up', async (t) => {
  const processes = new Processes()
  const [comm, exe, path] = ['sh', 'dash', '/bin/sh'].map(byteStringOfText)
  if (comm === undefined || exe === undefined || path === undefined) throw new Error('no text')
  processes.saw({ cgroupId: WEB, pid: 7, lineage: 'main', exe, path })
  processes.saw({ cgroupId: WEB, pid: 7, lineage: 'main', ppid: 1, uid: 33, comm })
  const facts = { pid: 7, ppid: 1, uid: 33, comm, exe, path, lineage: 'main' }
  t.strictSame(processes.factsOf(WEB, 7, 'main'), facts)
  const unknown = { pid: 8, ppid: 0, uid: undefined, comm: '', exe: '', path: '', lineage: 'exec' }
  t.strictSame(processes.factsOf(WEB, 8, 'exec'), unknown)
  t.match(processes.factsOf(OTHER, 7, 'main'), { ppid: 0 }, 'another container')
})

t.test('ancestors are those of the container, parent first', async (t) => {
  const processes = family('main', [1, 900], [2, 1], [3, 2])
  processes.saw({ cgroupId: OTHER, pid: 900, ppid: 1, lineage: 'main' })
  t.strictSame(processes.ancestors(WEB, 3), [2, 1])
  t.strictSame(processes.ancestors(WEB, 1), [], 'its parent is not of the container')
  t.strictSame(processes.ancestors(OTHER, 3), [])
})

t.test('an orphan keeps its ancestors', async (t) => {
  const processes = family('main', [1, 900], [2, 1], [3, 2], [4, 3])
  processes.saw({ cgroupId: WEB, pid: 4, ppid: 1, lineage: 'main' })
  t.strictSame(processes.ancestors(WEB, 4), [3, 2, 1])
  t.equal(processes.factsOf(WEB, 4, 'main').ppid, 1)
})

t.test('a pid that was given out again has none of them', async (t) => {
  const again = { cgroupId: WEB, pid: 4, ppid: 6, lineage: 'main' } as const
  const pairs = [
    [1, 900],
    [2, 1],
    [3, 2],
    [4, 3],
    [5, 1],
    [6, 5],
  ] as const
  const cases: readonly (readonly [string, Parameters<Processes['saw']>[0], readonly number[]])[] =
    [
      ['by its parent', again, [6, 5, 1]],
      ['by its lineage', { ...again, ppid: 800, lineage: 'exec' }, []],
      ['by its container', { ...again, cgroupId: OTHER, ppid: 1 }, []],
    ]
  for (const [name, sighting, ancestors] of cases) {
    const processes = family('main', ...pairs)
    processes.saw(sighting)
    t.strictSame(processes.ancestors(sighting.cgroupId, 4), ancestors, name)
  }
})

t.test('a process of the runtime becomes the entrypoint by its exec', async (t) => {
  const processes = new Processes()
  processes.saw({ cgroupId: WEB, pid: 1, ppid: 900, uid: 0, lineage: 'runtime' })
  processes.saw({ cgroupId: WEB, pid: 1, lineage: 'main' })
  t.match(processes.factsOf(WEB, 1, 'main'), { ppid: 900, uid: 0 })
})

t.test('ancestors end, whatever pids were told', async (t) => {
  const pid = fc.integer({ min: 0, max: 6 })
  const lineage = fc.constantFrom<Lineage>('runtime', 'main', 'exec')
  const sighting = fc.record({ cgroupId: fc.constantFrom(WEB, OTHER), pid, ppid: pid, lineage })
  fc.assert(
    fc.property(fc.array(sighting, { maxLength: 60 }), (sightings) => {
      const processes = new Processes(5)
      for (const one of sightings) processes.saw(one)
      return sightings.every((one) => {
        const ancestors = processes.ancestors(one.cgroupId, one.pid)
        const isPlain = new Set(ancestors).size === ancestors.length && processes.size <= 5
        return isPlain && !ancestors.includes(one.pid) && !ancestors.includes(0)
      })
    }),
    { numRuns: 3000 },
  )
  t.pass('3000 histories')
})

t.test('a long chain is followed 64 generations', async (t) => {
  const pairs = Array.from({ length: 200 }, (_, i) => [i + 1, i] as const)
  t.equal(family('main', ...pairs).ancestors(WEB, 200).length, 64)
})

t.test('a container that forks without end forgets its own', async (t) => {
  const processes = family('main', [1, 900], [2, 1])
  for (let pid = 100; pid < 100_000; pid++) {
    processes.saw({ cgroupId: OTHER, pid, ppid: 99, lineage: 'main' })
  }
  t.strictSame(processes.ancestors(WEB, 2), [1])
  t.equal(processes.size, 4096 + 2)
  processes.forget(OTHER)
  t.equal(processes.size, 2)
})

t.test('all that an injected shell sets off is one incident', async (t) => {
  const processes = family('exec', [50, 900], [51, 50], [52, 50], [53, 52])
  const incidents = new Incidents('s1', processes)
  const shell = incidents.idOf(WEB, 51, 'exec', 1000)
  t.equal(shell, 's1-1')
  t.equal(incidents.idOf(WEB, 53, 'exec', 2000), shell, 'through the shell that both come from')
  t.equal(incidents.idOf(WEB, 50, 'exec', 3000), shell)
  t.not(incidents.idOf(WEB, 60, 'exec', 3000), shell, 'another one')
  t.not(incidents.idOf(OTHER, 51, 'exec', 3000), shell, 'another container')
})

t.test('of the entrypoint, each process begins one, which its descendants join', async (t) => {
  const processes = family('main', [1, 900], [2, 1], [3, 2], [4, 1])
  const incidents = new Incidents('s1', processes)
  const worker = incidents.idOf(WEB, 2, 'main', 1000)
  t.equal(incidents.idOf(WEB, 3, 'main', 1000), worker)
  t.not(incidents.idOf(WEB, 4, 'main', 1000), worker)
})

t.test('an incident closes when nothing is added for a minute', async (t) => {
  const incidents = new Incidents('s1', family('main', [1, 900]))
  const first = incidents.idOf(WEB, 1, 'main', 1000)
  t.equal(incidents.idOf(WEB, 1, 'main', 61_000), first)
  t.equal(incidents.idOf(WEB, 1, 'main', 20_000), first, 'a clock that was set back')
  t.equal(incidents.idOf(WEB, 1, 'main', 121_000), first)
  t.not(incidents.idOf(WEB, 1, 'main', 181_001), first)
})

t.test('a fact of no known process joins what its container did a moment before', async (t) => {
  const incidents = new Incidents('s1', family('main', [1, 900]))
  const alone = incidents.idOf(WEB, 0, 'main', 1000)
  t.equal(incidents.idOf(WEB, 0, 'main', 5999), alone)
  const act = incidents.idOf(WEB, 1, 'main', 6000)
  t.not(act, alone)
  t.equal(incidents.idOf(WEB, 0, 'main', 10_000), act)
  t.not(incidents.idOf(OTHER, 0, 'main', 10_000), act)
  t.not(incidents.idOf(WEB, 0, 'main', 15_000), act)
  incidents.forget(WEB)
  t.not(incidents.idOf(WEB, 1, 'main', 15_000), act, 'the container is another one now')
})
