/**
 * What the live tests read of `plimsoll baseline show --json` and of the profiles: types for the fields they use, and the
 * few questions they ask. Written from the documented output, not from plimsoll's own types, so that a change of the
 * output is noticed here.
 */
import { readFileSync } from 'node:fs'

export interface SyscallView {
  readonly abi: string
  readonly nr: number
  readonly name: string
  readonly count: number
  readonly runs: number
  readonly programs: readonly string[]
}

export interface ExecView {
  readonly path: string
  readonly exe: string
  readonly count: number
}

/** One value of an argument that is learned; see `src/kernel/arguments.ts`. */
export interface ArgumentView {
  readonly abi: string
  readonly nr: number
  readonly name: string
  readonly value: number
  readonly label: string
  readonly count: number
  readonly runs: number
}

export interface LineageView {
  readonly syscalls: readonly SyscallView[]
  readonly arguments: readonly ArgumentView[]
  readonly execs: readonly ExecView[]
  readonly connections: readonly object[]
  readonly listeners: readonly object[]
}

export interface ReasonView {
  readonly reason: string
  readonly count: number
  readonly fromMs?: number
  readonly toMs?: number
  readonly detail?: string
}

export interface BaselineView {
  readonly image: {
    readonly kind: string
    readonly digest: string
    readonly name: string
    readonly entrypoint: readonly string[]
  }
  readonly revision: number
  readonly completeness: { readonly state: string; readonly reasons: readonly ReasonView[] }
  readonly runs: readonly object[]
  readonly progress: {
    readonly state: string
    readonly unit: string
    readonly coverage: { readonly units: number; readonly newPerUnit: number }
  }
  readonly lineages: Readonly<Partial<Record<'main' | 'runtime' | 'exec' | 'probe', LineageView>>>
}

type LineageName = keyof BaselineView['lineages']

/** Calls of one lineage, none if it did nothing. */
export function syscallsOf(view: BaselineView, lineage: LineageName): readonly SyscallView[] {
  return view.lineages[lineage]?.syscalls ?? []
}

/** Names of one lineage's calls, sorted, each once whatever its ABI. */
export function namesOf(view: BaselineView, lineage: LineageName): readonly string[] {
  return [...new Set(syscallsOf(view, lineage).map((call) => call.name))].sort()
}

/** The entry of one call, if the lineage made it. */
export function callOf(
  view: BaselineView,
  abi: string,
  name: string,
  lineage: LineageName = 'main',
): SyscallView | undefined {
  return syscallsOf(view, lineage).find((call) => call.abi === abi && call.name === name)
}

/** Learned arguments of one lineage, in the order of the view. */
export function argumentsOf(view: BaselineView, lineage: LineageName): readonly ArgumentView[] {
  return view.lineages[lineage]?.arguments ?? []
}

/** What a test reads of a seccomp profile in the OCI dialect. */
export interface ProfileView {
  readonly defaultAction: string
  readonly architectures: readonly string[]
  readonly allowed: readonly string[]
}

/** A profile file; `allowed` are the names of all its allow rules, sorted. */
export function profileAt(path: string): ProfileView {
  const document = JSON.parse(readFileSync(path, 'utf8')) as {
    readonly defaultAction: string
    readonly architectures?: readonly string[]
    readonly syscalls: readonly { readonly names: readonly string[]; readonly action: string }[]
  }
  const allowed = document.syscalls
    .filter((rule) => rule.action === 'SCMP_ACT_ALLOW')
    .flatMap((rule) => rule.names)
  return {
    defaultAction: document.defaultAction,
    architectures: document.architectures ?? [],
    allowed: [...new Set(allowed)].sort(),
  }
}
