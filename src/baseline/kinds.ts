/** Which kinds of items were looked for in a run: what is not there of a kind says nothing where nobody looked. Pure. */
import { ITEM_KINDS, type ItemKind } from './item-key.js'

/** What every plimsoll has looked for, and all that one did which did not put on record what it looks for. */
export const FIRST_KINDS: readonly ItemKind[] = ['syscall', 'argument', 'exec', 'connect', 'listen']

/** The kinds in the order of `ITEM_KINDS`, each once. */
export function orderedKinds(kinds: readonly ItemKind[]): readonly ItemKind[] {
  return ITEM_KINDS.filter((kind) => kinds.includes(kind))
}

/** The kinds on record, or those of a record without any. */
export function lookedFor(kinds: readonly ItemKind[]): readonly ItemKind[] {
  return kinds.length === 0 ? FIRST_KINDS : kinds
}

/** What was looked for in all of the runs; `FIRST_KINDS` if there are none. */
export function kindsInAll(
  runs: readonly { readonly kinds: readonly ItemKind[] }[],
): readonly ItemKind[] {
  const [first, ...others] = runs.map(({ kinds }) => lookedFor(kinds))
  if (first === undefined) return FIRST_KINDS
  return first.filter((kind) => others.every((kinds) => kinds.includes(kind)))
}
