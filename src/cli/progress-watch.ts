/**
 * How far the images of a learning session are, with what the store knew of them before: looked at again and again while the
 * session goes on.
 */
import type { Baseline } from '../baseline/baseline.js'
import type { Gate } from '../baseline/coverage.js'
import { merged } from '../baseline/merge.js'
import { type Progress, progressOf } from '../baseline/progress.js'
import type { BaselineStore } from '../baseline/store.js'
import type { Run } from '../engine/run.js'

export class ProgressWatch {
  readonly #store: BaselineStore
  readonly #gate: Gate
  /** By the baselines of the session: what was stored when the first run of the image began. */
  readonly #stored = new Map<Baseline, Promise<Baseline | undefined>>()
  readonly #underWay = new Set<string>()

  constructor(store: BaselineStore, gate: Gate) {
    this.#store = store
    this.#gate = gate
  }

  runStarted({ baseline, runId }: Run): void {
    if (baseline === undefined) return
    this.#underWay.add(runId)
    if (this.#stored.has(baseline)) return
    // A damaged file is told when the session is kept; here it only means that nothing is known.
    this.#stored.set(
      baseline,
      this.#store.loadImage(baseline.image).catch(() => undefined),
    )
  }

  runEnded({ runId }: Run): void {
    this.#underWay.delete(runId)
  }

  /** The progress of every image that ran, in the order in which they began. Cost: a merge of each with what was stored. */
  async progress(): Promise<readonly Progress[]> {
    const all: Progress[] = []
    for (const [learned, stored] of this.#stored) {
      const known = await stored
      const whole = known === undefined ? learned : merged(known, learned)
      all.push(progressOf(whole, this.#gate, this.#underWay))
    }
    return all
  }
}
