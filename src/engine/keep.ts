/** Keeps what a session learned: each image's baseline is added to the one in the store. */
import type { Baseline } from '../baseline/baseline.js'
import { merged } from '../baseline/merge.js'
import type { BaselineStore } from '../baseline/store.js'
import { PlimsollError } from '../errors.js'

/** Other writers of the same image may come between reading and writing; each try starts from what they left. */
const TRIES = 5

/** The stored baselines, in the order given. Throws `STORE_DAMAGED`, `STORE_UNWRITABLE`, `BASELINE_CONFLICT`. */
export async function keep(
  store: BaselineStore,
  learned: readonly Baseline[],
): Promise<readonly Baseline[]> {
  const kept: Baseline[] = []
  for (const baseline of learned) kept.push(await keepOne(store, baseline))
  return kept
}

async function keepOne(store: BaselineStore, learned: Baseline): Promise<Baseline> {
  for (let tries = 1; ; tries++) {
    const known = await store.loadImage(learned.image)
    const sum = known === undefined ? learned : merged(known, learned)
    try {
      await store.save(sum)
      return sum
    } catch (thrown) {
      const isRace = thrown instanceof PlimsollError && thrown.code === 'BASELINE_CONFLICT'
      if (!isRace || tries === TRIES) throw thrown
    }
  }
}
