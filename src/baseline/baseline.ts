/**
 * What one image was seen to do, run by run and lineage by lineage, with the evidence and with what was missed. Pure: no
 * clock, no I/O, and the same calls in the same order give the same baseline. Several runs of the image may be learned at the
 * same time, so every learning call says which run it is about.
 */
import type { ByteString } from '../bytes.js'
import { argumentCallOf } from '../kernel/arguments.js'
import type {
  Abi,
  EndpointObservation,
  ExecObservation,
  Incompleteness,
  Lineage,
} from '../observation.js'
import type { ArgumentItem } from './argument-item.js'
import { knownValues } from './argument-values.js'
import { type Behaviour, NO_BEHAVIOUR } from './behaviour.js'
import { summedBehaviour } from './behaviour-union.js'
import { type Completeness, completenessOf } from './completeness.js'
import { boundedEndpoint, type EndpointItem } from './endpoint-item.js'
import { boundedExec, type ExecItem } from './exec-item.js'
import { type History, HISTORY_LIMITS, NO_HISTORY } from './history.js'
import { boundedImage, type ImageIdentity } from './image-identity.js'
import { KnownItems } from './known-items.js'
import type { LiveRun } from './live-run.js'
import { LiveRuns } from './live-runs.js'
import type { RunFacts, RunHandle } from './run.js'
import { BASELINE_LINEAGES, type ByLineage, byLineage } from './run-record.js'
import type { SyscallItem } from './syscall-item.js'
import {
  type DecisionsSnapshot,
  NO_DECISIONS,
  type Seal,
  type Verdict,
  withSeal,
  withVerdict,
} from './verdicts.js'

export { BASELINE_LINEAGES }

/** A baseline as plain values: what is stored, shown, merged and compared. Every list is in its canonical order. */
export interface BaselineSnapshot extends History {
  readonly image: ImageIdentity
  readonly revision: number
  readonly decisions: DecisionsSnapshot
}

export class Baseline {
  readonly image: ImageIdentity
  /** Of the stored state that this one continues; 0 if it was never saved. The store counts it up. */
  revision = 0
  readonly #runs: LiveRuns
  #decisions: DecisionsSnapshot
  /** What all runs did together, per lineage; undefined as soon as something is learned. */
  #sums: Map<Lineage, Behaviour> | undefined
  #known: ByLineage<KnownItems> | undefined

  private constructor(image: ImageIdentity, history: History, decisions: DecisionsSnapshot) {
    this.image = boundedImage(image)
    this.#runs = new LiveRuns(history, HISTORY_LIMITS)
    this.#decisions = decisions
  }

  /** A baseline of an image that nothing is known about. Throws `BAD_DIGEST`. */
  static empty(image: ImageIdentity): Baseline {
    return new Baseline(image, NO_HISTORY, NO_DECISIONS)
  }

  /** The baseline that a snapshot was made of; the snapshot must be within the bounds of the model, as the decoder checks. */
  static of(snapshot: BaselineSnapshot): Baseline {
    const { image, revision, decisions, programs, runs, folded } = snapshot
    const baseline = new Baseline(image, { programs, runs, folded }, decisions)
    baseline.revision = revision
    return baseline
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

  /** Something was missed in the run. */
  addIncompleteness(run: RunHandle, incompleteness: Incompleteness): void {
    this.#learning(run).miss(incompleteness)
  }

  /** The run has ended; the handle stays good for what is reported late. */
  endRun(run: RunHandle, endedMs: number): void {
    this.#sums = undefined
    this.#runs.end(run, endedMs)
  }

  /**
   * Whether everything that the runs did is in here, and if not, why: what was missed in any run, and as `map-full` what
   * a full set left out.
   */
  completeness(): Completeness {
    return completenessOf(this.#runs.history(), (lineage) => this.behaviour(lineage))
  }

  /** Runs that are listed. There were older ones if the snapshot has `folded`. */
  get runCount(): number {
    return this.#runs.history().runs.length
  }

  /** What the lineage did in all runs together. O(items of all runs), and O(1) until something is learned. */
  behaviour(lineage: Lineage): Behaviour {
    this.#sums ??= new Map()
    const known = this.#sums.get(lineage)
    if (known !== undefined) return known
    const sum = summedBehaviour(this.#behavioursOf(lineage))
    this.#sums.set(lineage, sum)
    return sum
  }

  /** By (ABI, number). */
  syscalls(lineage: Lineage): readonly SyscallItem[] {
    return this.behaviour(lineage).syscalls
  }

  /** Whether the lineage made the call. O(1), allocates nothing. */
  hasSyscall(lineage: Lineage, abi: Abi, nr: number): boolean {
    return this.#knownOf(lineage).hasSyscall(abi, nr)
  }

  /** By (ABI, number, value). */
  arguments(lineage: Lineage): readonly ArgumentItem[] {
    return this.behaviour(lineage).arguments
  }

  /**
   * The values of the call's argument, packed and ascending. Undefined if they are not known, all of them: the call has no
   * learned argument or was not made, there were too many values or one that the sensor does not tell apart, or in some run
   * not every call's argument was seen.
   */
  argumentValues(lineage: Lineage, abi: Abi, nr: number): readonly number[] | undefined {
    if (argumentCallOf(abi, nr) === undefined) return undefined
    return knownValues(this.behaviour(lineage), this.#behavioursOf(lineage), abi, nr)
  }

  /** By (path, exe). */
  execs(lineage: Lineage): readonly ExecItem[] {
    return this.behaviour(lineage).execs
  }

  /** By (protocol, address, port, source). */
  connections(lineage: Lineage): readonly EndpointItem[] {
    return this.behaviour(lineage).connections
  }

  /** By (protocol, address, port, source). */
  listeners(lineage: Lineage): readonly EndpointItem[] {
    return this.behaviour(lineage).listeners
  }

  /** What people decided. */
  get decisions(): DecisionsSnapshot {
    return this.#decisions
  }

  /** Takes a person's word on an item, unless there is a later one. Throws `DECISIONS_FULL`. */
  setVerdict(verdict: Verdict): void {
    this.#decisions = withVerdict(this.#decisions, verdict)
  }

  /** Takes the seal, unless there is a later one. Throws `DECISIONS_FULL`. */
  setSeal(seal: Seal): void {
    this.#decisions = withSeal(this.#decisions, seal)
  }

  /** Everything, as plain values that later learning does not change. */
  snapshot(): BaselineSnapshot {
    const { image, revision, decisions } = this
    return { image, revision, decisions, ...this.#runs.history() }
  }

  #learning(run: RunHandle): LiveRun {
    this.#sums = undefined
    return this.#runs.learning(run)
  }

  #knownOf(lineage: Lineage): KnownItems {
    this.#known ??= byLineage((each) => new KnownItems(this.behaviour(each)))
    return this.#known[lineage]
  }

  #behavioursOf(lineage: Lineage): readonly Behaviour[] {
    const { runs, folded } = this.#runs.history()
    return (folded === undefined ? runs : [folded, ...runs])
      .map(({ behaviours }) => behaviours[lineage])
      .filter((behaviour) => behaviour !== NO_BEHAVIOUR)
  }
}

function programOf(run: LiveRun, program: ByteString | undefined): number | undefined {
  return program === undefined ? undefined : run.programOf(program)
}

function missText(run: LiveRun, detail: string): void {
  run.miss({ reason: 'truncated', count: 1, detail })
}
