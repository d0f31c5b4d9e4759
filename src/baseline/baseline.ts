/**
 * What one image was seen to do, per lineage, with the evidence and with what was missed. Pure: no clock, no I/O, and the
 * same calls in the same order give the same baseline. Several runs of the image may be learned at the same time, so
 * every learning call says which run it is about.
 */
import type { ByteString } from '../bytes.js'
import type {
  Abi,
  EndpointObservation,
  ExecObservation,
  Incompleteness,
  Lineage,
} from '../observation.js'
import { Behaviour, BEHAVIOUR_MARKS, type BehaviourSnapshot } from './behaviour.js'
import { boundedEndpoint, type EndpointItem } from './endpoint-set.js'
import { boundedExec, type ExecItem } from './exec-set.js'
import { boundedImage, type ImageIdentity } from './image-identity.js'
import type { Collapsed } from './collapsed.js'
import type { IncompletenessTally } from './incompleteness-tally.js'
import { boundedText } from './limits.js'
import { ProgramTable } from './program-table.js'
import type { RunFacts, RunHandle } from './run.js'
import { type FoldedRuns, RunHistory } from './run-history.js'
import { RunMarks } from './run-marks.js'
import type { SyscallItem } from './syscall-set.js'

/** The lineages a baseline tells apart, in the order of their codes on disk, from 1. */
export const BASELINE_LINEAGES = [
  'runtime',
  'main',
  'exec',
  'probe',
] as const satisfies readonly Lineage[]

/** A baseline as plain values: what is stored, shown and compared. Every list is in its canonical order. */
export interface BaselineSnapshot {
  readonly image: ImageIdentity
  readonly revision: number
  readonly runs: readonly RunFacts[]
  readonly foldedRuns: FoldedRuns | undefined
  readonly behaviours: Readonly<Record<Lineage, BehaviourSnapshot>>
}

/** Whether everything that the runs did is in the baseline, and if not, why. */
export interface Completeness {
  /** `full` needs at least one run and no reason against it. */
  readonly state: 'full' | 'partial'
  readonly reasons: readonly Incompleteness[]
}

