/**
 * Decides for each call whose argument is filtered whether it is let through by value, whole, or not at all. Never by value
 * and whole: the rule without a condition would win, and silently. Pure and independent of the order of its input.
 */
import type { ArgumentCall } from '../kernel/arguments.js'
import { type ArgumentInput, isUnknown, verdictOn } from './argument-verdict.js'
import { type AllowedValue, TESTED_PART, testOf } from './argument-values.js'
import { MAX_RULES, type SyscallRule } from './profile.js'

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
  'ioctl',
]

/** One for the calls let through whole, three for those refused. */
const OTHER_RULES = 4

const CLONE3_NOTE =
  'clone3: left out, because its flags lie behind a pointer and would go round the test on clone; libcs fall back to ' +
  'clone on its ENOSYS, a program that calls clone3 without falling back fails'

export interface ArgumentPlan {
  /** Names that are let through by value, each with at least one, in ascending order. */
  readonly byValue: ReadonlyMap<string, readonly AllowedValue[]>
  /** Names that do not enter after all: no value of them may, or they would go round the test on another. */
  readonly leftOut: ReadonlySet<string>
  readonly notes: readonly string[]
}

/** Decides about all filtered calls together: they share the rules that a document may have. */
export function planArguments(
  filtered: readonly ArgumentCall[],
  input: ArgumentInput,
): ArgumentPlan {
  const byValue = new Map<string, readonly AllowedValue[]>()
  const leftOut = new Set<string>()
  const notes: string[] = []
  let room = MAX_RULES - OTHER_RULES
  for (const call of ORDER) {
    if (!filtered.includes(call) || !input.names.has(call)) continue
    const { values, refused, whole, isHeld } = verdictOn(call, input)
    const isTooMany = values.length > room
    const why = whole ?? (isTooMany && !isHeld ? 'there are too many for a filter' : undefined)
    if (why !== undefined) {
      const included = refused.length === 0 ? '' : `, ${refused.join(', ')} included`
      notes.push(`${call}: allowed whatever its ${TESTED_PART[call]}${included}: ${why}`)
      continue
    }
    const kept = values.slice(0, room)
    room -= kept.length
    if (kept.length > 0) byValue.set(call, kept)
    else leftOut.add(call)
    for (const label of refused) {
      notes.push(`${call}: ${label} left out: it was used, but enters a profile by approval only`)
    }
    for (const { label } of values.slice(kept.length)) {
      notes.push(`${call}: ${label} left out: a filter has no room for more`)
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
