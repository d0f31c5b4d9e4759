/** Measured floors as documents, those that ship, and what a profile's floor is made of. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { REQUIRED } from '../../src/kernel/required-calls.js'
import { syscallNr } from '../../src/kernel/syscalls.js'
import { ABIS, type Lineage } from '../../src/observation.js'
import { type BuiltProfile, buildProfile } from '../../src/seccomp/build.js'
import { NEVER_IN_FLOOR } from '../../src/seccomp/call-groups.js'
import { comparedFloors } from '../../src/seccomp/floor-compare.js'
import {
  type FloorDocument,
  floorFileName,
  measureKey,
  MEASURES,
  parseFloor,
  serializeFloor,
} from '../../src/seccomp/floor-document.js'
import {
  GO_RUNTIME,
  PROGRAM_START,
  RUNTIMES,
  type Runtime,
} from '../../src/seccomp/floor-tables.js'
import { floorFor, type KnownFloor } from '../../src/seccomp/floor.js'
import type { ObservedCall } from '../../src/seccomp/observed-call.js'
import { REPOSITORY } from '../support/repository.js'

const SHIPPED_DIR = join(REPOSITORY, 'profiles/floors')
const TEXTS = readdirSync(SHIPPED_DIR).map((file) => ({
  file,
  text: readFileSync(join(SHIPPED_DIR, file), 'utf8'),
}))
const SHIPPED: readonly KnownFloor[] = TEXTS.map(({ text }) => ({
  from: 'shipped',
  document: parseFloor(text),
}))

/** A floor in which each measure has the same names, with no_new_privs only the first. */
function measured(runtime: Runtime, version: string, names: readonly string[]): FloorDocument {
  const floors = MEASURES.map((measure) => ({
    ...measure,
    rounds: 7,
    names: Object.fromEntries(
      (measure.noNewPrivileges ? names.slice(0, 1) : names).map((name) => [name, 7]),
    ),
  }))
  return {
    format: 1,
    runtime,
    version,
    release: version,
    facts: {},
    architecture: 'x86_64',
    measuredAt: '2026-01-02T03:04:05.678Z',
    kernel: '6.1.0',
    bpftrace: '0.17.0',
    plimsoll: '0.1.0',
    quietRounds: 5,
    tried: [],
    floors,
  }
}

t.test('the floors that ship are whole, as a calibration writes them, and harmless', async (t) => {
  t.ok(SHIPPED.some(({ document }) => document.runtime === 'runc'))
  t.ok(SHIPPED.some(({ document }) => document.runtime === 'crun'))
  for (const { file, text } of TEXTS) {
    const document = parseFloor(text)
    t.equal(floorFileName(document), file)
    t.equal(serializeFloor(document), text, `${file}: bytes`)
    for (const floor of document.floors) {
      const names = Object.keys(floor.names)
      const title = `${file}: ${measureKey(floor)}`
      t.ok(names.includes('execve'), `${title}: the program was executed`)
      t.strictSame(names, names.toSorted(), `${title}: in order`)
      t.strictSame(
        names.filter((name) => NEVER_IN_FLOOR.has(name)),
        [],
        `${title}: nothing that no floor has`,
      )
    }
    const [start, startNnp, exec, execNnp] = document.floors.map(
      ({ names }) => Object.keys(names).length,
    )
    t.ok((startNnp ?? 0) < (start ?? 0) && (execNnp ?? 0) < (exec ?? 0), `${file}: less with nnp`)
  }
})

t.test('a document that no calibration has written is refused with the reason', async (t) => {
  const good = measured('runc', '1.2.3', ['execve', 'read'])
  t.strictSame(parseFloor(serializeFloor(good)), good)
  const [start, ...others] = good.floors
  const withStart = (change: object): unknown => ({
    ...good,
    floors: [{ ...start, ...change }, ...others],
  })
  const cases: readonly (readonly [string, unknown, RegExp])[] = [
    ['no document', 7, /not an object/],
    ['a list', [], /not an object/],
    ['a field too few', { ...good, kernel: undefined }, /has no kernel/],
    ['a field too many', { ...good, more: 1 }, /unknown field more/],
    ['another format', { ...good, format: 2 }, /format is not 1/],
    ['another runtime', { ...good, runtime: 'youki' }, /runtime is not known/],
    ['another architecture', { ...good, architecture: 'aarch64' }, /architecture/],
    ['a version that is a path', { ...good, version: '../1.2.3' }, /version/],
    ['a terminal sequence', { ...good, release: '\u001b[2J' }, /release/],
    ['facts that are no texts', { ...good, facts: { go: 1 } }, /facts/],
    ['no time', { ...good, measuredAt: 'today' }, /measuredAt/],
    ['tries that are no calls', { ...good, tried: ['\n'] }, /tried/],
    ['a measure too few', { ...good, floors: others }, /not all there/],
    ['measures in another order', { ...good, floors: good.floors.toReversed() }, /should be/],
    ['no rounds', withStart({ rounds: 0 }), /no rounds/],
    ['no names', withStart({ names: {} }), /is empty/],
    ['a name that is none', withStart({ names: { toString: 1 } }), /no system call/],
    ['mount', withStart({ names: { mount: 1 } }), /which no floor may have/],
    ['more rounds than there were', withStart({ names: { read: 8 } }), /odd number/],
    ['seen in no round', withStart({ names: { read: 0 } }), /odd number/],
  ]
  for (const [title, document, reason] of cases) {
    t.throws(
      () => parseFloor(JSON.stringify(document)),
      { name: 'SyntaxError', message: reason },
      title,
    )
  }
  t.throws(() => parseFloor('{'), { name: 'SyntaxError' })
})

