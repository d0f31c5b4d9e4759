/** Random learning histories: steps that a baseline, or its twin, can be put through. */
import fc from 'fast-check'
import { Baseline } from '../../src/baseline/baseline.js'
import type { ImageIdentity } from '../../src/baseline/image-identity.js'
import { ITEM_KINDS } from '../../src/baseline/item-key.js'
import type { SeenCapability, SeenUringOp } from '../../src/baseline/learner.js'
import type { ResourceSample } from '../../src/baseline/resources.js'
import type { RunFacts } from '../../src/baseline/run.js'
import { byteStringOf, type ByteString, byteStringOfText } from '../../src/bytes.js'
import {
  type Abi,
  ABIS,
  type EndpointObservation,
  type ExecObservation,
  type Incompleteness,
  type Lineage,
  REASONS,
} from '../../src/observation.js'

export const IMAGE: ImageIdentity = {
  kind: 'container',
  digest: `sha256:${'0123456789abcdef'.repeat(4)}`,
  name: 'localhost/web:1.0',
  entrypoint: [byteStringOfText('/bin/sh'), byteStringOfText('-c')],
}

/** Facts of a run that ended, for tests that do not care. */
export function runFacts(runId: string, changes: Partial<RunFacts> = {}): RunFacts {
  return {
    runId,
    startedMs: 1_000,
    endedMs: 2_000,
    runtime: 'podman',
    containerId: 'c0ffee',
    containerName: 'web',
    attachedMs: 900,
    incompleteness: [],
    kernel: '6.1.0',
    bpftrace: '0.17.0',
    plimsoll: '0.1.0',
    runtimeVersion: '4.3.1',
    kinds: ITEM_KINDS,
    ...changes,
  }
}

/** `run` is an index into the runs of the history. */
export type Step = { readonly run: number } & (
  | {
      readonly kind: 'syscall' | 'denial'
      readonly lineage: Lineage
      readonly abi: Abi
      readonly nr: number
      readonly count: number
      readonly atMs: number
    }
  | {
      readonly kind: 'program' | 'denial-program'
      readonly lineage: Lineage
      readonly abi: Abi
      readonly nr: number
      readonly program: ByteString
      readonly atMs: number
    }
  | {
      readonly kind: 'argument'
      readonly lineage: Lineage
      readonly abi: Abi
      readonly nr: number
      readonly value: number
      readonly count: number
      readonly atMs: number
    }
  | {
      readonly kind: 'exec'
      readonly seen: ExecObservation
      readonly program: ByteString | undefined
    }
  | {
      readonly kind: 'endpoint'
      readonly seen: EndpointObservation
      readonly program: ByteString | undefined
    }
  | {
      readonly kind: 'capability'
      readonly seen: SeenCapability
      readonly program: ByteString | undefined
    }
  | {
      readonly kind: 'io_uring'
      readonly seen: SeenUringOp
      readonly program: ByteString | undefined
    }
  | { readonly kind: 'resources'; readonly sample: ResourceSample }
)

/** What every learner can be put through; `Run` is how it knows runs. */
export interface Learner<Run> {
  learnSyscall(
    run: Run,
    lineage: Lineage,
    abi: Abi,
    nr: number,
    count: number,
    atMs: number,
  ): boolean
  learnProgram(
    run: Run,
    lineage: Lineage,
    abi: Abi,
    nr: number,
    program: ByteString,
    atMs: number,
  ): boolean
  learnArgument(
    run: Run,
    lineage: Lineage,
    abi: Abi,
    nr: number,
    value: number,
    count: number,
    atMs: number,
  ): boolean
  learnExec(run: Run, seen: ExecObservation, program?: ByteString): boolean
  learnEndpoint(run: Run, seen: EndpointObservation, program?: ByteString): boolean
  learnDenial(
    run: Run,
    lineage: Lineage,
    abi: Abi,
    nr: number,
    count: number,
    atMs: number,
  ): boolean
  learnDenialProgram(
    run: Run,
    lineage: Lineage,
    abi: Abi,
    nr: number,
    program: ByteString,
    atMs: number,
  ): boolean
  learnCapability(run: Run, seen: SeenCapability, program?: ByteString): boolean
  learnUringOp(run: Run, seen: SeenUringOp, program?: ByteString): boolean
  learnResources(run: Run, sample: ResourceSample): void
}

