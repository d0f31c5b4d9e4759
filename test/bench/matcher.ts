/**
 * What it costs to find an observation allowed: the matcher beside the same in Maps and Sets, in alternating rounds, with as
 * many containers as a host and as a large host have. Each number of them has a process of its own: plimsoll has one matcher,
 * and the compiler counts on that (in a second one a hit took a quarter longer). Fails below ten times the rate of a Set of
 * strings per image, and if a hit allocates anything. Run by `make bench`, with `--expose-gc` and a young generation large
 * enough that no collection hides an allocation.
 */
import { execFileSync } from 'node:child_process'
import { PerformanceObserver } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ABI_CODE, KIND_CODE, LINEAGE_CODE } from '../../src/detect/fact-code.js'
import { Matcher } from '../../src/detect/matcher.js'
import { OUTCOME } from '../../src/detect/outcome.js'
import { Roster } from '../../src/detect/roster.js'
import { ABIS } from '../../src/observation.js'
import { NOTHING_ALLOWED } from '../support/matcher-steps.js'
import { seeded } from '../support/seeded.js'

const CONTAINERS = [100, 1000]
const CONTAINERS_PER_IMAGE = 10
const CALLS_PER_IMAGE = 120
const OBSERVATIONS = 65_536
const ROUNDS = 150
const WARM_UP_ROUNDS = 30
const HITS = 10_000_000
const LEAST_RATIO = 10

const { main } = LINEAGE_CODE
const { x86_64 } = ABI_CODE
const SOCKET = 41
const PROGRAM = '/usr/bin/program'

/** Hits in a random order of containers and calls. */
interface Workload {
  readonly matcher: Matcher
  readonly strings: Map<number, { readonly image: { readonly allowed: Set<string> } }>
  readonly numbers: Map<number, { readonly image: { readonly allowed: Map<string, Set<number>> } }>
  /** Held as they come from the sensor's decoder: reading one makes no new number. */
  readonly cgroupIds: readonly (number | undefined)[]
  readonly nrs: readonly number[]
}

function workloadOf(containers: number, firstId: number): Workload {
  const random = seeded(containers)
  const below = (limit: number): number => Math.floor(random() * limit)
  const roster = new Roster()
  const strings: Workload['strings'] = new Map()
  const numbers: Workload['numbers'] = new Map()
  const ids: number[] = []
  const calls: (readonly number[])[] = []
  let cgroupId = firstId
  for (let made = 0; made < containers;) {
    const nrs = [...new Set(Array.from({ length: CALLS_PER_IMAGE }, () => below(400)))]
    const image = roster.addImage()
    if (image === 'full') throw new Error(image)
    roster.setImage(image, {
      ...NOTHING_ALLOWED,
      syscalls: nrs.map((nr) => ({ abi: 'x86_64', nr })),
      arguments: [{ abi: 'x86_64', nr: SOCKET, value: 0x21 }],
      keys: { exec: [PROGRAM] },
    })
    const ofStrings = { allowed: new Set(nrs.map((nr) => `x86_64 ${nr}`)) }
    const ofNumbers = { allowed: new Map([['x86_64', new Set(nrs)]]) }
    for (let i = 0; i < CONTAINERS_PER_IMAGE; i++, made++) {
      const container = roster.addContainer(image)
      if (typeof container === 'string') throw new Error(container)
      cgroupId += 1 + below(40)
      roster.track(cgroupId, container)
      strings.set(cgroupId, { image: ofStrings })
      numbers.set(cgroupId, { image: ofNumbers })
      ids.push(cgroupId)
      calls.push(nrs)
    }
  }
  // What is no number keeps the array from holding numbers as such.
  const cgroupIds: (number | undefined)[] = []
  const nrs: number[] = []
  for (let i = 0; i < OBSERVATIONS; i++) {
    const at = below(containers)
    cgroupIds.push(ids[at] ?? 0)
    nrs.push(calls[at]?.[below(calls[at].length)] ?? 0)
  }
  cgroupIds.push(undefined)
  return { matcher: new Matcher(roster), strings, numbers, cgroupIds, nrs }
}

/** Each answers how many of `hits` observations were found allowed. */
type Loop = (workload: Workload, hits: number) => number

const OBSERVATION_MASK = OBSERVATIONS - 1

function matcherLoop({ matcher, cgroupIds, nrs }: Workload, hits: number): number {
  let known = 0
  for (let i = 0; i < hits; i++) {
    const at = i & OBSERVATION_MASK
    if (matcher.syscall(cgroupIds[at]!, main, x86_64, nrs[at]!, 1) === OUTCOME.KNOWN) known++
  }
  return known
}

function stringsLoop({ strings, cgroupIds, nrs }: Workload, hits: number): number {
  let known = 0
  for (let i = 0; i < hits; i++) {
    const at = i & OBSERVATION_MASK
    const container = strings.get(cgroupIds[at]!)
    if (container?.image.allowed.has(`${ABIS[x86_64]} ${nrs[at]}`) === true) known++
  }
  return known
}

function numbersLoop({ numbers, cgroupIds, nrs }: Workload, hits: number): number {
  let known = 0
  for (let i = 0; i < hits; i++) {
    const at = i & OBSERVATION_MASK
    const container = numbers.get(cgroupIds[at]!)
    if (container?.image.allowed.get(ABIS[x86_64]!)?.has(nrs[at]!) === true) known++
  }
  return known
}

