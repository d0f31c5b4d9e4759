/**
 * Arguments that a register holds are counted exactly, by value and ABI: flags and junk beside the value make no other
 * value, values that no table knows are one, and no call with a learned argument goes without.
 */
import type { Abi, Lineage } from '../../src/observation.js'
import { OTHER_VALUE } from '../../src/kernel/arguments.js'
import { syscallName } from '../../src/kernel/syscalls.js'
import { readTrace } from '../../src/engine/trace-file.js'
import { Decoder } from '../../src/sensor/decoder.js'
import { argumentsOf, callOf } from '../support/live/baseline-view.js'
import { CALLS, imageOf } from '../support/live/images.js'
import { Session } from '../support/live/plimsoll.js'
import { podman } from '../support/live/podman.js'
import { liveTest } from '../support/live/requirements.js'

const NEEDS = ['root', 'bpf', 'podman', 'gcc'] as const

/** What test/fixtures/programs/values.c does. */
const MADE: readonly (readonly [abi: Abi, name: string, value: number, count: number])[] = [
  ['x86_64', 'socket', (1 << 4) | 2, 5],
  ['x86_64', 'socket', (2 << 4) | 1, 7],
  ['x86_64', 'socket', (38 << 4) | 5, 3],
  ['x86_64', 'socket', OTHER_VALUE, 2],
  ['x86_64', 'socketpair', (1 << 4) | 1, 3],
  ['x86_64', 'clone', 0, 3],
  ['x86_64', 'clone', 0x0400_0000, 2],
  ['x86_64', 'personality', 0xffff_ffff, 5],
  ['x86_64', 'prctl', 15, 11],
  ['x86_64', 'prctl', OTHER_VALUE, 2],
  ['x86_64', 'unshare', 0, 2],
  ['i386', 'personality', 0xffff_ffff, 2],
  ['i386', 'socket', (10 << 4) | 1, 3],
  ['x32', 'socket', (2 << 4) | 2, 2],
]

/** Counts by `ABI name` and by `ABI name value`, of the application. */
interface Counts {
  readonly calls: Map<string, number>
  readonly values: Map<string, number>
}

/** What the sensor told of the application, straight from its bytes in a trace. */
async function countsIn(trace: string): Promise<Counts> {
  const calls = new Map<string, number>()
  const values = new Map<string, number>()
  const add = (map: Map<string, number>, lineage: Lineage, key: string, count: number): void => {
    if (lineage === 'main') map.set(key, (map.get(key) ?? 0) + count)
  }
  const decoder = new Decoder(
    {
      syscall: (_cgroupId, lineage, _tag, abi, nr, count) =>
        add(calls, lineage, `${abi} ${syscallName(abi, nr)}`, count),
      argument: (_cgroupId, lineage, _tag, abi, nr, value, count) =>
        add(values, lineage, `${abi} ${syscallName(abi, nr)} ${value}`, count),
      observe: () => undefined,
    },
    { ready: () => undefined, printed: () => undefined, mapFull: () => undefined },
  )
  for (const input of await readTrace(trace)) {
    if (input.kind === 'sensor-bytes') decoder.push(input.bytes, input.atMs)
  }
  decoder.end()
  return { calls, values }
}

liveTest('argument values are counted exactly, each under its ABI', NEEDS, async (t) => {
  const runtime = podman()
  const session = new Session(t, runtime.env)
  const image = await imageOf(runtime, CALLS, 'argument-values')
  const trace = session.path('arguments.trace')
  const recording = await session.attach(['record', trace, '--image', image, '--runs', '1'])
  const seccomp = 'profiles/learning.json'
  const { stdout } = await runtime.mustRun({ image, command: ['/bin/values'], seccomp })
  t.equal(stdout, 'made\n')
  t.equal((await session.ended(recording)).code, 0)

  const { calls, values } = await countsIn(trace)
  const made = MADE.map(([abi, name, value, count]) => [`${abi} ${name} ${value}`, count] as const)
  for (const call of new Set(MADE.map(([abi, name]) => `${abi} ${name}`))) {
    const told = [...values].filter(([key]) => key.startsWith(`${call} `))
    const sum = told.reduce((total, [, count]) => total + count, 0)
    t.equal(sum, calls.get(call), `${call}: as many values as calls`)
  }

  const view = await session.show(image)
  t.match(view.completeness, { state: 'full', reasons: [] })
  t.equal(callOf(view, 'x86_64', 'socket')?.count, 17)
  t.same(
    argumentsOf(view, 'main').map(({ abi, name, value, count, runs }) => [
      `${abi} ${name} ${value}`,
      count,
      runs,
    ]),
    made.map(([key, count]) => [key, count, 1]),
    'and as the baseline has them, by ABI, number and value',
  )
  const labels = new Map(
    argumentsOf(view, 'main').map(({ abi, name, value, label }) => [
      `${abi} ${name} ${value}`,
      label,
    ]),
  )
  t.equal(labels.get('x86_64 socket 33'), 'AF_INET SOCK_STREAM')
  t.equal(labels.get(`x86_64 prctl ${OTHER_VALUE}`), 'other')
})