/** Takes the step; whether the learner says that it brought something new. */
export function take<Run>(learner: Learner<Run>, runs: readonly Run[], step: Step): boolean {
  const run = runs[step.run]
  if (run === undefined) throw new Error(`no run ${step.run}`)
  switch (step.kind) {
    case 'syscall':
      return learner.learnSyscall(run, step.lineage, step.abi, step.nr, step.count, step.atMs)
    case 'program':
      return learner.learnProgram(run, step.lineage, step.abi, step.nr, step.program, step.atMs)
    case 'argument': {
      const { lineage, abi, nr, value, count, atMs } = step
      return learner.learnArgument(run, lineage, abi, nr, value, count, atMs)
    }
    case 'exec':
      return learner.learnExec(run, step.seen, step.program)
    case 'endpoint':
      return learner.learnEndpoint(run, step.seen, step.program)
    case 'denial':
      return learner.learnDenial(run, step.lineage, step.abi, step.nr, step.count, step.atMs)
    case 'denial-program': {
      const { lineage, abi, nr, program, atMs } = step
      return learner.learnDenialProgram(run, lineage, abi, nr, program, atMs)
    }
    case 'capability':
      return learner.learnCapability(run, step.seen, step.program)
    case 'io_uring':
      return learner.learnUringOp(run, step.seen, step.program)
    case 'resources':
      learner.learnResources(run, step.sample)
      return false
  }
}

export const RUNS = 3

const lineage = fc.constantFrom<Lineage>('runtime', 'main', 'exec', 'probe')
const anyTime = fc.oneof(fc.integer({ min: 0, max: 200_000 }), fc.integer({ min: 0, max: 4e12 }))
const run = fc.nat({ max: RUNS - 1 })
const anyBytes = fc.uint8Array({ maxLength: 40 }).map(byteStringOf)

/** Few numbers, so that they meet again, some that no table has, and of x86_64: socket, clone, prctl, unshare. */
const nr = fc.oneof(
  fc.nat({ max: 12 }),
  fc.constantFrom(-1, 1022, 1023, 1024, 2 ** 31),
  fc.constantFrom(41, 56, 157, 272),
)
/** Calls whose argument is learned, and one whose argument is not. */
const argumentNr = fc.constantFrom(41, 41, 41, 56, 157, 272, 1)

/** Few numbers, the last that there can be, and some that there cannot. */
const capability = fc.oneof(fc.nat({ max: 6 }), fc.constantFrom(63, 64, -1, 0.5))
const opcode = fc.oneof(fc.nat({ max: 6 }), fc.constantFrom(255, 256, -1))
const count = fc.nat({ max: 3 })

const amount = fc.oneof(fc.nat({ max: 2 ** 40 }), fc.double({ min: 0, max: 2 ** 60 }))
const sample: fc.Arbitrary<ResourceSample> = fc.record({
  memoryBytes: fc.oneof(amount, fc.constantFrom(-1, Number.NaN)),
  cpuMilli: amount,
  pids: amount,
})

function programs(distinct: number): fc.Arbitrary<ByteString> {
  return fc.nat({ max: distinct - 1 }).map((n) => byteStringOfText(`/usr/bin/p${n}`))
}

function paths(): fc.Arbitrary<ByteString> {
  return fc.oneof(fc.constantFrom('/bin/sh', '/bin/ls', '').map(byteStringOfText), anyBytes)
}

/**
 * Steps with up to `distinct` programs; `plain` ones leave out what depends on the order of learning, and are all in one time
 * window.
 */
