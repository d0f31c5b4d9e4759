/**
 * Keeps what a session learned: each image's baseline is added to the one in the store. What cannot be added, because the
 * stored one is damaged or cannot be written, is put aside as a file that can be imported later.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Baseline } from '../baseline/baseline.js'
import { encodeBaseline } from '../baseline/codec.js'
import { imageKeyOf } from '../baseline/image-identity.js'
import { merged } from '../baseline/merge.js'
import type { BaselineStore } from '../baseline/store.js'
import { asPlimsollError, failure, PlimsollError } from '../errors.js'
import { writeWhole } from '../write-file.js'

/** Other writers of the same image may come between reading and writing; each try starts from what they left. */
const TRIES = 5

/**
 * The stored baselines, in the order given. `stateDir` is where the store is, and where `aside/` is made if needed. Throws
 * `KEPT_ASIDE` for the first that could not be added, after all others have been kept; without `stateDir`, the store's
 * own errors.
 */
export async function keep(
  store: BaselineStore,
  learned: readonly Baseline[],
  stateDir?: string,
): Promise<readonly Baseline[]> {
  const kept: Baseline[] = []
  let failed: PlimsollError | undefined
  for (const baseline of learned) {
    try {
      kept.push(await keepOne(store, baseline))
    } catch (thrown) {
      if (stateDir === undefined) throw thrown
      failed ??= await putAside(stateDir, baseline, asPlimsollError(thrown))
    }
  }
  if (failed) throw failed
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

async function putAside(
  stateDir: string,
  baseline: Baseline,
  why: PlimsollError,
): Promise<PlimsollError> {
  const directory = join(stateDir, 'aside')
  const run = baseline.snapshot().runs[0]?.runId ?? ''
  const name = `${imageKeyOf(baseline.image)}-${run.replaceAll(/[^0-9a-zA-Z-]/g, '-')}.plb`
  const path = join(directory, name)
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await writeWhole(path, encodeBaseline(baseline))
  } catch {
    // Nowhere to put it: the reason why it could not be stored is what the user has to mend first.
    return why
  }
  return failure('KEPT_ASIDE', { image: baseline.image.name, problem: why.message, path }, why)
}
