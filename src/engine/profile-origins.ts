/** Why a profile's names are there, as it is kept beside documents. Pure. */
import type { BuiltProfile } from '../seccomp/build.js'
import { memberAt, stringsAt } from '../workload/json-fields.js'

/** By name, in the order of the names. */
export type OriginsByName = Readonly<Record<string, readonly string[]>>

export function originsOfBuilt({ origins }: BuiltProfile): OriginsByName {
  return Object.fromEntries([...origins].map(([name, { origins: why }]) => [name, why]))
}

/** Those of a provenance file; undefined if it is none. */
export function originsOfProvenance(provenance: unknown): OriginsByName | undefined {
  const syscalls = memberAt(provenance, 'syscalls')
  if (typeof syscalls !== 'object' || syscalls === null) return undefined
  return Object.fromEntries(
    Object.keys(syscalls).map((name) => [name, stringsAt(syscalls, name, 'origins')]),
  )
}
