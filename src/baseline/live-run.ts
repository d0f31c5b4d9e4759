/**
 * A run while it is learned, on typed arrays: a known call costs O(1) and allocates nothing. Some 30 KB for a usual container;
 * a run that has settled is a `RunRecord` instead. What it learns hangs on this run alone, never on what else is known, so
 * that the same run gives the same record wherever it is learned.
 */
import type { ByteString } from '../bytes.js'
import type { Incompleteness, Lineage } from '../observation.js'
import { NO_BEHAVIOUR } from './behaviour.js'
import { IncompletenessTally } from './incompleteness-tally.js'
import { boundedMs, WINDOW_MS } from './limits.js'
import { LiveBehaviour } from './live-behaviour.js'
import { ProgramTable } from './program-table.js'
import { NO_RESOURCES, type ResourceSample, withSample } from './resources.js'
import { boundedRun, type RunFacts } from './run.js'
import { BASELINE_LINEAGES, byLineage, recordOf, type RunRecord } from './run-record.js'

export class LiveRun {
  readonly #programs = new ProgramTable()
  readonly #missed = new IncompletenessTally()
  readonly #behaviours: Partial<Record<Lineage, LiveBehaviour>> = {}
  readonly #windowMs: number
  #resources = NO_RESOURCES
  #facts: Omit<RunFacts, 'incompleteness'>

  constructor(facts: RunFacts, windowMs = WINDOW_MS) {
    this.#facts = boundedRun(facts)
    this.#windowMs = windowMs
    for (const entry of facts.incompleteness) this.#missed.add(entry)
  }

  /** The run of that record, to learn on. */
  static of(record: RunRecord): LiveRun {
    const run = new LiveRun(record, record.windowMs)
    run.#resources = record.resources
    for (const lineage of BASELINE_LINEAGES) {
      const behaviour = record.behaviours[lineage]
      if (behaviour === NO_BEHAVIOUR) continue
      run.behaviour(lineage).restore(behaviour, run.#programs, (atMs) => run.windowOf(atMs))
    }
    return run
  }

  get hasEnded(): boolean {
    return this.#facts.endedMs > 0
  }

  /** What that lineage did, to learn into. */
  behaviour(lineage: Lineage): LiveBehaviour {
    return (this.#behaviours[lineage] ??= new LiveBehaviour())
  }

  /** The time window of the run that `atMs` is in; the first for what is said to have been before. */
  windowOf(atMs: number): number {
    return Math.max(0, Math.floor((atMs - this.#facts.startedMs) / this.#windowMs))
  }

  /** The id of the program for evidence. */
  programOf(path: ByteString): number {
    return this.#programs.idOf(path)
  }

  miss(incompleteness: Incompleteness): void {
    this.#missed.add(incompleteness)
  }

  sample(sample: ResourceSample): void {
    this.#resources = withSample(this.#resources, sample)
  }

  /** The run ended; of two ends the later counts. */
  end(endedMs: number): void {
    const at = Math.max(boundedMs(endedMs), 1, this.#facts.endedMs)
    this.#facts = { ...this.#facts, endedMs: at }
  }

  /** All of it as plain values that later learning does not change. O(items). */
  record(): RunRecord {
    const behaviours = byLineage(
      (lineage) => this.#behaviours[lineage]?.record(this.#programs, this.hasEnded) ?? NO_BEHAVIOUR,
    )
    const facts = { ...this.#facts, incompleteness: this.#missed.entries() }
    return recordOf(facts, this.#windowMs, behaviours, this.#resources)
  }
}