export class Baseline {
  readonly image: ImageIdentity
  /** Of the stored state that this one continues; 0 if it was never saved. The store counts it up. */
  revision = 0
  readonly #history = new RunHistory()
  readonly #programs = new ProgramTable()
  readonly #behaviours: Readonly<Record<Lineage, Behaviour>> = {
    runtime: new Behaviour(0),
    main: new Behaviour(BEHAVIOUR_MARKS),
    exec: new Behaviour(BEHAVIOUR_MARKS * 2),
    probe: new Behaviour(BEHAVIOUR_MARKS * 3),
  }

  private constructor(image: ImageIdentity) {
    this.image = boundedImage(image)
  }

  /** A baseline of an image that nothing is known about. Throws `BAD_DIGEST`. */
  static empty(image: ImageIdentity): Baseline {
    return new Baseline(image)
  }

  /** The baseline that a snapshot was made of; the snapshot must be within the bounds of the model, as the decoder checks. */
  static of(snapshot: BaselineSnapshot): Baseline {
    const baseline = new Baseline(snapshot.image)
    baseline.revision = snapshot.revision
    // Folded totals first: a snapshot with more runs than are kept folds its oldest into them.
    if (snapshot.foldedRuns) baseline.#history.restoreFolded(snapshot.foldedRuns)
    for (const run of snapshot.runs) baseline.#history.start(run)
    for (const lineage of BASELINE_LINEAGES) {
      baseline.#behaviours[lineage].restore(snapshot.behaviours[lineage], baseline.#programs)
    }
    return baseline
  }

  /** Begins a run. Throws `RUN_STARTED_TWICE` if the run is on record: what it did must not count twice. */
  startRun(facts: RunFacts): RunHandle {
    this.#history.start(facts)
    return {
      runId: boundedText(facts.runId),
      marks: new RunMarks(BEHAVIOUR_MARKS * BASELINE_LINEAGES.length),
    }
  }

  /** Whether `startRun` would throw. */
  hasRun(runId: string): boolean {
    return this.#history.has(runId)
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
    return this.#behaviours[lineage].syscalls.learn(run.marks, abi, nr, count, atMs)
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
    const { syscalls } = this.#behaviours[lineage]
    const isNew = syscalls.learn(run.marks, abi, nr, 0, atMs)
    syscalls.learnProgram(abi, nr, this.#programs.idOf(program))
    return isNew
  }

  /** One execution, by `program` if that is known. Whether it is new; a new one with a cut path makes the run incomplete. */
  learnExec(run: RunHandle, observation: ExecObservation, program?: ByteString): boolean {
    const seen = boundedExec(observation)
    const { execs } = this.#behaviours[seen.lineage]
    const isNew = execs.learn(run.marks, seen, this.#programOf(program))
    if (isNew && seen.truncated) this.#missText(run, 'exec')
    return isNew
  }

  /**
   * A connection or a listener, by `program` if that is known. Whether it is new; a new one with a cut address makes the
   * run incomplete.
   */
  learnEndpoint(run: RunHandle, observation: EndpointObservation, program?: ByteString): boolean {
    const seen = boundedEndpoint(observation)
    const behaviour = this.#behaviours[seen.lineage]
    const set = seen.kind === 'connect' ? behaviour.connections : behaviour.listeners
    const isNew = set.learn(run.marks, seen, this.#programOf(program))
    if (isNew && seen.truncated) this.#missText(run, seen.kind)
    return isNew
  }

  /** Something was missed in the run. */
  addIncompleteness(run: RunHandle, incompleteness: Incompleteness): void {
    this.#history.miss(run.runId, incompleteness)
  }

  /** The run has ended; the handle stays good for what is reported late. */
  endRun(run: RunHandle, endedMs: number): void {
    this.#history.end(run.runId, endedMs)
  }

  /**
   * Whether everything that the runs did is in here, and if not, why: what was missed in any run, and as `map-full` what
   * a full set of this baseline left out.
   */
  completeness(): Completeness {
    const missed = this.#history.missed()
    for (const lineage of BASELINE_LINEAGES) {
      const { execs, connections, listeners } = this.#behaviours[lineage]
      addCollapsed(missed, `${lineage} execs`, execs.collapsed)
      addCollapsed(missed, `${lineage} connections`, connections.collapsed)
      addCollapsed(missed, `${lineage} listeners`, listeners.collapsed)
    }
    const reasons = missed.entries()
    return { state: reasons.length === 0 && this.runCount > 0 ? 'full' : 'partial', reasons }
  }

  /** Runs there were, also those that are no longer listed. */
  get runCount(): number {
    return this.#history.total
  }

  /** By (ABI, number). */
  syscalls(lineage: Lineage): readonly SyscallItem[] {
    return this.#behaviours[lineage].syscalls.items(this.#programs)
  }

  /** Whether the lineage made the call. O(1), allocates nothing. */
  hasSyscall(lineage: Lineage, abi: Abi, nr: number): boolean {
    return this.#behaviours[lineage].syscalls.has(abi, nr)
  }

  /** By (path, exe). */
  execs(lineage: Lineage): readonly ExecItem[] {
    return this.#behaviours[lineage].execs.items(this.#programs)
  }

  /** By (protocol, address, port, source). */
  connections(lineage: Lineage): readonly EndpointItem[] {
    return this.#behaviours[lineage].connections.items(this.#programs)
  }

  /** By (protocol, address, port, source). */
  listeners(lineage: Lineage): readonly EndpointItem[] {
    return this.#behaviours[lineage].listeners.items(this.#programs)
  }

  /** Everything, as plain values that later learning does not change. */
  snapshot(): BaselineSnapshot {
    const { runtime, main, exec, probe } = this.#behaviours
    return {
      image: this.image,
      revision: this.revision,
      runs: this.#history.runs(),
      foldedRuns: this.#history.folded(),
      behaviours: {
        runtime: runtime.snapshot(this.#programs),
        main: main.snapshot(this.#programs),
        exec: exec.snapshot(this.#programs),
        probe: probe.snapshot(this.#programs),
      },
    }
  }

  #programOf(program: ByteString | undefined): number | undefined {
    return program === undefined ? undefined : this.#programs.idOf(program)
  }

  #missText(run: RunHandle, detail: string): void {
    this.#history.miss(run.runId, { reason: 'truncated', count: 1, detail })
  }
}

function addCollapsed(
  missed: IncompletenessTally,
  detail: string,
  collapsed: Collapsed | undefined,
): void {
  if (collapsed === undefined) return
  const { count, firstMs, lastMs } = collapsed
  missed.add({ reason: 'map-full', count, fromMs: firstMs, toMs: lastMs, detail })
}
