/** The union of ordered lists, which merging, folding and adding up have in common. Pure. */

/**
 * What is in any of the lists, each of which rises strictly by `compare`; equal items are combined. `combine` must be
 * associative and commutative, then neither the order nor the grouping of the lists matters. O(items * log lists).
 */
export function unionOf<Item>(
  lists: readonly (readonly Item[])[],
  compare: (a: Item, b: Item) => number,
  combine: (a: Item, b: Item) => Item,
): readonly Item[] {
  const [first = [], second] = lists
  if (second === undefined) return first
  const half = lists.length >>> 1
  return ofTwo(
    unionOf(lists.slice(0, half), compare, combine),
    unionOf(lists.slice(half), compare, combine),
    compare,
    combine,
  )
}

function ofTwo<Item>(
  a: readonly Item[],
  b: readonly Item[],
  compare: (a: Item, b: Item) => number,
  combine: (a: Item, b: Item) => Item,
): readonly Item[] {
  if (a.length === 0) return b
  if (b.length === 0) return a
  const union: Item[] = []
  let i = 0
  let j = 0
  while (i < a.length && j < b.length) {
    const order = compare(a[i]!, b[j]!)
    union.push(order < 0 ? a[i]! : order > 0 ? b[j]! : combine(a[i]!, b[j]!))
    if (order <= 0) i++
    if (order >= 0) j++
  }
  while (i < a.length) union.push(a[i++]!)
  while (j < b.length) union.push(b[j++]!)
  return union
}

/**
 * The `limit` items of the lowest rank, of equal rank the first in the list, in the order of the list; and what found no
 * room. O(n log n) if there are more.
 */
export function boundedBy<Item>(
  items: readonly Item[],
  limit: number,
  rankOf: (item: Item) => number,
): { readonly kept: readonly Item[]; readonly over: readonly Item[] } {
  if (items.length <= limit) return { kept: items, over: [] }
  const order = Array.from(items, (item, at) => ({ at, rank: rankOf(item) })).sort(
    (a, b) => a.rank - b.rank || a.at - b.at,
  )
  const stays = new Set(order.slice(0, limit).map(({ at }) => at))
  return {
    kept: items.filter((_, at) => stays.has(at)),
    over: items.filter((_, at) => !stays.has(at)),
  }
}
