/** What people decided, as the JSON view shows it. Pure. */
import { displayOf } from '../bytes.js'
import { capabilityLabel } from '../kernel/capabilities.js'
import { uringOpLabel } from '../kernel/io-uring.js'
import { labelOf, type SyscallNamer } from './behaviour-view.js'
import { itemOfKey, type ItemKey, type ItemKind } from './item-key.js'
import type { DecisionsSnapshot, Verdict } from './verdicts.js'
import { isoOf, shown } from './view-text.js'

/** What a decision is about: `kind` and what names an item of that kind, escaped. */
export type NamedItemView = Readonly<Record<string, string | number>>

export interface VerdictView {
  readonly item: NamedItemView
  readonly verdict: Verdict['verdict']
  readonly atMs: number
  readonly at: string
  readonly by: string
  readonly reason: string
}

export interface SealView {
  readonly atMs: number
  readonly at: string
  readonly by: string
  readonly contentHash: string
  readonly items: readonly NamedItemView[]
  /** Kinds of items that were looked for when it was sealed; none if that is not on record. */
  readonly kinds: readonly ItemKind[]
}

export interface DecisionsView {
  readonly verdicts: readonly VerdictView[]
  readonly seal: SealView | null
}

export function decisionsView(
  { verdicts, seal }: DecisionsSnapshot,
  nameOf: SyscallNamer,
): DecisionsView {
  return {
    verdicts: verdicts.map(({ item, verdict, atMs, by, reason }) => ({
      item: itemView(item, nameOf),
      verdict,
      atMs,
      at: isoOf(atMs),
      by: shown(by),
      reason: shown(reason),
    })),
    seal:
      seal === undefined
        ? null
        : {
            atMs: seal.atMs,
            at: isoOf(seal.atMs),
            by: shown(seal.by),
            contentHash: shown(seal.contentHash),
            items: seal.items.map((key) => itemView(key, nameOf)),
            kinds: seal.kinds,
          },
  }
}

function itemView(key: ItemKey, nameOf: SyscallNamer): NamedItemView {
  const item = itemOfKey(key)
  if (item === undefined) throw new RangeError('a decision is about no item')
  switch (item.kind) {
    case 'syscall':
      return { ...item, name: nameOf(item.abi, item.nr) }
    case 'argument':
      return { ...item, name: nameOf(item.abi, item.nr), label: labelOf(item) }
    case 'exec':
      return { kind: item.kind, path: displayOf(item.path), exe: displayOf(item.exe) }
    case 'connect':
    case 'listen':
      return { ...item, address: displayOf(item.address) }
    case 'capability':
      return { ...item, name: capabilityLabel(item.capability) }
    case 'io_uring':
      return { ...item, name: uringOpLabel(item.opcode) }
  }
}
