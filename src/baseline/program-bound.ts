/** Evidence that names too many programs in all is cut to those that come first; what loses one says "and more". Pure. */
import { type Behaviour, kindsIn } from './behaviour.js'
import type { Evidence } from './evidence.js'
import type { History } from './history.js'
import { type ByLineage, byLineage } from './run-record.js'

/** The history with no more than `limit` programs, at least 1, the first in byte order. O(items). */
export function withPrograms(history: History, limit: number): History {
  const programs = history.programs.slice(0, limit)
  const last = programs.at(-1)!
  const { folded } = history
  return {
    programs,
    runs: history.runs.map((run) => ({ ...run, behaviours: cutAll(run.behaviours, last) })),
    folded: folded && { ...folded, behaviours: cutAll(folded.behaviours, last) },
  }
}

function cutAll(behaviours: ByLineage<Behaviour>, last: string): ByLineage<Behaviour> {
  return byLineage((lineage) => cutBehaviour(behaviours[lineage], last))
}

function cutBehaviour(behaviour: Behaviour, last: string): Behaviour {
  const { syscalls, arguments: values, execs, connections, listeners } = behaviour
  const { capabilities, uringOps, denied } = behaviour
  const isCut = kindsIn(behaviour).every((items) => items.every((item) => isWithin(item, last)))
  if (isCut) return behaviour
  return {
    ...behaviour,
    syscalls: cutItems(syscalls, last),
    arguments: cutItems(values, last),
    execs: cutItems(execs, last),
    connections: cutItems(connections, last),
    listeners: cutItems(listeners, last),
    capabilities: cutItems(capabilities, last),
    uringOps: cutItems(uringOps, last),
    denied: cutItems(denied, last),
  }
}

function cutItems<Item extends Evidence>(items: readonly Item[], last: string): Item[] {
  return items.map((item) => {
    if (isWithin(item, last)) return item
    return { ...item, programs: item.programs.filter((path) => path <= last), morePrograms: true }
  })
}

/** Programs of an item are in byte order. */
function isWithin({ programs }: Evidence, last: string): boolean {
  return programs.length === 0 || programs.at(-1)! <= last
}