t.test('two floors are compared measure by measure', async (t) => {
  const one = measured('runc', '1.2.3', ['execve', 'read', 'write'])
  const other = measured('runc', '1.2.3', ['execve', 'futex', 'write'])
  t.strictSame(
    comparedFloors(one, other).map(({ added, gone }) => [...added, '/', ...gone].join(' ')),
    ['futex / read', '/', 'futex / read', '/'],
  )
  t.ok(comparedFloors(one, one).every(({ added, gone }) => added.length + gone.length === 0))
})

t.test("this host's calibration decides, else what ships, else the table", async (t) => {
  const host: KnownFloor = { from: 'host', document: measured('runc', '1.4.2', ['execve', 'sync']) }
  const options = { runtimes: ['runc'], assumeNoNewPrivileges: false } as const
  const byHost = floorFor(['x86_64'], { ...options, floors: [host, ...SHIPPED] })
  t.strictSame(
    byHost.floor,
    new Set([...PROGRAM_START, 'sync', ...GO_RUNTIME]),
    'what was measured, what starts a program, what Go may do',
  )
  t.strictSame(byHost.sources.get('sync'), ['runc 1.4.2 (start, exec)'])
  t.strictSame(byHost.sources.get('execve'), ['program start', 'runc 1.4.2 (start, exec)'])
  t.strictSame(byHost.notes, ['floor of runc 1.4.2, calibrated on this host on 2026-01-02'])

  const byShipped = floorFor(['x86_64'], { ...options, floors: SHIPPED })
  t.ok(byShipped.floor.has('openat2') && byShipped.floor.has('close_range'), 'of all versions')
  t.notOk(byShipped.floor.has('pselect6'), 'not of crun')
  t.match(byShipped.notes, [/^floor of runc [\d., and]+ as shipped; `plimsoll calibrate`/])

  const byTable = floorFor(['aarch64'], { ...options, floors: [host, ...SHIPPED] })
  t.strictSame(byTable.sources.get('fchown'), ['runc: table'])
  t.match(byTable.notes, [/by the table/])
})

t.test('with no_new_privs only what was measured with it is in the floor', async (t) => {
  const document = measured('crun', '1.9.0', ['execve', 'capset'])
  const floors: readonly KnownFloor[] = [{ from: 'host', document }]
  const options = { runtimes: ['crun'], floors } as const
  const plain = floorFor(['x86_64'], { ...options, assumeNoNewPrivileges: false }).floor
  const nnp = floorFor(['x86_64'], { ...options, assumeNoNewPrivileges: true }).floor
  t.ok(plain.has('capset'))
  t.strictSame(nnp, new Set(PROGRAM_START))
})

t.test('a profile says who needs each name of the floor, and what that rests on', async (t) => {
  const observed = (name: string, lineage: Lineage): ObservedCall => ({
    abi: 'x86_64',
    nr: syscallNr('x86_64', name) ?? -1,
    lineage,
    count: 1,
    runs: 1,
    programs: [],
  })
  const built = (assumeNoNewPrivileges: boolean): BuiltProfile =>
    buildProfile({
      calls: [observed('read', 'main'), observed('capset', 'runtime'), observed('sync', 'runtime')],
      strength: 'enforce',
      runtimes: ['runc'],
      assumeNoNewPrivileges,
      floors: SHIPPED,
    })
  const plain = built(false)
  t.match(plain.origins.get('capset'), { origins: ['runtime', 'floor'], floor: [/^runc .*start/] })
  t.notOk('floor' in (plain.origins.get('sync') ?? {}), 'it was seen, but is in no floor')
  t.match(plain.floorNotes, [/^floor of runc/])
  const { origins } = built(true)
  t.notOk(origins.has('capset') || origins.has('sync'), 'seen of a runtime without no_new_privs')
})

t.test(
  'every floor says who needs each of its names, and has nothing that no floor may have',
  async (t) => {
    const options = fc.record({
      runtimes: fc.subarray([...RUNTIMES]),
      assumeNoNewPrivileges: fc.boolean(),
      floors: fc.subarray([...SHIPPED]),
    })
    fc.assert(
      fc.property(options, fc.subarray([...ABIS]), (given, abis) => {
        const { floor, sources, required, notes } = floorFor(abis, given)
        const wider = floorFor(abis, { ...given, runtimes: [], assumeNoNewPrivileges: false }).floor
        return (
          [...floor].every((name) => (sources.get(name) ?? []).length > 0) &&
          sources.size === floor.size &&
          notes.length === (given.runtimes.length || RUNTIMES.length) &&
          [...floor, ...required].every((name) => !NEVER_IN_FLOOR.has(name)) &&
          [...floor].every((name) => wider.has(name))
        )
      }),
    )
    t.pass('no counterexample')
  },
)

t.test(
  'what the vDSO always answers, and what seccomp never filters, is in no floor',
  async (t) => {
    const { required } = floorFor(['x86_64'], { runtimes: [], assumeNoNewPrivileges: false })
    t.strictSame(required, new Set(REQUIRED))
    for (const name of ['time', 'getcpu', 'uprobe']) t.notOk(required.has(name), name)
    for (const name of ['restart_syscall', 'clock_gettime', 'gettimeofday'])
      t.ok(required.has(name))
  },
)
