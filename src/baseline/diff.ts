/**
 * What one baseline has that another has not, and which of it a reviewer must look at. Pure; equal baselines in equal
 * order give an equal diff.
 *
 * Evidence is no part of the comparison: an item that both have is no difference, however often either saw it.
 */
import { byteStringOfText, displayOf } from '../bytes.js'
import { argumentCallOf } from '../kernel/arguments.js'
import { syscallLabel } from '../kernel/syscalls.js'
import { type Lineage, SYSCALL_NR_LIMIT } from '../observation.js'
import { type Baseline, BASELINE_LINEAGES } from './baseline.js'
import { dangersOf, pastOf, type DangerReason } from './diff-danger.js'
import { gainedBy, type DiffItem } from './diff-items.js'
import { ITEM_KINDS, type ItemKind } from './item-key.js'
import type { SyscallFacts } from './syscall-item.js'

/**
 * `new-dangerous`: only the later baseline has it, with at least one reason to look at it; `new`: likewise, without one;
 * `vanished`: only the earlier one has it.
 */
export const DIFF_CLASSES = ['new-dangerous', 'new', 'vanished'] as const
export type DiffClass = (typeof DIFF_CLASSES)[number]

/** One difference, with the evidence of the baseline that has the item. */
export interface Change {
  readonly class: DiffClass
  readonly item: DiffItem
  /** Not empty for `new-dangerous`, empty for the others. */
  readonly reasons: readonly DangerReason[]
}

export interface BaselineDiff {
  /** The lineages that were compared, in the order of `BASELINE_LINEAGES`. */
  readonly lineages: readonly Lineage[]
  /** By class, lineage, kind, and the canonical order of the kind. */
  readonly changes: readonly Change[]
  /**
   * Why differences may be missing or made up: what either side did not see or had no room for. One printable line each;
   * empty if both are `full`.
   */
  readonly incomplete: readonly string[]
}

export interface DiffOptions {
  /** What to compare; default `APPLICATION_LINEAGES`. */
  readonly lineages?: readonly Lineage[]
}

/** The lineages that the image itself decides about: its entrypoint and its health check. */
export const APPLICATION_LINEAGES: readonly Lineage[] = ['main', 'probe']

/**
 * The differences from `before` to `after`, which need not be of one image. Items are compared lineage by lineage; whether
 * an ABI or a kind of endpoint is used for the first time is asked of all compared lineages together. O(items).
 */
export function difference(
  before: Baseline,
  after: Baseline,
  options: DiffOptions = {},
): BaselineDiff {
  const wanted = options.lineages ?? APPLICATION_LINEAGES
  const lineages = BASELINE_LINEAGES.filter((lineage) => wanted.includes(lineage))
  const past = pastOf(before, lineages)
  const gained = lineages
    .flatMap((lineage) => gainedBy(before, after, lineage))
    .map((item) => ({ item, reasons: dangersOf(item, past) }))
  const lost = lineages.flatMap((lineage) => gainedBy(after, before, lineage))
  return {
    lineages,
    changes: [
      ...gained
        .filter(({ reasons }) => reasons.length > 0)
        .map((change) => ({ class: 'new-dangerous' as const, ...change })),
      ...gained
        .filter(({ reasons }) => reasons.length === 0)
        .map((change) => ({ class: 'new' as const, ...change })),
      ...lost.map((item) => ({ class: 'vanished' as const, item, reasons: [] })),
    ],
    incomplete: [
      ...gapsOf('before', before),
      ...gapsOf('after', after),
      ...sharedUnknowns(before, after, lineages),
      ...unknownArguments(before, after, lineages),
      ...kindsNotLookedFor('before', before, after, lineages),
      ...kindsNotLookedFor('after', after, before, lineages),
    ],
  }
}

/** What the side did not see. A full set is among the reasons, as `map-full` with the name of the set. */
function gapsOf(side: 'before' | 'after', baseline: Baseline): readonly string[] {
  const { state, reasons } = baseline.completeness()
  if (state === 'full') return []
  // No reason is left only if nothing was learned at all.
  if (reasons.length === 0) return [`${side}: no run was learned`]
  return reasons.map(({ reason, count, detail }) => {
    const more = detail === undefined ? '' : ` (${displayOf(byteStringOfText(detail))})`
    return `${side}: ${reason}${more}, ${count} ${count === 1 ? 'time' : 'times'}`
  })
}

/** Numbers beyond the tables share one slot, so that two different ones look alike. */
function sharedUnknowns(
  before: Baseline,
  after: Baseline,
  lineages: readonly Lineage[],
): readonly string[] {
  const last = SYSCALL_NR_LIMIT - 1
  return lineages.flatMap((lineage) =>
    after
      .syscalls(lineage)
      .filter(({ abi, nr }) => nr === last && before.hasSyscall(lineage, abi, nr))
      .map(({ abi }) => `both: ${lineage} made ${abi} calls above ${last - 1}, not told apart`),
  )
}

/**
 * Arguments that may have been used without being listed: those of the later side can hide something new; those of the earlier
 * side make something new of what is not, if it made the call at all.
 */
function unknownArguments(
  before: Baseline,
  after: Baseline,
  lineages: readonly Lineage[],
): readonly string[] {
  return lineages.flatMap((lineage) => {
    const isKnown = (side: Baseline, { abi, nr }: SyscallFacts): boolean =>
      side.argumentValues(lineage, abi, nr) !== undefined
    const lineOf = (side: string, { abi, nr }: SyscallFacts): string =>
      `${side}: ${lineage} made ${abi} ${syscallLabel(abi, nr)} with arguments that are not all known`
    const made = after
      .syscalls(lineage)
      .filter(({ abi, nr, count }) => argumentCallOf(abi, nr) !== undefined && count > 0)
    const both = made.filter(({ abi, nr }) => before.hasSyscall(lineage, abi, nr))
    return [
      ...both.filter((call) => !isKnown(before, call)).map((call) => lineOf('before', call)),
      ...made.filter((call) => !isKnown(after, call)).map((call) => lineOf('after', call)),
    ]
  })
}

/** In words; all other kinds are looked for in every run. */
const LATER_KINDS: Readonly<Partial<Record<ItemKind, string>>> = {
  capability: 'capabilities',
  io_uring: 'io_uring operations',
}

/** Kinds of which the other side knows something, and of which this side cannot say that it did not do the same. */
function kindsNotLookedFor(
  side: string,
  baseline: Baseline,
  other: Baseline,
  lineages: readonly Lineage[],
): readonly string[] {
  const { runs, folded } = baseline.snapshot()
  // That nothing was learned is said already.
  if (runs.length === 0 && folded === undefined) return []
  const looked = baseline.observableKinds()
  const isKnown = (kind: ItemKind): boolean =>
    other.observableKinds().includes(kind) ||
    lineages.some((lineage) => {
      const { capabilities, uringOps } = other.behaviour(lineage)
      return (kind === 'capability' ? capabilities : uringOps).length > 0
    })
  return ITEM_KINDS.flatMap((kind) => {
    const words = LATER_KINDS[kind]
    if (words === undefined || looked.includes(kind) || !isKnown(kind)) return []
    return [`${side}: ${words} were not looked for in every run, and are not compared`]
  })
}
