/** What a person let into a profile although it is not learned by being used: names of calls, and values of arguments. */
import type { ArgumentCall } from '../kernel/arguments.js'

/** One value of one call's argument, packed as `kernel/arguments` says. Of a socket's value only the domain counts. */
export interface ApprovedValue {
  readonly call: ArgumentCall
  readonly value: number
}

export interface Approval {
  readonly names: ReadonlySet<string>
  readonly values: ReadonlyMap<string, ReadonlySet<number>>
}

/** Approvals in the form in which the builder asks for them. */
export function approvalOf(
  names: readonly string[] = [],
  approved: readonly ApprovedValue[] = [],
): Approval {
  const values = new Map<string, Set<number>>()
  for (const { call, value } of approved) {
    values.set(call, (values.get(call) ?? new Set()).add(value))
  }
  return { names: new Set(names), values }
}
