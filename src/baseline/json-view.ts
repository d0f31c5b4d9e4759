/**
 * A baseline for people, diffs and pull requests: plain values in a fixed order, system calls with names, times also in
 * ISO 8601, and every text from outside escaped, so that the view is safe to print. A view, not a format to read back.
 */
import { displayOf } from '../bytes.js'
import type { Lineage } from '../observation.js'
import type { Baseline } from './baseline.js'
import { behaviourView, type BehaviourView, type SyscallNamer } from './behaviour-view.js'
import { decisionsView, type DecisionsView } from './decisions-view.js'
import type { ImageKind } from './image-identity.js'
import type { ItemKind } from './item-key.js'
import { learningView, type LearningView } from './learning-view.js'
import type { Resources } from './resources.js'
import {
  foldedRunsView,
  type FoldedRunsView,
  incompletenessView,
  type IncompletenessView,
  runView,
  type RunView,
} from './run-view.js'
import { byLineage } from './run-record.js'
import { shown } from './view-text.js'

export interface BaselineView extends LearningView {
  readonly image: {
    readonly kind: ImageKind
    readonly digest: string
    readonly name: string
    readonly entrypoint: readonly string[]
  }
  readonly revision: number
  readonly completeness: {
    readonly state: 'full' | 'partial'
    readonly reasons: readonly IncompletenessView[]
  }
  /** How many `runs` are listed. */
  readonly runCount: number
  readonly runs: readonly RunView[]
  /** Older runs, no longer listed; null if there were none. */
  readonly foldedRuns: FoldedRunsView | null
  /** Kinds of items that were looked for in every listed run. */
  readonly observableKinds: readonly ItemKind[]
  /** The most that was sampled in any run; null if nothing was. */
  readonly resources: Resources | null
  readonly lineages: Readonly<Record<Lineage, BehaviourView>>
  readonly decisions: DecisionsView
}

/** The view. Equal baselines give equal views. */
export function jsonView(baseline: Baseline, nameOf: SyscallNamer): BaselineView {
  const { image, revision, runs, folded, decisions } = baseline.snapshot()
  const { state, reasons } = baseline.completeness()
  return {
    image: {
      kind: image.kind,
      digest: image.digest,
      name: shown(image.name),
      entrypoint: image.entrypoint.map(displayOf),
    },
    revision,
    completeness: { state, reasons: reasons.map(incompletenessView) },
    ...learningView(baseline),
    runCount: runs.length,
    runs: runs.map(runView),
    foldedRuns: folded === undefined ? null : foldedRunsView(folded),
    observableKinds: baseline.observableKinds(),
    resources: baseline.resources() ?? null,
    lineages: byLineage((lineage) => behaviourView(baseline, lineage, nameOf)),
    decisions: decisionsView(decisions, nameOf),
  }
}
