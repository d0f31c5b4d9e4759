/**
 * Decides for each call whose argument is filtered whether it is let through by value, whole, or not at all. Never by value
 * and whole: the rule without a condition would win, and silently. Pure and independent of the order of its input.
 *
 * A value that is not known lets its call through whole, or the image would break; but clone never is: what it may do
 * beyond threads and children takes approval anyway, and a container that floods the sensor must not widen its own profile.
 */
import type { Abi } from '../observation.js'
import { type ArgumentCall } from '../kernel/arguments.js'
import type { Approval } from './approval.js'
import {
  alwaysAllowed,
  allowedValue,
  type AllowedValue,
  isAdmitted,
  TESTED_PART,
  testOf,
} from './argument-values.js'
import { MAX_RULES, type SyscallRule } from './profile.js'
import type { Chosen } from './selection.js'

/** Calls that are filtered by their argument unless the user says otherwise. */
export const DEFAULT_ARGUMENTS: readonly ArgumentCall[] = [
  'socket',
  'clone',
  'unshare',
  'personality',
]

/** In the order in which they get rules, should those run out: what opens most comes first. */
const ORDER: readonly ArgumentCall[] = [
  'clone',
  'unshare',
  'socket',
  'personality',
  'socketpair',
  'prctl',
]

/** One for the calls let through whole, two for those refused. */
const OTHER_RULES = 3

const CLONE3_NOTE =
  'clone3: left out, because its flags lie behind a pointer and would go round the test on clone; libcs fall back to ' +
  'clone on its ENOSYS, a program that calls clone3 without falling back fails'

/** What decides about the filtered calls. */
export interface ArgumentInput {
  readonly filtered: readonly ArgumentCall[]
  /** Names that are to be allowed. */
  readonly names: ReadonlySet<string>
  readonly chosen: ReadonlyMap<string, Chosen>
  /** Of `names`, those that a runtime or the kernel needs. */
  readonly needed: ReadonlySet<string>
  readonly approval: Approval
  /** ABIs that programs of the image are known to use. */
  readonly abis: readonly Abi[]
}

export interface ArgumentPlan {
  /** Names that are let through by value, each with at least one, in ascending order. */
  readonly byValue: ReadonlyMap<string, readonly AllowedValue[]>
  /** Names that do not enter after all: no value of them may, or they would go round the test on another. */
  readonly leftOut: ReadonlySet<string>
  readonly notes: readonly string[]
}

interface Verdict {
  readonly values: readonly AllowedValue[]
  /** Labels of what was used and does not enter. */
  readonly refused: readonly string[]
  /** Why the call is let through whole; undefined where it is not. */
  readonly whole: string | undefined
}

export function planArguments(input: ArgumentInput): ArgumentPlan {
  const byValue = new Map<string, readonly AllowedValue[]>()
  const leftOut = new Set<string>()
  const notes: string[] = []
  let room = MAX_RULES - OTHER_RULES
  for (const call of ORDER) {
    if (!input.filtered.includes(call) || !input.names.has(call)) continue
    const { values, refused, whole } = verdictOn(call, input)
    const why = whole ?? (values.length > room ? 'there are too many for a filter' : undefined)
    if (values.length === 0 && whole === undefined) leftOut.add(call)
    else if (why === undefined) {
      byValue.set(call, values)
      room -= values.length
    } else {
      const included = refused.length === 0 ? '' : `, ${refused.join(', ')} included`
      notes.push(`${call}: allowed whatever its ${TESTED_PART[call]}${included}: ${why}`)
      continue
    }
    for (const label of refused) {
      notes.push(`${call}: ${label} left out: it was used, but enters a profile by approval only`)
    }
    if (call === 'clone' && isUnknown(input.chosen.get(call))) {
      notes.push('clone: allowed without new namespaces only; which flags were used is not known')
    }
  }
  if (byValue.has('clone')) {
    leftOut.add('clone3')
    if (input.names.has('clone3')) notes.push(CLONE3_NOTE)
  }
  return { byValue, leftOut, notes }
}

/** The rules of the names that are let through by value, one for each value. */
export function argumentRules(byValue: ArgumentPlan['byValue']): readonly SyscallRule[] {
  return ORDER.flatMap((call) =>
    (byValue.get(call) ?? []).map((value): SyscallRule => ({
      names: [call],
      action: 'SCMP_ACT_ALLOW',
      args: [testOf(call, value)],
    })),
  )
}

function verdictOn(call: ArgumentCall, input: ArgumentInput): Verdict {
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
    whole: wholeReason(call, input, chosen, admitted.length > 0),
  }
}

/** Why `call` cannot be let through by value, if so. */
function wholeReason(
  call: ArgumentCall,
  { approval, needed, abis }: ArgumentInput,
  chosen: Chosen | undefined,
  isAdmittedAtAll: boolean,
): string | undefined {
  if (call === 'clone') return undefined
  // Approved by its values alone, so it is let through by these alone.
  if (call === 'unshare' && !approval.names.has(call)) return undefined
  if (isUnknown(chosen)) return 'which ones were used is not known'
  if (needed.has(call) && alwaysAllowed(call).length === 0) return 'runtimes need it'
  if ((call === 'socket' || call === 'socketpair') && abis.includes('i386') && isAdmittedAtAll) {
    return 'on i386 programs reach it through socketcall, whose arguments no filter can see'
  }
  return undefined
}

function isUnknown(chosen: Chosen | undefined): boolean {
  return chosen !== undefined && chosen.values === undefined
}
