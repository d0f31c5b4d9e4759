/**
 * How one call whose argument is filtered is let through. Pure.
 *
 * A value that is not known lets its call through whole, or the image would break; but clone never is: what it may do
 * beyond threads and children takes approval anyway, and a container that floods the sensor must not widen its own profile.
 */
import type { Abi } from '../observation.js'
import type { ArgumentCall } from '../kernel/arguments.js'
import type { Approval } from './approval.js'
import { alwaysAllowed, allowedValue, type AllowedValue, isAdmitted } from './argument-values.js'
import type { Chosen } from './selection.js'

/** What decides about a filtered call. */
export interface ArgumentInput {
  /** Names that are to be allowed. */
  readonly names: ReadonlySet<string>
  readonly chosen: ReadonlyMap<string, Chosen>
  /** Of `names`, those that a runtime or the kernel needs. */
  readonly needed: ReadonlySet<string>
  readonly approval: Approval
  /** ABIs that programs of the image are known to use. */
  readonly abis: readonly Abi[]
}

/** How a call is let through: by `values`, of which there may be none, or whole. */
export interface Verdict {
  readonly values: readonly AllowedValue[]
  /** Labels of what was used and does not enter. */
  readonly refused: readonly string[]
  /** Why the call is let through whole; undefined where it is not. */
  readonly whole: string | undefined
  /** Never let through whole, however many values it has. */
  readonly isHeld: boolean
}

/** The verdict on `call`, which is one of `input.names`. */
export function verdictOn(call: ArgumentCall, input: ArgumentInput): Verdict {
  const { approval, needed } = input
  const chosen = input.chosen.get(call)
  // What was not recorded can be let through as far as a person approved it.
  const used = isUnknown(chosen)
    ? [...(approval.values.get(call) ?? [])]
    : [...(chosen?.values ?? [])]
  const admitted = used.filter((value) => isAdmitted(call, value, approval))
  if (call === 'clone') admitted.push(0)
  const values = new Map<number, AllowedValue>()
  for (const value of needed.has(call) ? alwaysAllowed(call) : []) values.set(value.value, value)
  for (const packed of admitted) {
    const value = allowedValue(call, packed)
    values.set(value.value, value)
  }
  const refused = used
    .filter((value) => !isAdmitted(call, value, approval))
    .toSorted((a, b) => a - b)
    .map((value) => allowedValue(call, value).label)
  return {
    values: [...values.values()].toSorted((a, b) => a.value - b.value),
    refused: [...new Set(refused)],
    whole: wholeReason(call, input, admitted.length > 0),
    isHeld: isHeld(call, approval),
  }
}

/** What clone and unshare can do beyond threads takes approval; approved by value, it stays with these values. */
function isHeld(call: ArgumentCall, approval: Approval): boolean {
  return call === 'clone' || (call === 'unshare' && !approval.names.has(call))
}

/** Why `call` cannot be let through by value, if so. */
function wholeReason(
  call: ArgumentCall,
  { approval, needed, abis, chosen }: ArgumentInput,
  isAdmittedAtAll: boolean,
): string | undefined {
  if (isHeld(call, approval)) return undefined
  if (isUnknown(chosen.get(call))) return 'which ones were used is not known'
  if (needed.has(call) && alwaysAllowed(call).length === 0) return 'runtimes need it'
  if ((call === 'socket' || call === 'socketpair') && abis.includes('i386') && isAdmittedAtAll) {
    return 'on i386 programs reach it through socketcall, whose arguments no filter can see'
  }
  return undefined
}

/** Whether it was used in ways that are not known. */
export function isUnknown(chosen: Chosen | undefined): boolean {
  return chosen !== undefined && chosen.values === undefined
}
