/** The union of arguments, bounded call by call. Pure. */
import {
  argumentOf,
  type ArgumentItem,
  type CollapsedArguments,
  compareArguments,
} from './argument-item.js'
import type { Behaviour } from './behaviour.js'
import type { Combining } from './combining.js'
import { ARGUMENT_LIMIT } from './limits.js'
import { compareSyscalls } from './syscall-item.js'
import { boundedBy, unionOf } from './union.js'

/** The arguments of all parts, and the markers of calls of which not all are listed. */
export function unitedArguments(
  parts: readonly Behaviour[],
  how: Combining,
): Pick<Behaviour, 'arguments' | 'argumentsCollapsed'> {
  const all = unionOf(
    parts.map((part) => part.arguments),
    compareArguments,
    (a, b) => argumentOf(a, how.evidence(a, b)),
  )
  const calls = callsIn(all).map((call) =>
    boundedBy(call, ARGUMENT_LIMIT, (item) => how.rank(item, 0)),
  )
  const over = calls.flatMap((call) => call.over).map(markerOf)
  return {
    arguments: over.length === 0 ? all : calls.flatMap((call) => call.kept),
    argumentsCollapsed: unionOf(
      [...parts.map((part) => part.argumentsCollapsed), ...over.map((marker) => [marker])],
      compareSyscalls,
      (a, b) => ({ abi: a.abi, nr: a.nr, ...how.marker(a, b) }),
    ),
  }
}

function markerOf({ abi, nr, count, firstMs, lastMs }: ArgumentItem): CollapsedArguments {
  return { abi, nr, count, firstMs, lastMs }
}

/** The values call by call. */
function callsIn(items: readonly ArgumentItem[]): (readonly ArgumentItem[])[] {
  const calls: ArgumentItem[][] = []
  for (const item of items) {
    const call = calls.at(-1)
    if (call?.[0] !== undefined && compareSyscalls(call[0], item) === 0) call.push(item)
    else calls.push([item])
  }
  return calls
}
