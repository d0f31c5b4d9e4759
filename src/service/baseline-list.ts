/** One page of the list of baselines, as `ListBaselines` answers it. Pure. */
import type { Baseline } from '../baseline/baseline.js'
import { IMAGE_KINDS } from '../baseline/image-identity.js'
import { failure, quoted } from '../errors.js'
import { plimsoll } from '../gen/plimsoll.js'
import { REASONS } from '../observation.js'
import { type KnownBaseline, ORIGINS } from './known-baselines.js'

type Summary = plimsoll.v1.BaselineSummary.$Properties

const PAGE_DEFAULT = 100
/** A summary with all reasons at their bounds has 20 KB; a page must stay below the 4 MiB that clients take. */
const PAGE_LIMIT = 200
const REASONS_LISTED = 64

const TOKEN = /^((?:container|command)-[0-9a-f]{64})\/(session|store)$/

/**
 * The page that begins after `pageToken`; `known` is in its order. Throws `BAD_REQUEST` for a token that no page had. A
 * baseline that the token names may be gone by now: the page begins where it would be.
 */
export function listPage(
  known: readonly KnownBaseline[],
  pageSize: number,
  pageToken: string,
): plimsoll.v1.ListBaselinesResponse.$Properties {
  if (pageToken !== '' && !TOKEN.test(pageToken)) {
    throw failure('BAD_REQUEST', { field: 'page_token', problem: 'no page ended with it' })
  }
  // `session` sorts before `store`, and `/` before every digit: tokens sort as what they name.
  const rest = known.filter((one) => tokenOf(one) > pageToken)
  const page = rest.slice(0, Math.min(pageSize || PAGE_DEFAULT, PAGE_LIMIT))
  const last = page.at(-1)
  return {
    baselines: page.map(summaryMessage),
    nextPageToken: last !== undefined && page.length < rest.length ? tokenOf(last) : '',
  }
}

function tokenOf({ key, origin }: KnownBaseline): string {
  return `${key}/${origin}`
}

function summaryMessage(known: KnownBaseline): Summary {
  const { key } = known
  const origin = ORIGINS.indexOf(known.origin) + 1
  if (known.kind === 'damaged') return { key, origin, problem: quoted(known.problem) }
  const revision = known.origin === 'session' ? 0 : known.baseline.revision
  return { key, origin, ...contentSummary(known.baseline), revision }
}

function contentSummary(baseline: Baseline): Summary {
  const { image } = baseline
  const { state, reasons } = baseline.completeness()
  return {
    kind: IMAGE_KINDS.indexOf(image.kind) + 1,
    digest: image.digest,
    name: image.name,
    runs: baseline.runCount,
    completeness:
      plimsoll.v1.Completeness[state === 'full' ? 'COMPLETENESS_FULL' : 'COMPLETENESS_PARTIAL'],
    incompleteness: reasons.slice(0, REASONS_LISTED).map((missed) => ({
      ...missed,
      reason: REASONS.indexOf(missed.reason) + 1,
    })),
    syscalls: baseline.syscalls('main').length,
    execs: baseline.execs('main').length,
    connections: baseline.connections('main').length,
    listeners: baseline.listeners('main').length,
  }
}
