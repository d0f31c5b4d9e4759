/** A `WatchRequest`, checked, with its defaults filled in. Pure. */
import { failure } from '../../errors.js'
import { plimsoll } from '../../gen/plimsoll.js'
import { type CompiledFilters, compileFilters } from '../filter/compiled-filters.js'
import { type Cursor, parseCursor } from '../journal/cursor.js'
import { type Mask, parseMask } from '../mask.js'

type WatchRequest = plimsoll.v1.WatchRequest.$Properties

/** Where to begin. */
export type Start = 'now' | 'earliest' | Cursor

/** What a reader wants. */
export interface Wish {
  readonly start: Start
  readonly filters: CompiledFilters
  readonly mask: Mask | undefined
  readonly heartbeatMs: number
  readonly lagLimit: number
  /** What becomes of it when it is too slow. */
  readonly onLag: 'end' | 'gap'
}

const HEARTBEAT_MS = { least: 1000, most: 60_000, usual: 10_000 }
const LAG_LIMIT = { least: 16, most: 1_000_000, usual: 10_000 }

const { ON_LAG_END, ON_LAG_GAP, ON_LAG_UNSPECIFIED } = plimsoll.v1.OnLag

/** Throws `BAD_REQUEST`. */
export function parseWatchRequest(request: WatchRequest): Wish {
  return {
    start: startOf(request),
    filters: compileFilters(request.filters),
    mask: parseMask(request.readMask),
    heartbeatMs: bounded('heartbeat_ms', request.heartbeatMs, HEARTBEAT_MS),
    lagLimit: bounded('lag_limit', request.lagLimit, LAG_LIMIT),
    onLag: onLagOf(request.onLag),
  }
}

function startOf({ earliest, afterCursor }: WatchRequest): Start {
  if (earliest === true) return 'earliest'
  if (afterCursor == null) return 'now'
  const cursor = parseCursor(afterCursor)
  if (cursor !== undefined) return cursor
  throw failure('BAD_REQUEST', { field: 'after_cursor', problem: 'it is no cursor' })
}

function bounded(
  field: string,
  given: number | null | undefined,
  { least, most, usual }: { readonly least: number; readonly most: number; readonly usual: number },
): number {
  const value = given || usual
  if (value >= least && value <= most) return value
  throw failure('BAD_REQUEST', { field, problem: `${value} is not from ${least} to ${most}` })
}

function onLagOf(given: number | null | undefined): Wish['onLag'] {
  if (given === ON_LAG_GAP) return 'gap'
  if ((given ?? ON_LAG_UNSPECIFIED) === ON_LAG_UNSPECIFIED || given === ON_LAG_END) return 'end'
  throw failure('BAD_REQUEST', { field: 'on_lag', problem: `${given} is none that is known` })
}
