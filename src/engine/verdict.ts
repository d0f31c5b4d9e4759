/**
 * Whether an image runs under its profile: what the runs under it did, beside one without it. Pure.
 *
 * Everything that is refused in a lineage of the image fails the verdict, also where the run ended as it does without the
 * profile: what a program does without today it may need tomorrow. Three kinds of denials are told and fail nothing:
 *
 *   expected   clone3 answered with ENOSYS (see `expected-denial`)
 *   own        the same call is refused in the same way without the profile: by a filter of the program's own
 *   runtime    made by the runtime before the entrypoint; it tries what newer kernels have, and falls back
 */
import type { ByteString } from '../bytes.js'
import { isExpectedDenial } from '../kernel/expected-denial.js'
import { syscallLabel } from '../kernel/syscalls.js'
import type { Abi, Incompleteness, Lineage } from '../observation.js'
import { byKind, type DeniedCall, type DeniedKind, type Denials } from './denial-tally.js'
import type { ContainerRun } from './verify-run.js'

/** A container of a verification: how it went, and what the kernel saw of it; undefined where it saw nothing. */
export interface SeenRun extends ContainerRun {
  readonly denials: Denials | undefined
}

/** Why a denial fails the verdict or does not. */
export type Standing = 'fails' | 'expected' | 'own' | 'runtime'

/** A call that was refused under the profile, over all runs. */
export interface DeniedInRuns {
  readonly lineage: Lineage
  readonly abi: Abi
  readonly nr: number
  /** Its name, or an explicit unknown. */
  readonly name: string
  /** See `kernel/denial-answer`. */
  readonly answer: number
  /** In all runs together. */
  readonly count: number
  /** In how many of them. */
  readonly runs: number
  readonly programs: readonly ByteString[]
  readonly standing: Standing
}

/** How a run differs from the one without the profile; runs count from 1. */
export type Difference =
  | { readonly kind: 'not-started'; readonly run: number }
  | { readonly kind: 'status'; readonly run: number; readonly status: number }
  | { readonly kind: 'kept-running' | 'ended-early'; readonly run: number }

/** Why it is not known whether all denials were seen. */
export type Doubt =
  | { readonly kind: 'missed'; readonly missed: Incompleteness }
  | { readonly kind: 'no-end' | 'unseen' | 'unpaired' | 'unfiltered'; readonly run: number }
  | { readonly kind: 'interrupted' }

export interface Verdict {
  readonly result: 'holds' | 'does-not-hold' | 'unknown'
  /** Those that fail the verdict first; else in the order of lineage, ABI, number and answer. */
  readonly denied: readonly DeniedInRuns[]
  readonly differences: readonly Difference[]
  readonly doubts: readonly Doubt[]
}

/** What a verdict rests on. `missed` is what the sensor says of itself. */
export interface Evidence {
  readonly reference: SeenRun
  readonly runs: readonly SeenRun[]
  readonly missed: readonly Incompleteness[]
  readonly isInterrupted: boolean
}

/** The verdict. What was seen to fail fails, however much was missed; nothing holds while anything was missed. */
export function verdictOf({ reference, runs, missed, isInterrupted }: Evidence): Verdict {
  const denied = deniedIn(runs, reference.denials)
  const differences = runs.flatMap((run, i) => differencesOf(run, i + 1, reference))
  const doubts: Doubt[] = [
    ...missed.map((one) => ({ kind: 'missed', missed: one }) as const),
    ...[reference, ...runs].flatMap((run, i) => doubtsOf(run, i)),
    ...(isInterrupted ? [{ kind: 'interrupted' } as const] : []),
  ]
  const fails = differences.length > 0 || denied.some(({ standing }) => standing === 'fails')
  return {
    result: fails ? 'does-not-hold' : doubts.length > 0 ? 'unknown' : 'holds',
    denied,
    differences,
    doubts,
  }
}

function differencesOf(run: SeenRun, at: number, reference: SeenRun): readonly Difference[] {
  const { end, wasStopped } = run
  if (end.kind === 'not-started') return [{ kind: 'not-started', run: at }]
  if (end.kind === 'unknown' || reference.end.kind !== 'exited') return []
  if (wasStopped !== reference.wasStopped) {
    return [{ kind: wasStopped ? 'kept-running' : 'ended-early', run: at }]
  }
  const isSame = end.status === reference.end.status
  return isSame ? [] : [{ kind: 'status', run: at, status: end.status }]
}

/** `at` is 0 for the run without the profile, of which only the end matters. */
function doubtsOf({ denials, end }: SeenRun, at: number): readonly Doubt[] {
  const hasNoEnd = at === 0 ? end.kind !== 'exited' : end.kind === 'unknown'
  const doubts: Doubt[] = hasNoEnd ? [{ kind: 'no-end', run: at }] : []
  if (at === 0) return doubts
  if (denials === undefined) {
    // Nothing was made where the engine refused already.
    if (end.kind !== 'not-started') doubts.push({ kind: 'unseen', run: at })
    return doubts
  }
  if (denials.unpaired > 0) doubts.push({ kind: 'unpaired', run: at })
  if (denials.filteredThreads === 0 && end.kind !== 'not-started') {
    doubts.push({ kind: 'unfiltered', run: at })
  }
  return doubts
}

function deniedIn(runs: readonly SeenRun[], without: Denials | undefined): DeniedInRuns[] {
  const own = new Set((without?.denied ?? []).map(keyOf))
  const byKey = new Map<string, DeniedInRuns>()
  for (const call of runs.flatMap(({ denials }) => denials?.denied ?? [])) {
    const key = keyOf(call)
    const before = byKey.get(key)
    byKey.set(key, {
      ...kindOf(call),
      name: syscallLabel(call.abi, call.nr),
      count: (before?.count ?? 0) + call.count,
      runs: (before?.runs ?? 0) + 1,
      programs: [...new Set([...(before?.programs ?? []), ...call.programs])].toSorted(),
      standing: standingOf(call, own.has(key)),
    })
  }
  const rank = ({ standing }: DeniedInRuns): number => (standing === 'fails' ? 0 : 1)
  return [...byKey.values()].toSorted((a, b) => rank(a) - rank(b) || byKind(a, b))
}

function standingOf(call: DeniedCall, isOwn: boolean): Standing {
  if (call.lineage === 'runtime') return 'runtime'
  if (isOwn) return 'own'
  return isExpectedDenial(call.abi, call.nr, call.answer) ? 'expected' : 'fails'
}

function kindOf({ lineage, abi, nr, answer }: DeniedKind): DeniedKind {
  return { lineage, abi, nr, answer }
}

function keyOf({ lineage, abi, nr, answer }: DeniedKind): string {
  return `${lineage} ${abi} ${nr} ${answer}`
}
