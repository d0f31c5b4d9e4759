/**
 * Turns what the sensor observed into lessons for the run that it is about: adds the program that made a call or a
 * connection, which the kernel's record does not name in full. Pure.
 */
import { LRUCache } from 'lru-cache'
import type { Baseline } from '../baseline/baseline.js'
import type { NamedItem } from '../baseline/item-key.js'
import type { RunHandle } from '../baseline/run.js'
import type { ByteString } from '../bytes.js'
import type { Abi, Lineage, Observation, ObservationSink, Observed } from '../observation.js'
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
      case 'argument':
      case 'capability':
      case 'io_uring':
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
    const { runs, learned } = this.#options
    const lesson: Lesson = (baseline, run, lineage) => {
      if (learn(baseline, run, lineage)) learned(baseline, lineage, item())
    }
    runs.tell(about.cgroupId, about.atMs, (run) => run.learn(about.lineage, tag, lesson))
  }
}
