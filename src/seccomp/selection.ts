/**
 * The builder's first step: which observed calls may enter a profile. Decides by lineage (the application's own and the
 * runtime's enter, injected processes do not), by name (dangerous ones only with approval, rejected ones not at all) and by
 * whether the number has a name at all. Everything that stays out is explained by a note. Independent of the order of its input.
 */
import type { Abi, Lineage } from '../observation.js'
import { OTHER_VALUE } from '../kernel/arguments.js'
import { syscallLabel, syscallName } from '../kernel/syscalls.js'
import { NEVER_LEARNED } from '../kernel/syscall-danger.js'
import { NEVER_IN_FLOOR } from './call-groups.js'
import type { ObservedCall } from './observed-call.js'

/** What is known of one name that enters. */
export interface Chosen {
  readonly byApplication: boolean
  readonly byRuntime: boolean
  /** Lower bound: the most runs that one ABI and lineage had; runs of several cannot be told apart any more. */
  readonly runs: number
  readonly programs: ReadonlySet<string>
  readonly abis: ReadonlySet<Abi>
  /** Values of its learned argument, packed; undefined where it has none or where they are not known for every use. */
  readonly values: ReadonlySet<number> | undefined
}

export interface Selection {
  readonly chosen: ReadonlyMap<string, Chosen>
  /** Names that the application or the runtime did use and that do not enter: refuse these, never kill for them. */
  readonly leftOut: ReadonlySet<string>
  /** Names that only lineages used which do not count as the application. */
  readonly injected: ReadonlySet<string>
  readonly notes: readonly string[]
}

interface Growing {
  byApplication: boolean
  byRuntime: boolean
  runs: number
  readonly programs: Set<string>
  readonly abis: Set<Abi>
  values: Set<number> | undefined
}

/** Who and what may enter. */
export interface Admission {
  /** Lineages that count as the application. */
  readonly lineages: ReadonlySet<Lineage>
  /** Lifts the never-learn list, by name. */
  readonly isApproved: (name: string) => boolean
  /** Names that people keep out, with the reason. */
  readonly withheld: ReadonlyMap<string, string>
}

/** Sorts the calls into those that enter and those that do not. */
export function select(calls: readonly ObservedCall[], admission: Admission): Selection {
  const chosen = new Map<string, Growing>()
  /** Name by note: a name can be left out for two reasons. */
  const leftOut = new Map<string, string>()
  const unknown = new Set<string>()
  const injected = new Set<string>()
  for (const call of calls) {
    const name = syscallName(call.abi, call.nr)
    if (name === undefined) {
      unknown.add(
        `${syscallLabel(call.abi, call.nr)}: left out: no known system call has this number`,
      )
    } else if (call.lineage !== 'runtime' && !admission.lineages.has(call.lineage)) {
      injected.add(name)
    } else if (call.lineage !== 'runtime' && admission.withheld.has(name)) {
      leftOut.set(`${name}: left out: ${admission.withheld.get(name) ?? ''}`, name)
    } else if (call.lineage === 'runtime' && NEVER_IN_FLOOR.has(name)) {
      leftOut.set(`${name}: left out: the container runtime tried it and gets on without it`, name)
    } else if (NEVER_LEARNED.has(name) && !admission.isApproved(name)) {
      leftOut.set(`${name}: left out: it was used, but enters a profile by approval only`, name)
    } else {
      const entry = chosen.get(name) ?? emptyEntry()
      chosen.set(name, entry)
      add(entry, call)
    }
  }
  // An approved call of the application stays chosen although the runtime's own use of it would not be.
  for (const [note, name] of leftOut) if (chosen.has(name)) leftOut.delete(note)
  for (const name of [...chosen.keys(), ...leftOut.values()]) injected.delete(name)
  return {
    chosen,
    leftOut: new Set(leftOut.values()),
    injected,
    notes: [...[...leftOut.keys()].toSorted(), ...[...unknown].toSorted()],
  }
}

function emptyEntry(): Growing {
  return {
    byApplication: false,
    byRuntime: false,
    runs: 0,
    programs: new Set(),
    abis: new Set(),
    values: new Set(),
  }
}

function add(entry: Growing, call: ObservedCall): void {
  if (call.lineage === 'runtime') entry.byRuntime = true
  else entry.byApplication = true
  entry.runs = Math.max(entry.runs, call.runs)
  entry.abis.add(call.abi)
  for (const program of call.programs) entry.programs.add(program)
  const { values = [] } = call
  // None at all: the call is known by its first sight only, not by what came after.
  if (values.length === 0 || values.includes(OTHER_VALUE)) entry.values = undefined
  for (const value of values) entry.values?.add(value)
}
