/** What waits for a decision, as `ListCandidates` answers it; and evidence, as every message has it. Pure. */
import { candidatesOf } from '../baseline/approval.js'
import type { Baseline } from '../baseline/baseline.js'
import { candidateRow, type CandidateRow } from '../baseline/candidates.js'
import { contentHashOf } from '../baseline/content-hash.js'
import type { Evidence } from '../baseline/evidence.js'
import { imageKeyOf } from '../baseline/image-identity.js'
import { ITEM_KINDS } from '../baseline/item-key.js'
import type { Standing } from '../baseline/standing.js'
import { byteStringOfText, displayOf } from '../bytes.js'
import { plimsoll } from '../gen/plimsoll.js'
import { type PageRequest, pageOf } from './baselines-page.js'

const { CANDIDATE_CAUSE_NEVER_LEARNED, CANDIDATE_CAUSE_AFTER_SEAL, CANDIDATE_CAUSE_DENIED } =
  plimsoll.v1.CandidateCause

const CAUSES: Readonly<Partial<Record<Standing, plimsoll.v1.CandidateCause>>> = {
  'candidate-never-learned': CANDIDATE_CAUSE_NEVER_LEARNED,
  'candidate-after-seal': CANDIDATE_CAUSE_AFTER_SEAL,
  'candidate-denied': CANDIDATE_CAUSE_DENIED,
}

/** The page that was asked for. Throws as `pageOf` does. O(items) per candidate on the page. */
export function candidatesPage(
  baseline: Baseline,
  request: PageRequest,
): plimsoll.v1.ListCandidatesResponse.$Properties {
  const items = candidatesOf(baseline)
  const contentHash = contentHashOf(baseline)
  const imageName = displayOf(byteStringOfText(baseline.image.name))
  const { messages, nextPageToken } = pageOf(
    { items, stamp: contentHash, image: baseline.image.name },
    request,
    { fallback: 200, limit: 1000 },
    (item) => {
      const message = candidateMessage(candidateRow(baseline, item))
      return { message, bytes: plimsoll.v1.Candidate.encode(message).finish().length }
    },
  )
  return {
    key: imageKeyOf(baseline.image),
    imageName,
    revision: baseline.revision,
    contentHash,
    candidates: [...messages],
    candidateCount: items.length,
    nextPageToken,
  }
}

export function evidenceMessage(evidence: Evidence): plimsoll.v1.ItemEvidence.$Properties {
  const { count, runs, windows, firstMs, lastMs, programs, morePrograms } = evidence
  return {
    count,
    runs,
    windows,
    firstMs,
    lastMs,
    programs: programs.map(displayOf),
    morePrograms,
  }
}

function candidateMessage({
  text,
  kind,
  standing,
  evidence,
}: CandidateRow): plimsoll.v1.Candidate.$Properties {
  return {
    item: text,
    kind: ITEM_KINDS.indexOf(kind) + 1,
    cause: CAUSES[standing] ?? plimsoll.v1.CandidateCause.CANDIDATE_CAUSE_UNSPECIFIED,
    ...(evidence === undefined ? {} : { evidence: evidenceMessage(evidence) }),
  }
}
