/**
 * Builds a seccomp profile from observed calls: what the application used, the floor of the runtimes, what the kernel
 * needs, and what newer builds make of the observed calls. Pure and deterministic: the order of the input does not matter,
 * and the same calls give the same bytes. What comes out has no problem that `problemsOf` reports as an error.
 */
import type { ArgumentCall } from '../kernel/arguments.js'
import { failure } from '../errors.js'
import type { Lineage } from '../observation.js'
import { syscallNr } from '../kernel/syscalls.js'
import { approvalOf, type ApprovedValue } from './approval.js'
import { architecturesOf, coveredAbis } from './architectures.js'
import { argumentRules, DEFAULT_ARGUMENTS, planArguments } from './argument-rules.js'
import { inferredFrom } from './families.js'
import { floorFor, type FloorOptions } from './floor.js'
import { profileNotes } from './notes.js'
import type { ObservedCall } from './observed-call.js'
import { type NameOrigin, originsOf } from './origins.js'
import { ENOSYS, type SeccompProfile, type Strength } from './profile.js'
import { refusals } from './refusals.js'
import { select, type Selection } from './selection.js'

export interface ProfileInput extends FloorOptions {
  readonly calls: readonly ObservedCall[]
  readonly strength: Strength
  /** Names that a person let in although they are on the never-learn list; names that are not among the calls add nothing. */
  readonly approved?: readonly string[]
  /** Values of arguments that a person let in; a value that was not observed adds nothing where the values are known. */
  readonly approvedValues?: readonly ApprovedValue[]
  /** Lineages that count as the application; default `DEFAULT_LINEAGES`. */
  readonly lineages?: readonly Lineage[]
  /** Names that people keep out, with the reason: not learned, not inferred; only a floor or the kernel still needs them. */
  readonly withheld?: ReadonlyMap<string, string>
  /** Calls that are let through by the value of their argument, where it is known; default `DEFAULT_ARGUMENTS`. */
  readonly arguments?: readonly ArgumentCall[]
  /** Whether to allow what newer builds make of the observed calls as well; default true. */
  readonly families?: boolean
}

/** What an image does on its own account: its entrypoint's tree, and its health check. */
export const DEFAULT_LINEAGES: readonly Lineage[] = ['main', 'probe']

export interface BuiltProfile {
  readonly profile: SeccompProfile
  /** One entry per allowed name, in the order of the names. */
  readonly origins: ReadonlyMap<string, NameOrigin>
  /** Plain sentences for the user: what was left out, and what the profile takes for granted. */
  readonly notes: readonly string[]
  /** What the floor of each runtime rests on (see `Floor.notes`). */
  readonly floorNotes: readonly string[]
}

/**
 * The profile for `input`. Throws `PROFILE_EMPTY` where no known call of the application was observed: a profile of the
 * floor alone would stop every program. Cost is linear in the calls.
 */
export function buildProfile(input: ProfileInput): BuiltProfile {
  const filtered = input.arguments ?? DEFAULT_ARGUMENTS
  const approval = approvalOf(input.approved, input.approvedValues)
  // A value can be approved without its call, if the call is let through by value alone.
  const byValueOnly = new Set<string>(filtered.filter((call) => approval.values.has(call)))
  // What a runtime did in a container without no_new_privs says nothing about one with it.
  const calls = input.assumeNoNewPrivileges
    ? input.calls.filter((call) => call.lineage !== 'runtime')
    : input.calls
  const withheld = input.withheld ?? new Map<string, string>()
  const { chosen, leftOut, injected, notes } = select(calls, {
    lineages: new Set(input.lineages ?? DEFAULT_LINEAGES),
    isApproved: (name) => approval.names.has(name) || byValueOnly.has(name),
    withheld,
  })
  const observed = new Set([...chosen.values()].flatMap((entry) => [...entry.abis]))
  // What is allowed follows the ABIs in use, not those that a logging filter covers besides, so that strengths differ in
  // what happens to other calls and never in what is allowed.
  const abis = coveredAbis(observed, false)
  const floor = floorFor(abis, input)
  const isOpen = (name: string): boolean =>
    !withheld.has(name) && abis.some((abi) => syscallNr(abi, name) !== undefined)
  const inferred = inferredNames(chosen, filtered, input.families ?? true, isOpen)
  const needed = new Set([...floor.floor, ...floor.required])
  const names = new Set([...chosen.keys(), ...needed, ...inferred.keys()])
  const plan = planArguments(filtered, { names, chosen, needed, approval, abis })
  for (const name of plan.leftOut) names.delete(name)
  const approved = approval.names
  const origins = originsOf({ names, chosen, approved, floor, inferred, byValue: plan.byValue })
  checkNotEmpty(origins)

  const covered = coveredAbis(observed, input.strength === 'complain')
  const wasUsed = (name: string): boolean => leftOut.has(name) || plan.leftOut.has(name)
  const profile: SeccompProfile = {
    ...defaultOf(input.strength),
    architectures: architecturesOf(covered),
    syscalls: [
      {
        names: [...origins.keys()].filter((name) => !plan.byValue.has(name)),
        action: 'SCMP_ACT_ALLOW',
      },
      ...argumentRules(plan.byValue),
      ...refusals(input.strength, (name) => origins.has(name), wasUsed, covered),
    ],
  }
  const kept = [...withheld]
    .filter(([name]) => origins.has(name))
    .map(
      ([name, why]) => `${name}: allowed although ${why}: every container needs it to start or run`,
    )
  const left = { notes: [...notes, ...plan.notes, ...kept.toSorted()], injected }
  const said = profileNotes(input, left, origins, observed, covered)
  return { profile, origins, notes: said, floorNotes: floor.notes }
}

/** What is allowed because of what was observed. Only the application's own calls count; a runtime has its floor. */
function inferredNames(
  chosen: Selection['chosen'],
  filtered: readonly ArgumentCall[],
  families: boolean,
  isOpen: (name: string) => boolean,
): ReadonlyMap<string, string> {
  const used = [...chosen].filter(([, entry]) => entry.byApplication).map(([name]) => name)
  const inferred = new Map(families ? inferredFrom(used, isOpen) : [])
  const isReplaced = chosen.has('clone3') && !chosen.has('clone') && isOpen('clone')
  if (filtered.includes('clone') && isReplaced) {
    inferred.set('clone', 'clone3 was observed; it gets ENOSYS, on which libcs use clone')
  }
  return inferred
}

function checkNotEmpty(origins: ReadonlyMap<string, NameOrigin>): void {
  const isUsed = ({ origins: why }: NameOrigin): boolean =>
    why.includes('observed') || why.includes('approved') || why.includes('inferred')
  if ([...origins.values()].some(isUsed)) return
  throw failure('PROFILE_EMPTY', { problem: 'no system call of the application was observed' })
}

function defaultOf(strength: Strength): Pick<SeccompProfile, 'defaultAction' | 'defaultErrnoRet'> {
  return strength === 'complain'
    ? { defaultAction: 'SCMP_ACT_LOG' }
    : { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: ENOSYS }
}
