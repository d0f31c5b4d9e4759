/**
 * Turns what the sensor observed into lessons for the run that it is about: adds the program that made a call or a
 * connection, which the kernel's record does not name in full. What a filter refused is taught as that; what it refused to the
 * runtime is not, because that is not the image's. Pure.
 */
import { isExpectedDenial } from '../kernel/expected-denial.js'
import { LRUCache } from 'lru-cache'
import type { Baseline } from '../baseline/baseline.js'
import type { NamedItem } from '../baseline/item-key.js'
import type { RunHandle } from '../baseline/run.js'
import type { ByteString } from '../bytes.js'
import type {
  Abi,
  DenialHint,
  Lineage,
  Observation,
  ObservationSink,
  Observed,
} from '../observation.js'
import type { Lesson } from './run.js'
import type { Runs } from './runs.js'

/** Processes whose program is remembered, to name who made a call. */
const PROGRAM_LIMIT = 16384

export interface LessonsOptions {
  readonly runs: Runs
  /** Whether every probe is attached by now. */
  readonly isAttached: () => boolean
  /** The item was new to that lineage of the baseline. */
  readonly learned: (baseline: Baseline, lineage: Lineage, item: NamedItem) => void
}

/** Outlives the sensor's process: a program is remembered across its restarts. */
export class Lessons implements ObservationSink {
  readonly #options: LessonsOptions
  readonly #programs = new LRUCache<number, ByteString>({ max: PROGRAM_LIMIT })

  constructor(options: LessonsOptions) {
    this.#options = options
  }

  syscall(
    cgroupId: number,
    lineage: Lineage,
    tag: number,
    abi: Abi,
    nr: number,
    count: number,
    atMs: number,
  ): void {
    this.#teach(
      { cgroupId, lineage, atMs },
      tag,
      (baseline, run, lineage) => baseline.learnSyscall(run, lineage, abi, nr, count, atMs),
      () => ({ kind: 'syscall', abi, nr }),
    )
  }

  argument(
    cgroupId: number,
    lineage: Lineage,
    tag: number,
    abi: Abi,
    nr: number,
    value: number,
    count: number,
    atMs: number,
  ): void {
    this.#teach(
      { cgroupId, lineage, atMs },
      tag,
      (baseline, run, lineage) => baseline.learnArgument(run, lineage, abi, nr, value, count, atMs),
      () => ({ kind: 'argument', abi, nr, value }),
    )
  }

  denied(
    cgroupId: number,
    lineage: Lineage,
    abi: Abi,
    nr: number,
    answer: number,
    count: number,
    atMs: number,
    tag = 0,
  ): void {
    if (!isLesson(lineage, abi, nr, answer)) return
    this.#tell({ cgroupId, lineage, atMs }, tag, (baseline, run, lineage) => {
      baseline.learnDenial(run, lineage, abi, nr, count, atMs)
    })
  }

  denialHint(hint: DenialHint, tag = 0): void {
    const { abi, nr, atMs } = hint
    if (!isLesson(hint.lineage, abi, nr, hint.answer)) return
    const program = this.#programs.get(hint.pid) ?? hint.program
    this.#tell(hint, tag, (baseline, run, lineage) => {
      baseline.learnDenialProgram(run, lineage, abi, nr, program, atMs)
    })
  }

  observe(o: Observation, tag: number): void {
    const { runs, isAttached } = this.#options
    switch (o.kind) {
      case 'syscall': {
        const program = this.#programs.get(o.pid) ?? o.program
        this.#teach(
          o,
          tag,
          (baseline, run, lineage) =>
            baseline.learnProgram(run, lineage, o.abi, o.nr, program, o.atMs),
          () => ({ kind: 'syscall', abi: o.abi, nr: o.nr }),
        )
        break
      }
      case 'exec': {
        const caller = this.#programs.get(o.pid) ?? this.#programs.get(o.ppid)
        this.#programs.set(o.pid, o.path === '' ? o.exe : o.path)
        this.#teach(
          o,
          tag,
          (baseline, run, lineage) => baseline.learnExec(run, { ...o, lineage }, caller),
          () => ({ kind: 'exec', path: o.path, exe: o.exe }),
        )
        break
      }
      case 'connect':
      case 'listen': {
        const program = this.#programs.get(o.pid)
        this.#teach(
          o,
          tag,
          (baseline, run, lineage) => baseline.learnEndpoint(run, { ...o, lineage }, program),
          () => o,
        )
        break
      }
      case 'capability': {
        const program = this.#programOf(o.pid, o.program)
        this.#teach(
          o,
          tag,
          (baseline, run, lineage) => baseline.learnCapability(run, { ...o, lineage }, program),
          () => ({ kind: 'capability', capability: o.capability }),
        )
        break
      }
      case 'io_uring': {
        const program = this.#programOf(o.pid, o.program)
        this.#teach(
          o,
          tag,
          (baseline, run, lineage) => baseline.learnUringOp(run, { ...o, lineage }, program),
          () => ({ kind: 'io_uring', opcode: o.opcode }),
        )
        break
      }
      case 'argument':
        break
      case 'capped': {
        const { count, what } = o
        const detail = `${what} of one container`
        runs.tell(o.cgroupId, o.atMs, (run) => run.miss({ reason: 'map-full', count, detail }))
        break
      }
      case 'entry':
        runs.tell(o.cgroupId, o.atMs, (run) => run.enter(o))
        break
      case 'cgroup':
        // One that was made while some probes were still missing is as late as one that a scan finds.
        if (o.event === 'created') runs.created(o.cgroupId, o.path, o.atMs, isAttached())
        else runs.removed(o.cgroupId, o.atMs)
        break
    }
  }

  /** Has the run that the fact is about learn it; `learn` says whether it was new, `item` what it was. */
  #teach(
    about: Observed,
    tag: number,
    learn: (baseline: Baseline, run: RunHandle, lineage: Lineage) => boolean,
    item: () => NamedItem,
  ): void {
    const { learned } = this.#options
    this.#tell(about, tag, (baseline, run, lineage) => {
      if (learn(baseline, run, lineage)) learned(baseline, lineage, item())
    })
  }

  #tell(about: Observed, tag: number, lesson: Lesson): void {
    const { runs } = this.#options
    runs.tell(about.cgroupId, about.atMs, (run) => run.learn(about.lineage, tag, lesson))
  }

  /** The path of what the process runs, else the name that the kernel gave; undefined where it gave none, as for counts. */
  #programOf(pid: number, named: ByteString): ByteString | undefined {
    return this.#programs.get(pid) ?? (named === '' ? undefined : named)
  }
}

/** Whether a refusal says something of what the image needs. */
function isLesson(lineage: Lineage, abi: Abi, nr: number, answer: number): boolean {
  return lineage !== 'runtime' && !isExpectedDenial(abi, nr, answer)
}