function argumentLoop({ matcher, cgroupIds }: Workload, hits: number): number {
  let known = 0
  for (let i = 0; i < hits; i++) {
    const cgroupId = cgroupIds[i & OBSERVATION_MASK]!
    if (matcher.argument(cgroupId, main, x86_64, SOCKET, 0x21, 1) === OUTCOME.KNOWN) known++
  }
  return known
}

function keyLoop({ matcher, cgroupIds }: Workload, hits: number): number {
  let known = 0
  for (let i = 0; i < hits; i++) {
    const cgroupId = cgroupIds[i & OBSERVATION_MASK]!
    if (matcher.key(cgroupId, main, KIND_CODE.exec, PROGRAM, 1) === OUTCOME.KNOWN) known++
  }
  return known
}

function repeatLoop({ matcher, cgroupIds }: Workload, hits: number): number {
  let known = 0
  for (let i = 0; i < hits; i++) {
    const cgroupId = cgroupIds[i & OBSERVATION_MASK]!
    if (matcher.syscall(cgroupId, main, x86_64, 500, 1) === OUTCOME.REPEAT) known++
  }
  return known
}

function nanoseconds(loop: Loop, workload: Workload, hits: number): number {
  const start = process.hrtime.bigint()
  if (loop(workload, hits) !== hits) throw new Error(`${loop.name}: not every observation is a hit`)
  return Number(process.hrtime.bigint() - start) / hits
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN
}

/** Median nanoseconds per hit: of the matcher, of Sets of strings, of Maps of Sets of numbers. */
type Medians = readonly [matcher: number, strings: number, numbers: number]

/** Rounds alternate, and are of like length. */
function compare(workload: Workload): Medians {
  const loops = [matcherLoop, stringsLoop, numbersLoop] as const
  const hits = [OBSERVATIONS * 8, OBSERVATIONS, OBSERVATIONS * 2] as const
  const times: [number[], number[], number[]] = [[], [], []]
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
    for (const which of [0, 1, 2] as const) {
      const time = nanoseconds(loops[which], workload, hits[which])
      if (round >= WARM_UP_ROUNDS) times[which].push(time)
    }
  }
  return [median(times[0]), median(times[1]), median(times[2])]
}

/**
 * Bytes that a hit allocates: the least of three measurements, because what compiles code meanwhile allocates too. One in
 * which the heap was collected tells nothing.
 */
async function bytesPerHit(loop: Loop, workload: Workload, hits: number): Promise<number> {
  let collections = 0
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length
  })
  const measured: number[] = []
  nanoseconds(loop, workload, hits)
  for (let attempt = 0; attempt < 6 && measured.length < 3; attempt++) {
    collectGarbage()
    await setTimeout(20)
    collections = 0
    observer.observe({ entryTypes: ['gc'] })
    const before = process.memoryUsage().heapUsed
    nanoseconds(loop, workload, hits)
    const after = process.memoryUsage().heapUsed
    await setTimeout(20)
    observer.disconnect()
    if (collections === 0) measured.push((after - before) / hits)
  }
  if (measured.length === 0) throw new Error(`${loop.name}: the heap was collected each time`)
  return Math.max(0, Math.min(...measured))
}

function collectGarbage(): void {
  if (globalThis.gc === undefined) throw new Error('run this with --expose-gc')
  globalThis.gc()
}

function compareApart(containers: number): Medians {
  const self = fileURLToPath(import.meta.url)
  const args = [...process.execArgv, self, `${containers}`]
  const told = execFileSync(process.execPath, args, { encoding: 'utf8' })
  return JSON.parse(told) as Medians
}

const [alone] = process.argv.slice(2)
if (alone !== undefined) {
  process.stdout.write(JSON.stringify(compare(workloadOf(Number(alone), 10_000))))
  process.exit()
}

const perSecond = (ns: number): string => `${(1000 / ns).toFixed(0)} M/s`.padStart(9)
const lines: string[] = []
let isGood = true

lines.push('containers    matcher  Set of strings           Map of Sets of numbers')
for (const containers of CONTAINERS) {
  const [matcher, strings, numbers] = compareApart(containers)
  const ratios = [strings / matcher, numbers / matcher].map((ratio) => `${ratio.toFixed(1)} times`)
  lines.push(
    `${String(containers).padStart(10)}  ${perSecond(matcher)}       ${perSecond(strings)}  ` +
      `${ratios[0]?.padStart(10)}      ${perSecond(numbers)}  ${ratios[1]?.padStart(10)}`,
  )
  isGood &&= strings / matcher >= LEAST_RATIO
}

const workload = workloadOf(1000, 10_000)
const large = workloadOf(1000, 2 ** 40)
repeatLoop(workload, OBSERVATIONS)
const allocations: readonly (readonly [string, Loop, Workload])[] = [
  ['a system call', matcherLoop, workload],
  ['an argument', argumentLoop, workload],
  ['a program', keyLoop, workload],
  ['a repeated anomaly', repeatLoop, workload],
  ['a system call, cgroup ids above 2^40', matcherLoop, large],
]
for (const [name, loop, of] of allocations) {
  const bytes = await bytesPerHit(loop, of, HITS)
  lines.push(`${bytes.toFixed(2)} bytes per hit: ${name}`)
  isGood &&= bytes < 0.005
}
const control = await bytesPerHit(stringsLoop, workload, HITS / 10)
lines.push(
  `${control.toFixed(2)} bytes per hit: Set of strings, which shows that this would be seen`,
)
isGood &&= control > 1

process.stdout.write(`${lines.join('\n')}\n`)
if (!isGood) {
  process.stdout.write('below ten times, or not free of allocation\n')
  process.exitCode = 1
}
