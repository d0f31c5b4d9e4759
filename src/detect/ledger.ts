/**
 * The anomalies of a session. A first occurrence is told at once, always; further ones count up and are told together,
 * when the caller asks. Bounded: of a container with too many, the one that was silent for longest goes, and was told long
 * before. Pure.
 */
import type { Anomaly } from './anomaly.js'
import { FairCache } from './fair-cache.js'

/** Anomalies that can still be counted up; some KB each, with their timelines. */
const LIVE_LIMIT = 16_384

/** What an anomaly is known by: what the matcher counts it as, or whatever else names it once and for all. */
export type AnomalyKey = number | string

/** What is known when it is raised. */
export type RaisedFacts = Omit<Anomaly, 'id' | 'lastMs' | 'count'>

interface Live {
  readonly facts: RaisedFacts
  readonly id: string
  lastMs: number
  count: number
}

export class Ledger {
  readonly #prefix: string
  readonly #raised: (anomaly: Anomaly) => void
  readonly #live: FairCache<AnomalyKey, Live>
  /** Those that were repeated since they were last told. */
  #repeated = new Set<Live>()
  #untold = 0
  #last = 0

  /** `prefix` is of this session and no other; `raised` is told of every first occurrence, before `raise` returns. */
  constructor(prefix: string, raised: (anomaly: Anomaly) => void, limit = LIVE_LIMIT) {
    this.#prefix = prefix
    this.#raised = raised
    this.#live = new FairCache<AnomalyKey, Live>(limit, (live) => {
      if (this.#repeated.delete(live)) this.#untold++
    })
  }

  /** Anomalies that can still be counted up. */
  get size(): number {
    return this.#live.size
  }

  /** Anomalies that went while repeats of theirs had not been told. */
  get untold(): number {
    return this.#untold
  }

  /** A first occurrence; `count` is 0 if a hint told of it, whose count a report will bring. A key that is live is counted up. */
  raise(key: AnomalyKey, facts: RaisedFacts, count: number): Anomaly {
    const known = this.#live.get(key)
    if (known !== undefined) {
      this.#note(known, count, facts.atMs)
      return anomalyOf(known)
    }
    const live: Live = { facts, id: `${this.#prefix}-${++this.#last}`, lastMs: facts.atMs, count }
    this.#live.set(key, facts.workload.cgroupId, live)
    const anomaly = anomalyOf(live)
    this.#raised(anomaly)
    return anomaly
  }

  /** `count` further occurrences, 0 for a hint. False if no such anomaly is live. */
  repeat(key: AnomalyKey, count: number, atMs: number): boolean {
    const live = this.#live.get(key)
    if (live === undefined) return false
    this.#note(live, count, atMs)
    return true
  }

  /** It is none any longer; what was counted of it is still told. */
  drop(key: AnomalyKey): void {
    this.#live.delete(key)
  }

  /** The container is gone; likewise. `cgroupId` is as in the facts. */
  forget(cgroupId: number): void {
    this.#live.forget(cgroupId)
  }

  /** The anomaly as it is now. */
  find(key: AnomalyKey): Anomaly | undefined {
    const live = this.#live.peek(key)
    return live === undefined ? undefined : anomalyOf(live)
  }

  /** The anomalies that were repeated since this was last asked, as they are now, in the order of the first repeat. */
  takeRepeats(): readonly Anomaly[] {
    const repeated = this.#repeated
    this.#repeated = new Set()
    return Array.from(repeated, anomalyOf)
  }

  #note(live: Live, count: number, atMs: number): void {
    const before = timesOf(live)
    live.count = Math.min(live.count + count, Number.MAX_SAFE_INTEGER)
    live.lastMs = Math.max(live.lastMs, atMs)
    if (timesOf(live) > before) this.#repeated.add(live)
  }
}

/** What a hint told of is one of those that a report counts later. */
function timesOf({ count }: Live): number {
  return Math.max(1, count)
}

function anomalyOf(live: Live): Anomaly {
  return { ...live.facts, id: live.id, lastMs: live.lastMs, count: timesOf(live) }
}
