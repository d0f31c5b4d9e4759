/**
 * The one evaluator of `AnomalyFilters`, for streams, lists and sinks alike. What a filter means is said in `anomaly.proto`.
 * Filters are checked and compiled once; a filter that would choose nothing because of a slip is refused. Pure.
 */
import type { plimsoll } from '../../gen/plimsoll.js'
import { type Condition, conditionsOf } from './filter-conditions.js'
import { badFilter } from './filter-values.js'

type Anomaly = plimsoll.v1.Anomaly.$Properties

/** Filters of one request or sink. */
export const FILTER_LIMIT = 32

type ConditionsOfFilter = readonly Condition[]

export class CompiledFilters {
  readonly #allow: readonly ConditionsOfFilter[]
  readonly #deny: readonly ConditionsOfFilter[]

  constructor(allow: readonly ConditionsOfFilter[], deny: readonly ConditionsOfFilter[]) {
    this.#allow = allow
    this.#deny = deny
  }

  /** Whether everything matches. */
  get isEmpty(): boolean {
    return this.#allow.length === 0 && this.#deny.length === 0
  }

  /** Whether the event is wanted; one that is no anomaly always is. O(values that are wanted). */
  matches({ anomaly }: plimsoll.v1.WatchResponse.$Properties): boolean {
    return anomaly == null || this.matchesAnomaly(anomaly)
  }

  matchesAnomaly(anomaly: Anomaly): boolean {
    const isAllowed = this.#allow.length === 0 || holdsOne(this.#allow, anomaly)
    return isAllowed && !holdsOne(this.#deny, anomaly)
  }
}

/**
 * The filters, ready to be asked. `field` is what errors call them. Throws `BAD_REQUEST`: a bound is exceeded, a value names
 * nothing that exists, or a filter has no condition, as one that was written for a newer version.
 */
export function compileFilters(
  filters: plimsoll.v1.AnomalyFilters.$Properties | null | undefined,
  field = 'filters',
): CompiledFilters {
  const allow = filters?.allow ?? []
  const deny = filters?.deny ?? []
  if (allow.length + deny.length > FILTER_LIMIT) {
    throw badFilter(field, `there are more than ${FILTER_LIMIT}`)
  }
  return new CompiledFilters(
    allow.map((filter, at) => checkedConditions(filter, `${field}.allow[${at}]`)),
    deny.map((filter, at) => checkedConditions(filter, `${field}.deny[${at}]`)),
  )
}

function checkedConditions(
  filter: plimsoll.v1.AnomalyFilter.$Properties,
  field: string,
): ConditionsOfFilter {
  const conditions = conditionsOf(filter, field)
  if (conditions.length === 0) throw badFilter(field, 'it has no condition that is known')
  return conditions
}

function holdsOne(filters: readonly ConditionsOfFilter[], anomaly: Anomaly): boolean {
  for (let at = 0; at < filters.length; at++) {
    const conditions = filters[at]
    if (conditions !== undefined && holdsAll(conditions, anomaly)) return true
  }
  return false
}

function holdsAll(conditions: ConditionsOfFilter, anomaly: Anomaly): boolean {
  for (let at = 0; at < conditions.length; at++) if (!conditions[at]?.(anomaly)) return false
  return true
}
