/**
 * The part of a baseline that learns: what runs of an image do, fact by fact. Pure: no clock, no I/O, and the same calls in the
 * same order give the same records. Several runs may be learned at the same time, so every call says which run it is about.
 */
import type { ByteString } from '../bytes.js'
import { argumentCallOf } from '../kernel/arguments.js'
import { CAPABILITY_LIMIT } from '../kernel/capabilities.js'
import { URING_OPCODE_LIMIT } from '../kernel/io-uring.js'
import type {
  Abi,
  CapabilityObservation,
  EndpointObservation,
  ExecObservation,
  Incompleteness,
  Lineage,
  UringObservation,
} from '../observation.js'
import { type Behaviour, NO_BEHAVIOUR } from './behaviour.js'
import { summedBehaviour } from './behaviour-union.js'
import { boundedEndpoint } from './endpoint-item.js'
import { boundedExec } from './exec-item.js'
import { type History, HISTORY_LIMITS } from './history.js'
import { KnownItems } from './known-items.js'
import type { LiveRun } from './live-run.js'
import { LiveRuns } from './live-runs.js'
import type { ResourceSample } from './resources.js'
import type { RunFacts, RunHandle } from './run.js'
import { type ByLineage, byLineage } from './run-record.js'

/** What is learned of the use of a capability; `count` is 0 for an early notice. */
export type SeenCapability = Pick<
  CapabilityObservation,
  'lineage' | 'capability' | 'count' | 'atMs'
>

/** What is learned of an operation of an io_uring, likewise. */
export type SeenUringOp = Pick<UringObservation, 'lineage' | 'opcode' | 'count' | 'atMs'>

export class Learner {
  readonly #runs: LiveRuns
  /** What all runs did together, per lineage; undefined as soon as something is learned. */
  #sums: Map<Lineage, Behaviour> | undefined
  #known: ByLineage<KnownItems> | undefined

  protected constructor(history: History) {
    this.#runs = new LiveRuns(history, HISTORY_LIMITS)
  }

  /** Begins a run. Throws `RUN_STARTED_TWICE` if the run is on record: what it did must not count twice. */
  startRun(facts: RunFacts): RunHandle {
    this.#sums = undefined
    return this.#runs.start(facts)
  }

  /** Whether `startRun` would throw: a run of that id is listed. Runs that are folded are not recognised. */
  hasRun(runId: string): boolean {
    return this.#runs.has(runId)
  }

  /**
   * `count` further calls, at least 1 and whole; anything else is ignored. Whether the call is new to the lineage.
   * O(1); allocates nothing for a known call.
   */
  learnSyscall(
    run: RunHandle,
    lineage: Lineage,
    abi: Abi,
    nr: number,
    count: number,
    atMs: number,
  ): boolean {
    if (!(count >= 1)) return false
    const known = this.#knownOf(lineage)
    const live = this.#learning(run)
    const { syscalls } = live.behaviour(lineage)
    return syscalls.learn(abi, nr, count, live.windowOf(atMs), atMs) && known.addSyscall(abi, nr)
  }

  /**
   * A hint: the program made the call, at `atMs` or before. Adds no count, since the kernel's map reports the call
   * again; but the call is known from here on. Whether it is new to the lineage.
   */
  learnProgram(
    run: RunHandle,
    lineage: Lineage,
    abi: Abi,
    nr: number,
    program: ByteString,
    atMs: number,
  ): boolean {
    const known = this.#knownOf(lineage)
    const live = this.#learning(run)
    const { syscalls } = live.behaviour(lineage)
    const isNew = syscalls.learn(abi, nr, 0, live.windowOf(atMs), atMs)
    syscalls.learnProgram(abi, nr, live.programOf(program))
    return isNew && known.addSyscall(abi, nr)
  }

  /**
   * `count` further calls, at least 1 and whole, with that packed argument (see `kernel/arguments`); those calls are learned
   * apart. Anything else is ignored, and so is a call whose argument is not worth knowing. Whether the value is new to the
   * lineage. O(1); allocates nothing for a known value.
   */
  learnArgument(
    run: RunHandle,
    lineage: Lineage,
    abi: Abi,
    nr: number,
    value: number,
    count: number,
    atMs: number,
  ): boolean {
    if (!(count >= 1) || argumentCallOf(abi, nr) === undefined) return false
    const known = this.#knownOf(lineage)
    const live = this.#learning(run)
    const values = live.behaviour(lineage).arguments
    const isNew = values.learn(abi, nr, value, count, live.windowOf(atMs), atMs)
    return isNew && known.add({ kind: 'argument', abi, nr, value: value >>> 0 })
  }

  /**
   * `count` further calls, at least 1 and whole, that a filter refused; anything else is ignored. Makes the call a candidate
   * if it was never made, and nothing else. Whether the lineage was never refused it before. O(1).
   */
  learnDenial(
    run: RunHandle,
    lineage: Lineage,
    abi: Abi,
    nr: number,
    count: number,
    atMs: number,
  ): boolean {
    if (!(count >= 1)) return false
    const known = this.#knownOf(lineage)
    const live = this.#learning(run)
    const { denied } = live.behaviour(lineage)
    return denied.learn(abi, nr, count, live.windowOf(atMs), atMs) && known.addDenied(abi, nr)
  }

