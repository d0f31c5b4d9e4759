/**
 * What the profile builder is told of a baseline: the calls, and what people decided about them. The builder works by name,
 * because a document does; a name is withheld if it is under any ABI.
 */
import type { Baseline } from '../baseline/baseline.js'
import type { NamedItem } from '../baseline/item-key.js'
import { itemOfKey } from '../baseline/item-key.js'
import { BASELINE_LINEAGES } from '../baseline/run-record.js'
import { type Standing, Standings } from '../baseline/standing.js'
import type { SyscallFacts } from '../baseline/syscall-item.js'
import { displayOf } from '../bytes.js'
import { argumentCallOf } from '../kernel/arguments.js'
import { syscallName } from '../kernel/syscalls.js'
import type { Abi, Lineage } from '../observation.js'
import type { ApprovedValue } from '../seccomp/approval.js'
import type { ProfileInput } from '../seccomp/build.js'
import type { ObservedCall } from '../seccomp/observed-call.js'

/** Why a name is kept out, for those standings that keep one out. The never-learn list is the builder's own business. */
const WITHHELD: Readonly<Partial<Record<Standing, string>>> = {
  rejected: 'a person rejected it',
  'candidate-after-seal': 'it is new since the baseline was sealed',
}

/** The part of the builder's input that a baseline decides. `lineages` are those that count as the application. */
export function profileCalls(
  baseline: Baseline,
  lineages: readonly Lineage[],
): Pick<ProfileInput, 'calls' | 'lineages' | 'approved' | 'approvedValues' | 'withheld'> {
  const standings = new Standings(baseline.decisions)
  const withheldOf = (item: NamedItem): string | undefined => WITHHELD[standings.of(item)]
  const calls = BASELINE_LINEAGES.flatMap((lineage) =>
    baseline
      .syscalls(lineage)
      .map((call) =>
        observedCall(baseline, lineage, call, (item) => withheldOf(item) !== undefined),
      ),
  )
  const withheld = new Map<string, string>()
  for (const { abi, nr, lineage } of calls) {
    const name = syscallName(abi, nr)
    const reason =
      withheldOf({ kind: 'syscall', abi, nr }) ??
      withheldValues(baseline, lineage, abi, nr, withheldOf)
    // The runtime's calls are its floor's business, on which nobody decides.
    if (name !== undefined && reason !== undefined && lineages.includes(lineage)) {
      withheld.set(name, reason)
    }
  }
  const made = calls.filter(({ lineage }) => lineages.includes(lineage))
  const names = new Set(made.map(({ abi, nr }) => syscallName(abi, nr)))
  const decided = decidedItems(baseline, ({ abi, nr }) => {
    // One whose name was seen is not said again: without values of its own it would hide those that were seen. But another
    // ABI must be said, or the profile would not cover it.
    const isSeen = made.some((call) => call.abi === abi && call.nr === nr)
    const hasValues = argumentCallOf(abi, nr) !== undefined
    return isSeen || (hasValues && names.has(syscallName(abi, nr)))
  })
  for (const name of decided.rejected) withheld.set(name, WITHHELD.rejected ?? '')
  return {
    calls: [...calls, ...decided.calls],
    lineages,
    withheld,
    approved: decided.approved,
    approvedValues: decided.values,
  }
}

/** The reason if every value of the call's argument is withheld: to the builder, no values would mean unknown ones. */
function withheldValues(
  baseline: Baseline,
  lineage: Lineage,
  abi: Abi,
  nr: number,
  withheldOf: (item: NamedItem) => string | undefined,
): string | undefined {
  const values = baseline.argumentValues(lineage, abi, nr) ?? []
  const reasons = values.map((value) => withheldOf({ kind: 'argument', abi, nr, value }))
  return reasons.every((reason) => reason !== undefined) ? reasons[0] : undefined
}

type Call = ReturnType<Baseline['syscalls']>[number]

function observedCall(
  baseline: Baseline,
  lineage: Lineage,
  { abi, nr, count, runs, programs }: Call,
  isWithheld: (item: NamedItem) => boolean,
): ObservedCall {
  const values = baseline
    .argumentValues(lineage, abi, nr)
    ?.filter((value) => !isWithheld({ kind: 'argument', abi, nr, value }))
  return {
    abi,
    nr,
    lineage,
    count,
    runs,
    programs: programs.map(displayOf),
    ...(values === undefined ? {} : { values }),
  }
}

interface Decided {
  readonly approved: readonly string[]
  readonly rejected: readonly string[]
  readonly values: readonly ApprovedValue[]
  /** Approved calls that were never made, refused ones among them, as calls of the application. */
  readonly calls: readonly ObservedCall[]
}

function decidedItems(baseline: Baseline, isSaid: (call: SyscallFacts) => boolean): Decided {
  const approved: string[] = []
  const rejected: string[] = []
  const values: ApprovedValue[] = []
  const calls: ObservedCall[] = []
  for (const { item: key, verdict } of baseline.decisions.verdicts) {
    const item = itemOfKey(key)
    if (item?.kind === 'argument' && verdict === 'approved') {
      const call = argumentCallOf(item.abi, item.nr)
      if (call !== undefined) values.push({ call, value: item.value })
    }
    if (item?.kind !== 'syscall') continue
    const { abi, nr } = item
    const name = syscallName(abi, nr)
    if (name === undefined) continue
    if (verdict === 'rejected') rejected.push(name)
    else {
      approved.push(name)
      if (!isSaid({ abi, nr })) {
        calls.push({ abi, nr, lineage: 'main', count: 0, runs: 0, programs: [] })
      }
    }
  }
  return { approved, rejected, values, calls }
}
