/**
 * The runs behind a baseline. The latest `RUN_LIMIT` are kept one by one, older ones are folded into totals: what they
 * missed stays on record, only their ids and times go. A run id is therefore recognised as long as its run is kept.
 */
import { failure } from '../errors.js'
import type { Incompleteness } from '../observation.js'
import { IncompletenessTally } from './incompleteness-tally.js'
import { boundedMs, boundedText, compareText, RUN_LIMIT } from './limits.js'
import { boundedRun, type RunFacts } from './run.js'

/** Totals of the runs that are no longer kept one by one. */
export interface FoldedRuns {
  readonly runs: number
  readonly firstStartedMs: number
  /** 0 if the end of none was seen. */
  readonly lastEndedMs: number
  readonly incompleteness: readonly Incompleteness[]
}

interface KeptRun {
  facts: Omit<RunFacts, 'incompleteness'>
  readonly missed: IncompletenessTally
}

export class RunHistory {
  readonly #kept = new Map<string, KeptRun>()
  #folded: Omit<FoldedRuns, 'incompleteness'> | undefined
  readonly #foldedMissed = new IncompletenessTally()

  /** Runs there were, kept or folded. */
  get total(): number {
    return this.#kept.size + (this.#folded?.runs ?? 0)
  }

  has(runId: string): boolean {
    return this.#kept.has(boundedText(runId))
  }

  /** Adds a run. Throws `RUN_STARTED_TWICE` for an id that is kept. O(1), or O(`RUN_LIMIT`) when one must be folded. */
  start(run: RunFacts): void {
    const facts = boundedRun(run)
    if (this.#kept.has(facts.runId)) throw failure('RUN_STARTED_TWICE', { run: facts.runId })
    if (this.#kept.size === RUN_LIMIT) this.#fold(this.#oldest())
    const missed = new IncompletenessTally()
    for (const entry of run.incompleteness) missed.add(entry)
    this.#kept.set(facts.runId, { facts, missed })
  }

  /** The run ended; a second end overwrites the first. Of a folded run only the latest end is kept. */
  end(runId: string, endedMs: number): void {
    const at = Math.max(boundedMs(endedMs), 1)
    const run = this.#kept.get(runId)
    if (run !== undefined) run.facts = { ...run.facts, endedMs: at }
    else if (this.#folded !== undefined) {
      this.#folded = { ...this.#folded, lastEndedMs: Math.max(this.#folded.lastEndedMs, at) }
    }
  }

  /** Something was missed in the run. */
  miss(runId: string, incompleteness: Incompleteness): void {
    const run = this.#kept.get(runId)
    const tally = run === undefined ? this.#foldedMissed : run.missed
    tally.add(incompleteness)
  }

  /** The kept runs by (start, id), as copies. */
  runs(): RunFacts[] {
    return this.#ordered().map(({ facts, missed }) => ({
      ...facts,
      incompleteness: missed.entries(),
    }))
  }

  /** The totals of the others, if there are any. */
  folded(): FoldedRuns | undefined {
    if (this.#folded === undefined) return undefined
    return { ...this.#folded, incompleteness: this.#foldedMissed.entries() }
  }

  /** Takes over the totals of a stored history. */
  restoreFolded(folded: FoldedRuns): void {
    const { incompleteness, ...totals } = folded
    this.#folded = totals
    for (const entry of incompleteness) this.#foldedMissed.add(entry)
  }

  /** What was missed in any run, added up. */
  missed(): IncompletenessTally {
    const sum = new IncompletenessTally()
    for (const { missed } of this.#ordered()) for (const entry of missed.entries()) sum.add(entry)
    for (const entry of this.#foldedMissed.entries()) sum.add(entry)
    return sum
  }

  #ordered(): KeptRun[] {
    return [...this.#kept.values()].sort(compareKept)
  }

  /** The oldest run that has ended; only if none has, the oldest of all. */
  #oldest(): KeptRun {
    const ordered = this.#ordered()
    return ordered.find(({ facts }) => facts.endedMs !== 0) ?? ordered[0]!
  }

  #fold(run: KeptRun): void {
    const { facts, missed } = run
    this.#kept.delete(facts.runId)
    this.#folded = {
      runs: (this.#folded?.runs ?? 0) + 1,
      firstStartedMs: Math.min(this.#folded?.firstStartedMs ?? facts.startedMs, facts.startedMs),
      lastEndedMs: Math.max(this.#folded?.lastEndedMs ?? 0, facts.endedMs),
    }
    for (const entry of missed.entries()) this.#foldedMissed.add(entry)
  }
}

/** The order of runs in every list. */
export function compareRuns(
  a: Pick<RunFacts, 'startedMs' | 'runId'>,
  b: Pick<RunFacts, 'startedMs' | 'runId'>,
): number {
  return a.startedMs - b.startedMs || compareText(a.runId, b.runId)
}

function compareKept(a: KeptRun, b: KeptRun): number {
  return compareRuns(a.facts, b.facts)
}