  /** A hint: the program was refused the call. As `learnProgram`. */
  learnDenialProgram(
    run: RunHandle,
    lineage: Lineage,
    abi: Abi,
    nr: number,
    program: ByteString,
    atMs: number,
  ): boolean {
    const known = this.#knownOf(lineage)
    const live = this.#learning(run)
    const { denied } = live.behaviour(lineage)
    const isNew = denied.learn(abi, nr, 0, live.windowOf(atMs), atMs)
    denied.learnProgram(abi, nr, live.programOf(program))
    return isNew && known.addDenied(abi, nr)
  }

  /** One execution, by `program` if that is known. Whether it is new to the lineage; a cut path makes the run incomplete. */
  learnExec(run: RunHandle, observation: ExecObservation, program?: ByteString): boolean {
    const seen = boundedExec(observation)
    const known = this.#knownOf(seen.lineage)
    const live = this.#learning(run)
    const { execs } = live.behaviour(seen.lineage)
    const isNew = execs.learn(seen, live.windowOf(seen.atMs), programOf(live, program))
    if (!isNew) return false
    if (seen.truncated) missText(live, 'exec')
    return known.add(seen)
  }

  /**
   * A connection or a listener, by `program` if that is known. Whether it is new to the lineage; a cut address makes the run
   * incomplete.
   */
  learnEndpoint(run: RunHandle, observation: EndpointObservation, program?: ByteString): boolean {
    const seen = boundedEndpoint(observation)
    const known = this.#knownOf(seen.lineage)
    const live = this.#learning(run)
    const behaviour = live.behaviour(seen.lineage)
    const set = seen.kind === 'connect' ? behaviour.connections : behaviour.listeners
    const isNew = set.learn(seen, live.windowOf(seen.atMs), programOf(live, program))
    if (!isNew) return false
    if (seen.truncated) missText(live, seen.kind)
    return known.add(seen)
  }

  /**
   * A use of a capability, by `program` if that is known. Whether it is new to the lineage; a number that no capability can
   * have is ignored. O(1).
   */
  learnCapability(run: RunHandle, seen: SeenCapability, program?: ByteString): boolean {
    const { lineage, capability, count, atMs } = seen
    if (!isBelow(capability, CAPABILITY_LIMIT) || !(count >= 0)) return false
    const known = this.#knownOf(lineage)
    const live = this.#learning(run)
    const { capabilities } = live.behaviour(lineage)
    const by = programOf(live, program)
    const isNew = capabilities.learn(capability, count, live.windowOf(atMs), atMs, by)
    return isNew && known.add({ kind: 'capability', capability })
  }

  /** An operation of an io_uring, likewise. */
  learnUringOp(run: RunHandle, seen: SeenUringOp, program?: ByteString): boolean {
    const { lineage, opcode, count, atMs } = seen
    if (!isBelow(opcode, URING_OPCODE_LIMIT) || !(count >= 0)) return false
    const known = this.#knownOf(lineage)
    const live = this.#learning(run)
    const { uringOps } = live.behaviour(lineage)
    const isNew = uringOps.learn(opcode, count, live.windowOf(atMs), atMs, programOf(live, program))
    return isNew && known.add({ kind: 'io_uring', opcode })
  }

  /** What the run took at one moment: the most of each is kept. Ignored if it is not made of numbers from 0 up. O(1). */
  learnResources(run: RunHandle, sample: ResourceSample): void {
    this.#learning(run).sample(sample)
  }

  /** Something was missed in the run. */
  addIncompleteness(run: RunHandle, incompleteness: Incompleteness): void {
    this.#learning(run).miss(incompleteness)
  }

  /** The run has ended; the handle stays good for what is reported late. */
  endRun(run: RunHandle, endedMs: number): void {
    this.#sums = undefined
    this.#runs.end(run, endedMs)
  }

  /** What the lineage did in all runs together. O(items of all runs), and O(1) until something is learned. */
  behaviour(lineage: Lineage): Behaviour {
    this.#sums ??= new Map()
    const known = this.#sums.get(lineage)
    if (known !== undefined) return known
    const sum = summedBehaviour(this.behavioursOf(lineage))
    this.#sums.set(lineage, sum)
    return sum
  }

  /** Whether the lineage made the call. O(1), allocates nothing. */
  hasSyscall(lineage: Lineage, abi: Abi, nr: number): boolean {
    return this.#knownOf(lineage).hasSyscall(abi, nr)
  }

  /** All runs, those that are learned in their present state. */
  protected history(): History {
    return this.#runs.history()
  }

  /** What the lineage did, run by run, where it did anything. */
  protected behavioursOf(lineage: Lineage): readonly Behaviour[] {
    const { runs, folded } = this.#runs.history()
    return (folded === undefined ? runs : [folded, ...runs])
      .map(({ behaviours }) => behaviours[lineage])
      .filter((behaviour) => behaviour !== NO_BEHAVIOUR)
  }

  #learning(run: RunHandle): LiveRun {
    this.#sums = undefined
    return this.#runs.learning(run)
  }

  #knownOf(lineage: Lineage): KnownItems {
    this.#known ??= byLineage((each) => new KnownItems(this.behaviour(each)))
    return this.#known[lineage]
  }
}

function programOf(run: LiveRun, program: ByteString | undefined): number | undefined {
  return program === undefined ? undefined : run.programOf(program)
}

function missText(run: LiveRun, detail: string): void {
  run.miss({ reason: 'truncated', count: 1, detail })
}

function isBelow(number: number, limit: number): boolean {
  return Number.isInteger(number) && number >= 0 && number < limit
}
