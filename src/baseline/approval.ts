/**
 * Deciding on a baseline: approving and rejecting items, and sealing. Every decision names the content hash of what was looked
 * at, so that nobody decides on a baseline that meanwhile is another one. Pure but for the baseline it is given.
 */
import { failure } from '../errors.js'
import { capabilityNr } from '../kernel/capabilities.js'
import { uringOpcode } from '../kernel/io-uring.js'
import { isSyscallName, syscallNr } from '../kernel/syscalls.js'
import { ABIS } from '../observation.js'
import type { Baseline } from './baseline.js'
import { contentHashOf, isHashOf } from './content-hash.js'
import { compareItemKeys, type ItemKey, itemKeyOf, itemOfKey, type NamedItem } from './item-key.js'
import { itemText } from './item-text.js'
import { type StandingItem, standingItems } from './own-items.js'
import { allowedNow } from './sealed.js'
import { isCandidate } from './standing.js'

/** Who decides, when, on what, and why. */
export interface Decision {
  readonly contentHash: string
  readonly by: string
  readonly atMs: number
  readonly reason: string
}

/** Items that wait for a decision, in the order of their keys. */
export function candidatesOf(baseline: Baseline): readonly StandingItem[] {
  return standingItems(baseline).filter(({ standing }) => isCandidate(standing))
}

/**
 * The items that the texts name: those of the baseline, those with a verdict, and any system call, capability or io_uring
 * operation by its name, so that one can be decided on before it is ever seen. Throws `ITEM_UNKNOWN` for the first text that
 * names none.
 */
export function itemsNamed(baseline: Baseline, texts: readonly string[]): readonly ItemKey[] {
  const byText = new Map<string, ItemKey[]>()
  const verdictKeys = baseline.decisions.verdicts.map(({ item }) => item)
  for (const key of new Set([...standingItems(baseline).map(({ key }) => key), ...verdictKeys])) {
    const item = itemOfKey(key)
    if (item === undefined) continue
    const text = itemText(item)
    byText.set(text, [...(byText.get(text) ?? []), key])
  }
  const found = texts.flatMap((text) => {
    const keys = byText.get(text) ?? keysNamed(text)
    if (keys.length === 0) {
      throw failure('ITEM_UNKNOWN', { item: text, image: baseline.image.name })
    }
    return keys
  })
  return [...new Set(found)].sort(compareItemKeys)
}

/** `chmod` means the native call, `i386:chmod` that of another ABI. */
function keysNamed(text: string): readonly ItemKey[] {
  const at = text.indexOf(':')
  const item = itemOf(at < 0 ? 'x86_64' : text.slice(0, at), text.slice(at + 1))
  return item === undefined ? [] : [itemKeyOf(item)]
}

/** `prefix` is an ABI, `capability` or `io_uring`. */
function itemOf(prefix: string, name: string): NamedItem | undefined {
  if (prefix === 'capability') {
    const capability = capabilityNr(name)
    return capability === undefined ? undefined : { kind: prefix, capability }
  }
  if (prefix === 'io_uring') {
    const opcode = uringOpcode(name)
    return opcode === undefined ? undefined : { kind: prefix, opcode }
  }
  const abi = ABIS.find((one) => one === prefix)
  const nr = abi === undefined || !isSyscallName(name) ? undefined : syscallNr(abi, name)
  return abi === undefined || nr === undefined ? undefined : { kind: 'syscall', abi, nr }
}

/** Sets the verdict on all of the items. Throws `CONTENT_CHANGED` before anything is set. */
export function decide(
  baseline: Baseline,
  items: readonly ItemKey[],
  verdict: 'approved' | 'rejected',
  decision: Decision,
): void {
  requireContent(baseline, decision.contentHash)
  const { by, reason } = decision
  for (const item of items) {
    // Later than any verdict it replaces, even if a clock was set back: the later one counts.
    const before = baseline.decisions.verdicts.find((other) => other.item === item)
    const atMs = Math.max(decision.atMs, (before?.atMs ?? 0) + 1)
    baseline.setVerdict({ item, verdict, atMs, by, reason })
  }
}

/** Closes the baseline with what is allowed now. Throws `CONTENT_CHANGED`. */
export function seal(baseline: Baseline, decision: Decision): void {
  requireContent(baseline, decision.contentHash)
  const items = allowedNow(baseline)
  const atMs = Math.max(decision.atMs, (baseline.decisions.seal?.atMs ?? 0) + 1)
  const { by } = decision
  const kinds = baseline.observableKinds()
  baseline.setSeal({ atMs, by, contentHash: contentHashOf(baseline), items, kinds })
}

function requireContent(baseline: Baseline, given: string): void {
  const found = contentHashOf(baseline)
  if (isHashOf(given, found)) return
  throw failure('CONTENT_CHANGED', { image: baseline.image.name, found, given })
}
