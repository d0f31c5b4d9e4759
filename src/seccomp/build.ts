/**
 * Builds a seccomp profile from observed calls: what the application used, the floor of the runtimes, and what the
 * kernel needs. Pure and deterministic: the order of the input does not matter, and the same calls give the same bytes.
 * What comes out has no problem that `problemsOf` reports as an error.
 */
import type { Abi } from '../observation.js'
import { failure } from '../errors.js'
import { syscallNr } from '../kernel/syscalls.js'
import { architecturesOf, coveredAbis } from './architectures.js'
import { CRITICAL, REFUSED } from './call-groups.js'
import { floorFor, type Floor } from './floor.js'
import type { Runtime } from './floor-tables.js'
import { profileNotes } from './notes.js'
import type { ObservedCall } from './observed-call.js'
import { EPERM, ENOSYS, type SeccompProfile, type SyscallRule } from './profile.js'
import { select, type Selection } from './selection.js'

/** `complain` logs what is not allowed, `enforce` fails it, `strict` also kills for the critical group. */
export type Strength = 'complain' | 'enforce' | 'strict'

export interface ProfileInput {
  readonly calls: readonly ObservedCall[]
  readonly strength: Strength
  /** Runtimes that may start the container; empty means all known ones. */
  readonly runtimes: readonly Runtime[]
  readonly assumeNoNewPrivileges: boolean
  /** Names that a person let in although they are on the never-learn list; names that were not observed add nothing. */
  readonly approved?: readonly string[]
}

/** Why a name is allowed: the application used it, the runtime did, a runtime's floor has it, or the kernel needs it. */
export type Origin = 'observed' | 'runtime' | 'floor' | 'required'

export interface NameOrigin {
  /** At least one, in the order of the type. */
  readonly origins: readonly Origin[]
  /** Sorted; empty where nobody was seen using it. */
  readonly programs: readonly string[]
  /** At least in so many runs; 0 where nobody was seen using it. */
  readonly runs: number
  /** Sorted; under which ABIs it was seen. */
  readonly abis: readonly Abi[]
}

export interface BuiltProfile {
  readonly profile: SeccompProfile
  /** One entry per allowed name, in the order of the names. */
  readonly origins: ReadonlyMap<string, NameOrigin>
  /** Plain sentences for the user: what was left out, and what the profile takes for granted. */
  readonly notes: readonly string[]
}

/**
 * The profile for `input`. Throws `PROFILE_EMPTY` where no known call of the application was observed: a profile of the
 * floor alone would stop every program. Cost is linear in the calls.
 */
export function buildProfile(input: ProfileInput): BuiltProfile {
  const selection = select(input.calls, new Set(input.approved))
  const entries = [...selection.chosen.values()]
  if (!entries.some((entry) => entry.byApplication)) {
    throw failure('PROFILE_EMPTY', { problem: 'no system call of the application was observed' })
  }
  const observed = new Set(entries.flatMap((entry) => [...entry.abis]))
  const covered = coveredAbis(observed, input.strength === 'complain')
  // The floor follows the ABIs in use, not those that a logging filter covers besides, so that strengths differ in
  // what happens to other calls and never in what is allowed.
  const floor = floorFor(coveredAbis(observed, false), input)
  const origins = originsOf(selection, floor)
  const allowed = [...origins.keys()]
  const profile: SeccompProfile = {
    ...defaultOf(input.strength),
    architectures: architecturesOf(covered),
    syscalls: [
      { names: allowed, action: 'SCMP_ACT_ALLOW' },
      ...refusals(input.strength, origins, selection, covered),
    ],
  }
  return { profile, origins, notes: profileNotes(input, selection, origins, observed, covered) }
}

function defaultOf(strength: Strength): Pick<SeccompProfile, 'defaultAction' | 'defaultErrnoRet'> {
  return strength === 'complain'
    ? { defaultAction: 'SCMP_ACT_LOG' }
    : { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: ENOSYS }
}

function originsOf(selection: Selection, { floor, required }: Floor): Map<string, NameOrigin> {
  const names = new Set([...selection.chosen.keys(), ...floor, ...required])
  const origins = new Map<string, NameOrigin>()
  for (const name of [...names].toSorted()) {
    const seen = selection.chosen.get(name)
    const why: Origin[] = []
    if (seen?.byApplication === true) why.push('observed')
    if (seen?.byRuntime === true) why.push('runtime')
    if (floor.has(name)) why.push('floor')
    if (required.has(name)) why.push('required')
    origins.set(name, {
      origins: why,
      programs: [...(seen?.programs ?? [])].toSorted(),
      runs: seen?.runs ?? 0,
      abis: [...(seen?.abis ?? [])].toSorted(),
    })
  }
  return origins
}

/**
 * The rules beside the allowed names. `clone3` is in none of them: unless observed it gets the default ENOSYS, which is
 * what makes glibc fall back to clone; an EPERM would stop every thread. Calls that were used although they are left out
 * fail but never kill, or the image would not start.
 */
function refusals(
  strength: Strength,
  origins: ReadonlyMap<string, NameOrigin>,
  selection: Selection,
  abis: readonly Abi[],
): SyscallRule[] {
  if (strength === 'complain') return []
  const isOpen = (name: string): boolean =>
    !origins.has(name) && abis.some((abi) => syscallNr(abi, name) !== undefined)
  const killed = new Set(
    strength === 'strict'
      ? CRITICAL.filter((name) => isOpen(name) && !selection.leftOut.has(name))
      : [],
  )
  const refused = REFUSED.filter((name) => isOpen(name) && !killed.has(name))
  const rules: SyscallRule[] = []
  if (refused.length > 0) {
    rules.push({ names: refused.toSorted(), action: 'SCMP_ACT_ERRNO', errnoRet: EPERM })
  }
  if (killed.size > 0) {
    rules.push({ names: [...killed].toSorted(), action: 'SCMP_ACT_KILL_PROCESS' })
  }
  return rules
}
