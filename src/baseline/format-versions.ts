/**
 * What a baseline file of version 2 cannot say: all that version 3 added. Without it both are the same message, so that a file
 * of version 2 is read by leaving this out, and nothing else need know of versions. Pure.
 */
import type { BaselineSnapshot } from './baseline.js'
import { FIRST_KINDS } from './kinds.js'
import { itemOfKey } from './item-key.js'
import { BASELINE_LINEAGES } from './run-record.js'

/** The first thing in the snapshot that version 2 has no field for; undefined for one that version 2 could say. */
export function newerThanVersion2(snapshot: BaselineSnapshot): string | undefined {
  const { runs, folded, decisions } = snapshot
  if (runs.some(({ kinds }) => kinds.length > 0)) return 'kinds that were looked for'
  for (const { behaviours, resources } of folded === undefined ? runs : [folded, ...runs]) {
    if (resources.samples > 0) return 'resources'
    for (const lineage of BASELINE_LINEAGES) {
      const { capabilities, uringOps, denied } = behaviours[lineage]
      if (capabilities.length > 0) return 'capabilities'
      if (uringOps.length > 0) return 'io_uring operations'
      if (denied.length > 0) return 'denied calls'
    }
  }
  const { verdicts, seal } = decisions
  if ((seal?.kinds ?? []).length > 0) return 'kinds of a seal'
  const keys = [...verdicts.map(({ item }) => item), ...(seal?.items ?? [])]
  const isNewer = keys.some((key) => !FIRST_KINDS.some((kind) => kind === itemOfKey(key)?.kind))
  return isNewer ? 'decisions on capabilities or io_uring operations' : undefined
}
