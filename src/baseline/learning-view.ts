/**
 * How far learning is, what waits for a person, and what the claim of completeness rests on, as views show it. Pure; safe to
 * print.
 */
import type { Baseline } from './baseline.js'
import { candidatesOf } from './approval.js'
import { type Certificate, certificateOf } from './certificate.js'
import { contentHashOf } from './content-hash.js'
import type { Coverage, Settling } from './coverage.js'
import { itemText } from './item-text.js'
import { type Progress, progressOf, type Unit } from './progress.js'
import { type IncompletenessView, incompletenessView } from './run-view.js'
import { shown } from './view-text.js'

export interface ProgressView {
  readonly state: Progress['state']
  readonly settling: Settling
  readonly unit: Unit
  /** `newPerUnit` is null before the first unit. */
  readonly coverage: Omit<Coverage, 'newPerUnit'> & { readonly newPerUnit: number | null }
  /** What was first seen in the last half of the units, latest first. */
  readonly latest: readonly string[]
}

export interface LearningView {
  readonly progress: ProgressView
  readonly certificate: CertificateView
  /** What decisions are bound to. */
  readonly contentHash: string
  /** Items that wait for approval. */
  readonly candidates: readonly string[]
}

export interface CertificateView extends Omit<Certificate, 'reasons'> {
  readonly reasons: readonly IncompletenessView[]
}

export function learningView(baseline: Baseline): LearningView {
  return {
    progress: progressView(progressOf(baseline)),
    certificate: certificateView(certificateOf(baseline)),
    contentHash: contentHashOf(baseline),
    candidates: candidatesOf(baseline).map(({ item }) => itemText(item)),
  }
}

export function certificateView(certificate: Certificate): CertificateView {
  return {
    ...certificate,
    reasons: certificate.reasons.map(incompletenessView),
    kernels: certificate.kernels.map(shown),
    bpftrace: certificate.bpftrace.map(shown),
    runtimes: certificate.runtimes.map(shown),
    plimsoll: certificate.plimsoll.map(shown),
  }
}

function progressView({ state, settling, unit, coverage, latest }: Progress): ProgressView {
  const { newPerUnit } = coverage
  return {
    state,
    settling,
    unit,
    coverage: { ...coverage, newPerUnit: Number.isFinite(newPerUnit) ? newPerUnit : null },
    latest: latest.map(itemText),
  }
}
