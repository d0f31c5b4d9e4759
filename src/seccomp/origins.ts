/** Why each name of a profile is allowed, and to what extent. */
import type { Abi } from '../observation.js'
import type { AllowedValue } from './argument-values.js'
import type { Floor } from './floor.js'
import type { Selection } from './selection.js'

/**
 * Why a name is allowed: the application used it, a person approved it, the runtime used it, a runtime's floor has it, the
 * kernel needs it, or it is what newer builds make of a call that was used.
 */
export type Origin = 'observed' | 'approved' | 'runtime' | 'floor' | 'required' | 'inferred'

export interface NameOrigin {
  /** At least one, in the order of the type. */
  readonly origins: readonly Origin[]
  /** Sorted; empty where nobody was seen using it. */
  readonly programs: readonly string[]
  /** At least in so many runs; 0 where nobody was seen using it. */
  readonly runs: number
  /** Sorted; under which ABIs it was seen. */
  readonly abis: readonly Abi[]
  /** Why it was inferred; only where it was. */
  readonly reason?: string
  /** Who needs a name of the floor (see `Floor.sources`); absent where it is none. */
  readonly floor?: readonly string[]
  /** Let through with these values of its argument alone; absent where it is let through whole. */
  readonly values?: readonly AllowedValue[]
}

/** What the names of a profile come from. */
export interface OriginInput {
  readonly names: ReadonlySet<string>
  readonly chosen: Selection['chosen']
  readonly approved: ReadonlySet<string>
  readonly floor: Floor
  /** The reason by name. */
  readonly inferred: ReadonlyMap<string, string>
  readonly byValue: ReadonlyMap<string, readonly AllowedValue[]>
}

/** One entry per name, in the order of the names. */
export function originsOf(input: OriginInput): ReadonlyMap<string, NameOrigin> {
  return new Map([...input.names].toSorted().map((name) => [name, originOf(name, input)]))
}

function originOf(
  name: string,
  { chosen, approved, floor: { floor, required, sources }, inferred, byValue }: OriginInput,
): NameOrigin {
  const seen = chosen.get(name)
  const reason = inferred.get(name)
  const values = byValue.get(name)
  const origins: Origin[] = []
  if (seen?.byApplication === true && seen.runs > 0) origins.push('observed')
  if (seen?.byApplication === true && approved.has(name)) origins.push('approved')
  if (seen?.byRuntime === true) origins.push('runtime')
  if (floor.has(name)) origins.push('floor')
  if (required.has(name)) origins.push('required')
  if (reason !== undefined) origins.push('inferred')
  return {
    origins,
    programs: [...(seen?.programs ?? [])].toSorted(),
    runs: seen?.runs ?? 0,
    abis: [...(seen?.abis ?? [])].toSorted(),
    ...(floor.has(name) ? { floor: sources.get(name) ?? [] } : {}),
    ...(reason === undefined ? {} : { reason }),
    ...(values === undefined ? {} : { values }),
  }
}
