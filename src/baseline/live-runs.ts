/**
 * The runs behind a baseline while some of them are learned: a settled history, and live runs on top of it. A live run that
 * has ended is turned into a record once enough others have ended after it, so that a session may see any number of short
 * containers; a fact that comes even later makes it live again.
 */
import { failure } from '../errors.js'
import { type History, type HistoryLimits, historyOf, joinedHistory } from './history.js'
import { LiveRun } from './live-run.js'
import { boundedRun, compareRuns, type RunFacts, type RunHandle } from './run.js'

/** Ended runs that stay live: a fact that comes late is cheap then. */
const ENDED_LIMIT = 32

export class LiveRuns {
  readonly #limits: HistoryLimits
  readonly #live = new Map<RunHandle, LiveRun>()
  /** Those of the live ones that have ended, in the order in which they did. */
  readonly #ended = new Set<RunHandle>()
  #settled: History
  /** All runs together, as long as nothing is learned. */
  #all: History | undefined

  constructor(settled: History, limits: HistoryLimits) {
    this.#settled = settled
    this.#limits = limits
  }

  /** All runs, those that are learned in their present state. */
  history(): History {
    if (this.#all === undefined) {
      const live = Array.from(this.#live.values(), (run) => run.record())
      this.#all = joinedHistory(this.#settled, historyOf(live), this.#limits)
    }
    return this.#all
  }

  /** Whether a run of that id is listed or live. */
  has(runId: string): boolean {
    const isRun = (run: { readonly runId: string }): boolean => run.runId === runId
    return this.#settled.runs.some(isRun) || [...this.#live.keys()].some(isRun)
  }

  /** Begins a run. Throws `RUN_STARTED_TWICE` for an id that `has` knows. */
  start(facts: RunFacts): RunHandle {
    const { runId, startedMs } = boundedRun(facts)
    if (this.has(runId)) throw failure('RUN_STARTED_TWICE', { run: runId })
    const handle = { runId, startedMs }
    this.#live.set(handle, new LiveRun(facts))
    this.#all = undefined
    return handle
  }

  /** The run, to learn into; the handle must be one that `start` gave. O(1) for one that is live. */
  learning(handle: RunHandle): LiveRun {
    this.#all = undefined
    return this.#live.get(handle) ?? this.#revived(handle)
  }

  end(handle: RunHandle, endedMs: number): void {
    this.learning(handle).end(endedMs)
    this.#settleLater(handle)
  }

  #revived(handle: RunHandle): LiveRun {
    const { runs, folded } = this.#settled
    const record = runs.find((run) => compareRuns(run, handle) === 0)
    if (record === undefined && !(folded && compareRuns(handle, folded.upTo) <= 0)) {
      throw new RangeError(`the run ${handle.runId} is not of this baseline`)
    }
    const run = record === undefined ? emptyRun(handle) : LiveRun.of(record)
    // It may come to know what the record still missed.
    this.#settled = { ...this.#settled, runs: runs.filter((one) => one !== record) }
    this.#live.set(handle, run)
    this.#settleLater(handle)
    return run
  }

  /** One that ended again goes behind those that ended before. */
  #settleLater(handle: RunHandle): void {
    this.#ended.delete(handle)
    this.#ended.add(handle)
    for (const oldest of this.#ended) {
      if (this.#ended.size <= ENDED_LIMIT) break
      this.#settle(oldest)
    }
  }

  #settle(handle: RunHandle): void {
    const run = this.#live.get(handle)
    this.#live.delete(handle)
    this.#ended.delete(handle)
    if (run === undefined) return
    this.#settled = joinedHistory(this.#settled, historyOf([run.record()]), this.#limits)
  }
}

/** Of a folded run only its place among the others is known; what comes late is folded with it. */
function emptyRun({ runId, startedMs }: RunHandle): LiveRun {
  return new LiveRun({
    runId,
    startedMs,
    endedMs: 0,
    runtime: '',
    containerId: '',
    containerName: '',
    attachedMs: 0,
    incompleteness: [],
    kernel: '',
    bpftrace: '',
    plimsoll: '',
    runtimeVersion: '',
    kinds: [],
  })
}