export function steps(distinct: number, plain = false): fc.Arbitrary<Step[]> {
  const program = programs(distinct)
  const atMs = plain ? fc.integer({ min: 0, max: 50_000 }) : anyTime
  const truncated = plain ? fc.constant(false) : fc.boolean()
  const execution: fc.Arbitrary<ExecObservation> = fc.record({
    kind: fc.constant('exec' as const),
    cgroupId: fc.constant(7),
    lineage,
    atMs,
    pid: fc.nat(),
    ppid: fc.nat(),
    uid: fc.constant(undefined),
    atNs: fc.nat(),
    comm: paths(),
    path: paths(),
    exe: paths(),
    inode: fc.nat(),
    links: fc.nat({ max: 2 }),
    fsMagic: plain ? fc.constant(0x794c7630) : fc.constantFrom(0x794c7630, 0x01021994, 0x9123683e),
    upper: fc.boolean(),
    truncated,
  })
  const endpoint: fc.Arbitrary<EndpointObservation> = fc.record({
    kind: fc.constantFrom('connect', 'listen'),
    cgroupId: fc.constant(7),
    lineage,
    atMs,
    pid: fc.nat(),
    ppid: fc.nat(),
    uid: fc.constant(undefined),
    atNs: fc.nat(),
    protocol: fc.constantFrom('tcp', 'udp', 'unix'),
    address: fc.oneof(fc.constantFrom('127.0.0.1', '::1', '@x').map(byteStringOfText), anyBytes),
    port: fc.constantFrom(0, 53, 65_535),
    source: fc.constantFrom('kernel', 'user'),
    count: fc.nat({ max: 3 }),
    truncated,
  })
  const optional = fc.option(program, { nil: undefined })
  return fc.array(
    fc.oneof(
      fc.record({
        run,
        kind: fc.constantFrom('syscall' as const, 'syscall' as const, 'denial' as const),
        lineage,
        abi: fc.constantFrom(...ABIS),
        nr,
        count: fc.nat({ max: 1_000_003 }),
        atMs,
      }),
      fc.record({
        run,
        kind: fc.constant('argument' as const),
        lineage,
        abi: fc.constantFrom<Abi>('x86_64', 'x86_64', 'i386'),
        nr: argumentNr,
        value: fc.oneof(fc.nat({ max: 4 }), fc.constantFrom(0x7e02_0000, 0xffff_fff0, 2 ** 32 - 1)),
        count: fc.nat({ max: 1_000_003 }),
        atMs,
      }),
      fc.record({
        run,
        kind: fc.constantFrom('program' as const, 'denial-program' as const),
        lineage: fc.constant('main' as const),
        abi: fc.constant('x86_64' as const),
        nr,
        program,
        atMs,
      }),
      fc.record({ run, kind: fc.constant('exec' as const), seen: execution, program: optional }),
      fc.record({ run, kind: fc.constant('endpoint' as const), seen: endpoint, program: optional }),
      fc.record({
        run,
        kind: fc.constant('capability' as const),
        seen: fc.record({ lineage, capability, count, atMs }),
        program: optional,
      }),
      fc.record({
        run,
        kind: fc.constant('io_uring' as const),
        seen: fc.record({ lineage, opcode, count, atMs }),
        program: optional,
      }),
      fc.record({ run, kind: fc.constant('resources' as const), sample }),
    ),
    { maxLength: 120 },
  )
}

export const incompleteness: fc.Arbitrary<Incompleteness> = fc
  .record({
    reason: fc.constantFrom(...REASONS),
    count: fc.nat(),
    gap: fc.option(fc.tuple(anyTime, anyTime), { nil: undefined }),
    detail: fc.option(fc.string({ unit: 'binary', maxLength: 20 }), { nil: undefined }),
  })
  .map(({ reason, count, gap, detail }) => ({
    reason,
    count,
    ...(gap && { fromMs: gap[0], toMs: gap[1] }),
    ...(detail !== undefined && { detail }),
  }))

const text = fc.string({ unit: 'binary', maxLength: 300 })

/** Any image and any facts, within and beyond the bounds of the model. */
export const image: fc.Arbitrary<ImageIdentity> = fc.record({
  kind: fc.constantFrom('container', 'command'),
  digest: fc
    .uint8Array({ minLength: 32, maxLength: 32 })
    .map((bytes) => `sha256:${Buffer.from(bytes).toString('hex')}`),
  name: text,
  entrypoint: fc.array(anyBytes, { maxLength: 4 }),
})

export function anyRunFacts(runId: string): fc.Arbitrary<RunFacts> {
  return fc.record({
    runId: fc.constant(runId),
    startedMs: fc.oneof(anyTime, fc.constantFrom(-1, Number.NaN, 1.5, 9e15)),
    endedMs: fc.oneof(anyTime, fc.constant(0)),
    runtime: text,
    containerId: text,
    containerName: text,
    attachedMs: anyTime,
    incompleteness: fc.array(incompleteness, { maxLength: 5 }),
    kernel: text,
    bpftrace: text,
    plimsoll: text,
    runtimeVersion: text,
    // In any order, and more than once.
    kinds: fc.array(fc.constantFrom(...ITEM_KINDS), { maxLength: 10 }),
  })
}

/** Any baseline that a learner can come to. */
export const anyBaseline: fc.Arbitrary<Baseline> = fc
  .record({
    image,
    facts: fc.tuple(anyRunFacts('a'), anyRunFacts('b'), anyRunFacts('c')),
    steps: steps(12),
    revision: fc.nat(),
  })
  .map((from) => {
    const baseline = Baseline.empty(from.image)
    const runs = from.facts.map((facts) => baseline.startRun(facts))
    for (const step of from.steps) take(baseline, runs, step)
    baseline.revision = from.revision
    return baseline
  })
