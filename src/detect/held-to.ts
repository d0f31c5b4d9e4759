/**
 * What a sealed baseline holds its image to, ready to be asked. What was learned after the seal has no part in it: an image must
 * not widen what it is held to by doing it. Pure.
 */
import type { Baseline } from '../baseline/baseline.js'
import {
  type ItemKey,
  type ItemKind,
  itemKeyOf,
  itemOfKey,
  type NamedItem,
} from '../baseline/item-key.js'
import { OWN_LINEAGES } from '../baseline/incidences.js'
import { resourcesOf } from '../baseline/resources.js'
import type { RunRecord } from '../baseline/run-record.js'
import { allowedItems, judgedKinds, sealOf } from '../baseline/sealed.js'
import { argumentCallOf } from '../kernel/arguments.js'
import { isExpectedDenial } from '../kernel/expected-denial.js'
import { isNeverLearnedArgument } from '../kernel/never-learned.js'
import { REQUIRED, REQUIRED_I386 } from '../kernel/required-calls.js'
import { syscallName } from '../kernel/syscalls.js'
import type { Abi } from '../observation.js'
import type { Subject } from './anomaly.js'
import { likenessesOf } from './likeness.js'
import type { CompiledPolicy } from './policy-compile.js'
import type { LearnedResources } from './resource-watch.js'

export interface HeldTo {
  readonly revision: number
  readonly completeness: 'full' | 'partial'
  readonly items: readonly NamedItem[]
  readonly keys: ReadonlySet<ItemKey>
  readonly judged: ReadonlySet<ItemKind>
  /** What a person approved, whatever a policy never lets be learned. */
  readonly approved: ReadonlySet<ItemKey>
  /** Calls, by their keys, of which some argument is among the items or was decided about, if only to reject it. */
  readonly argued: ReadonlySet<ItemKey>
  /** Programs among the items that were written after their container was made, and those without a file. */
  readonly drifted: ReadonlySet<ItemKey>
  readonly fileless: ReadonlySet<ItemKey>
  /** Words for what the image does, see `likeness`. */
  readonly likenesses: ReadonlySet<string>
  readonly resources: LearnedResources | undefined
}

/** What the baseline holds its image to; undefined if it is not sealed. O(items). */
export function heldToOf(baseline: Baseline): HeldTo | undefined {
  const seal = sealOf(baseline)
  if (seal === undefined) return undefined
  const items = allowedItems(baseline)
  const { verdicts } = baseline.decisions
  return {
    revision: baseline.revision,
    completeness: baseline.completeness().state,
    items,
    keys: new Set(items.map(itemKeyOf)),
    judged: new Set(judgedKinds(baseline)),
    approved: new Set(
      verdicts.filter(({ verdict }) => verdict === 'approved').map(({ item }) => item),
    ),
    argued: new Set(
      [...items, ...verdicts.map(({ item }) => itemOfKey(item))]
        .filter((item) => item?.kind === 'argument')
        .map(({ abi, nr }) => itemKeyOf({ kind: 'syscall', abi, nr })),
    ),
    ...unusualPrograms(baseline, seal.atMs),
    likenesses: likenessesOf(items),
    resources: resourcesAt(baseline, seal.atMs),
  }
}

/** Whether the baseline has it. O(1). */
export function holds(held: HeldTo, subject: Subject): boolean {
  switch (subject.kind) {
    case 'syscall':
      return held.keys.has(itemKeyOf(subject)) || isRequired(subject.abi, subject.nr)
    case 'argument':
      if (held.keys.has(itemKeyOf(subject))) return true
      return (
        hasAnyArgument(held, subject.abi, subject.nr) &&
        !isNeverLearnedArgument(subject.abi, subject.nr, subject.value)
      )
    case 'connect':
    case 'listen':
    case 'capability':
    case 'io_uring':
      return held.keys.has(itemKeyOf(subject))
    case 'exec': {
      const key = itemKeyOf({ kind: 'exec', path: subject.path, exe: subject.exe })
      if (subject.fileless) return held.fileless.has(key)
      return subject.upper ? held.drifted.has(key) : held.keys.has(key)
    }
    case 'denied':
      return isExpectedDenial(subject.abi, subject.nr, subject.answer)
    case 'abi':
    case 'sensor':
    case 'resource':
      return false
  }
}

/**
 * Whether the baseline allows it under that policy: what the policy never lets be learned is allowed only where a person
 * approved it. What the kernel needs was not learned. O(values of the policy's list).
 */
export function allows(
  held: HeldTo,
  policy: Pick<CompiledPolicy, 'isNeverLearned'>,
  subject: Subject,
): boolean {
  if (!holds(held, subject)) return false
  if (subject.kind !== 'syscall' && subject.kind !== 'argument') return true
  if (subject.kind === 'syscall' && isRequired(subject.abi, subject.nr)) return true
  return !policy.isNeverLearned(subject) || held.approved.has(itemKeyOf(subject))
}

/** Whether the call is allowed and nobody knows with which arguments: none was learned. */
export function hasAnyArgument(held: HeldTo, abi: Abi, nr: number): boolean {
  if (argumentCallOf(abi, nr) === undefined) return false
  const key = itemKeyOf({ kind: 'syscall', abi, nr })
  return held.keys.has(key) && !held.argued.has(key)
}

/** Whether any process may come to make the call by the kernel's own doing. */
export function isRequired(abi: Abi, nr: number): boolean {
  const name = syscallName(abi, nr)
  if (name === undefined) return false
  return REQUIRED.includes(name) || (abi === 'i386' && REQUIRED_I386.includes(name))
}

/** Only what was last seen before the seal: the flags of a program say "was so at least once", not when. */
function unusualPrograms(
  baseline: Baseline,
  sealedMs: number,
): Pick<HeldTo, 'drifted' | 'fileless'> {
  const drifted = new Set<ItemKey>()
  const fileless = new Set<ItemKey>()
  const { runs, folded } = baseline.snapshot()
  for (const { behaviours } of folded === undefined ? runs : [folded, ...runs]) {
    for (const exec of OWN_LINEAGES.flatMap((lineage) => behaviours[lineage].execs)) {
      if (exec.lastMs > sealedMs) continue
      const key = itemKeyOf({ kind: 'exec', path: exec.path, exe: exec.exe })
      if (exec.upper) drifted.add(key)
      if (exec.fileless) fileless.add(key)
    }
  }
  return { drifted, fileless }
}

/** Of the runs that did nothing any more after the seal: what took more since has not become usual by that. */
function resourcesAt(baseline: Baseline, sealedMs: number): LearnedResources | undefined {
  const { runs, folded } = baseline.snapshot()
  const peaks = runs.filter((run) => lastMsOf(run) <= sealedMs).map((run) => run.resources)
  const isFoldedBefore =
    folded !== undefined && Math.max(folded.lastEndedMs, folded.upTo.startedMs) <= sealedMs
  const found = resourcesOf(isFoldedBefore ? [folded.resources, ...peaks] : peaks)
  if (found === undefined) return undefined
  const { memoryBytes, cpuMilli, pids, samples } = found
  return { memory: memoryBytes, cpu: cpuMilli, pids, samples }
}

/** When it ended, or was last seen to do anything if its end was not seen. */
function lastMsOf({ startedMs, endedMs, behaviours }: RunRecord): number {
  if (endedMs > 0) return endedMs
  return OWN_LINEAGES.flatMap((lineage) => behaviours[lineage].syscalls).reduce(
    (last, { lastMs }) => Math.max(last, lastMs),
    startedMs,
  )
}
