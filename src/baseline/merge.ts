/**
 * Adds what another baseline of the same image knows: the union of the runs, of what is folded, and of what people decided.
 * Pure; commutative, associative and idempotent but for the revision, which is a matter of one store.
 */
import { failure } from '../errors.js'
import { Baseline, type BaselineSnapshot } from './baseline.js'
import { HISTORY_LIMITS, joinedHistory } from './history.js'
import { type ImageIdentity, imageKeyOf } from './image-identity.js'
import { compareText } from './limits.js'
import { compareRuns, type RunKey } from './run.js'
import { joinedDecisions } from './verdicts.js'

/**
 * `known` with what `added` knows; neither is changed, and the revision of `known` is kept. The name is that of the side with
 * the run that started last. Throws `IMAGES_DIFFER`, and `DECISIONS_FULL` if both have more decisions than one can hold.
 */
export function merged(known: Baseline, added: Baseline, limits = HISTORY_LIMITS): Baseline {
  const [before, more] = [known.snapshot(), added.snapshot()]
  if (imageKeyOf(before.image) !== imageKeyOf(more.image)) {
    throw failure('IMAGES_DIFFER', { one: labelOf(before.image), other: labelOf(more.image) })
  }
  return Baseline.of({
    image: compareNamed(before, more) < 0 ? more.image : before.image,
    revision: before.revision,
    decisions: joinedDecisions(before.decisions, more.decisions),
    ...joinedHistory(before, more, limits),
  })
}

/** Names move from one image to another, so the latest counts; of equally late ones the greater, for want of a reason. */
function compareNamed(a: BaselineSnapshot, b: BaselineSnapshot): number {
  return (
    compareRuns(lastRunOf(a), lastRunOf(b)) ||
    compareText(a.image.name, b.image.name) ||
    compareText(JSON.stringify(a.image.entrypoint), JSON.stringify(b.image.entrypoint))
  )
}

const NO_RUN: RunKey = { runId: '', startedMs: -1 }

function lastRunOf({ runs, folded }: BaselineSnapshot): RunKey {
  return runs.at(-1) ?? folded?.upTo ?? NO_RUN
}

function labelOf({ name, digest }: ImageIdentity): string {
  return `${name} (${digest.slice(0, 'sha256:'.length + 12)})`
}
