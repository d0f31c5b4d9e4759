/**
 * The baselines of the session and of the store side by side: listed in order, and found by what a client calls them. A
 * reference means the same here as on the command line. Pure.
 */
import type { Baseline } from '../baseline/baseline.js'
import { type ImageIdentity, imageKeyOf } from '../baseline/image-identity.js'
import { matchesOf } from '../baseline/reference.js'
import type { StoreEntry } from '../baseline/store.js'
import { failure } from '../errors.js'

/** In the order of their numbers in `baselines.proto`, from 1. */
export const ORIGINS = ['session', 'store'] as const
export type Origin = (typeof ORIGINS)[number]

/** One of them; `damaged` is a file in the store that cannot be read. */
export type KnownBaseline =
  | {
      readonly kind: 'baseline'
      readonly origin: Origin
      readonly key: string
      readonly image: ImageIdentity
      readonly baseline: Baseline
    }
  | {
      readonly kind: 'damaged'
      readonly origin: 'store'
      readonly key: string
      readonly path: string
      readonly problem: string
    }

/** All of them by (key, origin), those of the session first. */
export function knownBaselines(
  session: readonly Baseline[],
  stored: readonly StoreEntry[],
): readonly KnownBaseline[] {
  const learned = session.map((baseline): KnownBaseline => {
    const { image } = baseline
    return { kind: 'baseline', origin: 'session', key: imageKeyOf(image), image, baseline }
  })
  const kept = stored.map((entry): KnownBaseline => ({ ...entry, origin: 'store' }))
  // The sort is stable, so that the session stays ahead of the store.
  return [...learned, ...kept].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
}

/**
 * The one that `ref` means; of an image that is in both, the session's. Throws `BASELINE_NOT_FOUND`,
 * `BASELINE_AMBIGUOUS` for several images, and `STORE_DAMAGED` if it cannot be read or if nothing matches but a file
 * that cannot be read may be the one.
 */
export function findBaseline(
  ref: string,
  known: readonly KnownBaseline[],
): KnownBaseline & { readonly kind: 'baseline' } {
  const matches = matchesOf(ref, known)
  const match = matches[0] ?? known.find(({ kind }) => kind === 'damaged')
  if (match === undefined) throw failure('BASELINE_NOT_FOUND', { ref })
  const others = matches.filter(({ key }) => key !== match.key)
  if (others.length > 0) {
    const keys = [...new Set(matches.map(({ key }) => key))]
    const candidates = keys.map((key) => key.slice(0, key.indexOf('-') + 13)).join(', ')
    throw failure('BASELINE_AMBIGUOUS', { ref, count: keys.length, candidates })
  }
  if (match.kind === 'baseline') return match
  throw failure('STORE_DAMAGED', { path: match.path, problem: match.problem })
}
