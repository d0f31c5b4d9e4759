/**
 * The sentences that go with a built profile: what was left out and what the profile takes for granted. Only names from
 * plimsoll's own tables appear in them, nothing that a container chose.
 */
import type { Abi } from '../observation.js'
import { floorFor, type FloorOptions } from './floor.js'
import type { Selection } from './selection.js'

/**
 * The notes, in a fixed order. `allowed` is keyed by the allowed names, `observed` are the ABIs that were in use,
 * `covered` those that the profile lists.
 */
export function profileNotes(
  options: FloorOptions,
  selection: Pick<Selection, 'notes' | 'injected'>,
  allowed: ReadonlyMap<string, unknown>,
  observed: ReadonlySet<Abi>,
  covered: readonly Abi[],
): readonly string[] {
  const notes = [...selection.notes]
  const injected = [...selection.injected].filter((name) => !allowed.has(name)).toSorted()
  if (injected.length > 0) {
    notes.push(
      `left out: only other lineages, such as injected processes, used ${injected.join(', ')}`,
    )
  }
  notes.push(...floorNotes(options, allowed, covered), ...abiNotes(observed, covered))
  return notes
}

function floorNotes(
  options: FloorOptions,
  allowed: ReadonlyMap<string, unknown>,
  covered: readonly Abi[],
): string[] {
  const widest = floorFor(covered, { ...options, runtimes: [], assumeNoNewPrivileges: false }).floor
  const without = [...widest].filter((name) => !allowed.has(name)).toSorted()
  if (without.length === 0) return []
  const runtimes = options.runtimes.length === 0 ? 'any runtime' : options.runtimes.join(' or ')
  const nnp = options.assumeNoNewPrivileges ? ' with no_new_privileges' : ''
  return [
    `the container has to be started by ${runtimes}${nnp}; the narrower floor leaves out ${without.join(', ')}`,
  ]
}

function abiNotes(observed: ReadonlySet<Abi>, covered: readonly Abi[]): string[] {
  const notes: string[] = []
  if (covered.length > 1) {
    notes.push(
      `${covered.join(', ')} are covered; a name allowed for one of them is allowed for all, as the format has it`,
    )
  }
  if (!observed.has('x86_64') && covered.includes('x86_64')) {
    notes.push('x86_64 is covered because the container runtime makes its own calls under it')
  }
  if (covered.includes('i386')) {
    notes.push(
      'on i386 libseccomp allows socketcall wherever a socket call is allowed, whatever its arguments',
    )
  }
  if (observed.has('aarch64')) {
    notes.push('the runtime floor was measured on x86_64; verify this profile on an aarch64 host')
  }
  return notes
}
