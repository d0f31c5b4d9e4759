/** Facts that are yes or no as bits of one number, for the columns of a stored baseline. Pure. */
import type { EndpointFacts } from './endpoint-item.js'
import type { ExecFacts } from './exec-item.js'

/** Flags of an execution, from 1 up in powers of two. */
export const EXEC_FLAGS = [
  'otherFs',
  'upper',
  'fileless',
  'truncated',
] as const satisfies readonly (keyof ExecFacts)[]

/** Flags of an endpoint, likewise. */
export const ENDPOINT_FLAGS = ['truncated'] as const satisfies readonly (keyof EndpointFacts)[]

type Flags<Name extends string> = { readonly [Flag in Name]: boolean }

/** The sum of the flags that are set. */
export function flagBits<Name extends string>(names: readonly Name[], flags: Flags<Name>): number {
  return names.reduce((sum, name, bit) => sum + (flags[name] ? 2 ** bit : 0), 0)
}

/** The flags of a sum. */
export function flagsOf<Name extends string>(names: readonly Name[], bits: number): Flags<Name> {
  const entries = names.map((name, bit) => [name, ((bits >>> bit) & 1) === 1])
  return Object.fromEntries(entries) as Flags<Name>
}
