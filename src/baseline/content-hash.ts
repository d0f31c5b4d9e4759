/**
 * What a decision is bound to: a hash of what there was to decide on. It covers the image, every item of its own lineages and
 * where each stands; not the evidence, or one more run that brought nothing new would make every decision stale.
 */
import { createHash } from 'node:crypto'
import type { Baseline } from './baseline.js'
import { standingItems } from './own-items.js'

/** 64 lower-case hexadecimal digits (SHA-256). Equal where image, items and standings are equal. */
export function contentHashOf(baseline: Baseline): string {
  const hash = createHash('sha256').update(`${baseline.image.kind} ${baseline.image.digest}\n`)
  for (const { key, standing } of standingItems(baseline)) {
    // Lengths first, since keys may contain any byte.
    hash.update(`${standing} ${key.length} `).update(Buffer.from(key, 'latin1')).update('\n')
  }
  return hash.digest('hex')
}

/** Digits of a hash that tell it from others: enough for a person to copy, far too many to meet by chance. */
export const SHORT_HASH = 12

/** Whether `given` is `hash` or its beginning, of at least `SHORT_HASH` digits. */
export function isHashOf(given: string, hash: string): boolean {
  return given.length >= SHORT_HASH && hash.startsWith(given.toLowerCase())
}
