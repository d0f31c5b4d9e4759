/**
 * The items of a diff: what one baseline has in a lineage and another has not there, with the evidence of the one that
 * has it.
 */
import { argumentDanger } from '../kernel/argument-danger.js'
import { type ArgumentCall, argumentCallOf } from '../kernel/arguments.js'
import { capabilityDanger } from '../kernel/capability-danger.js'
import { dangerOf, type Danger } from '../kernel/syscall-danger.js'
import { syscallName } from '../kernel/syscalls.js'
import type { Abi, Lineage } from '../observation.js'
import { type ArgumentFacts, compareArguments } from './argument-item.js'
import type { Baseline } from './baseline.js'
import { type CapabilityFacts, compareCapabilities } from './capability-item.js'
import { compareEndpoints, type EndpointFacts, type EndpointItem } from './endpoint-item.js'
import type { Evidence } from './evidence.js'
import { compareExecs, type ExecFacts } from './exec-item.js'
import { compareUringOps, type UringFacts } from './uring-item.js'

interface Located extends Evidence {
  readonly lineage: Lineage
}

export interface DiffSyscall extends Located {
  readonly kind: 'syscall'
  readonly abi: Abi
  readonly nr: number
  /** Undefined where the tables have no such call. */
  readonly name: string | undefined
  readonly danger: Danger
}

export interface DiffArgument extends Located, ArgumentFacts {
  readonly kind: 'argument'
  readonly call: ArgumentCall
  readonly danger: Danger
}

/** `upper` and `fileless` say what the other baseline does not: both false only if it lacks the program altogether. */
export interface DiffExec extends Located, Pick<ExecFacts, 'path' | 'exe' | 'upper' | 'fileless'> {
  readonly kind: 'exec'
}

export interface DiffEndpoint extends Located, Omit<EndpointFacts, 'truncated'> {
  readonly kind: 'connection' | 'listener'
}

export interface DiffCapability extends Located, CapabilityFacts {
  readonly kind: 'capability'
  readonly danger: Danger
}

export interface DiffUringOp extends Located, UringFacts {
  readonly kind: 'io_uring'
}

export type DiffItem =
  DiffSyscall | DiffArgument | DiffExec | DiffEndpoint | DiffCapability | DiffUringOp

/**
 * What `after` has in the lineage and `before` has not: calls, arguments, executions, connections, listeners, and capabilities
 * and io_uring operations if `before` looked for them in every run: else nobody knows whether it did the same. O(items).
 */
export function gainedBy(before: Baseline, after: Baseline, lineage: Lineage): readonly DiffItem[] {
  return [
    ...gainedSyscalls(before, after, lineage),
    ...gainedArguments(before, after, lineage),
    ...gainedExecs(before, after, lineage),
    ...gainedEndpoints('connection', before.connections(lineage), after.connections(lineage)).map(
      (item) => ({ ...item, lineage }),
    ),
    ...gainedEndpoints('listener', before.listeners(lineage), after.listeners(lineage)).map(
      (item) => ({ ...item, lineage }),
    ),
    ...gainedCapabilities(before, after, lineage),
    ...gainedUringOps(before, after, lineage),
  ]
}

function gainedSyscalls(before: Baseline, after: Baseline, lineage: Lineage): DiffSyscall[] {
  return after
    .syscalls(lineage)
    .filter(({ abi, nr }) => !before.hasSyscall(lineage, abi, nr))
    .map((item) => {
      const name = syscallName(item.abi, item.nr)
      return { kind: 'syscall', lineage, ...item, name, danger: dangerOf(name) }
    })
}

function gainedArguments(before: Baseline, after: Baseline, lineage: Lineage): DiffArgument[] {
  return counterparts(after.arguments(lineage), before.arguments(lineage), compareArguments)
    .filter(([, known]) => known === undefined)
    .flatMap(([item]) => {
      const { abi, nr, value } = item
      const call = argumentCallOf(abi, nr)
      if (call === undefined) return []
      const danger = argumentDanger(call, value)
      return { kind: 'argument', lineage, abi, nr, value, call, danger, ...evidenceOf(item) }
    })
}

/** A known program that was for the first time written later, or without a file, is something new too. */
function gainedExecs(before: Baseline, after: Baseline, lineage: Lineage): DiffExec[] {
  return counterparts(after.execs(lineage), before.execs(lineage), compareExecs)
    .map(([item, known]) => {
      const upper = item.upper && known?.upper !== true
      const fileless = item.fileless && known?.fileless !== true
      return { isGain: known === undefined || upper || fileless, item, upper, fileless }
    })
    .filter(({ isGain }) => isGain)
    .map(({ item, upper, fileless }) => ({
      kind: 'exec',
      lineage,
      path: item.path,
      exe: item.exe,
      upper,
      fileless,
      ...evidenceOf(item),
    }))
}

function gainedEndpoints(
  kind: DiffEndpoint['kind'],
  before: readonly EndpointItem[],
  after: readonly EndpointItem[],
): Omit<DiffEndpoint, 'lineage'>[] {
  return counterparts(after, before, compareEndpoints)
    .filter(([, known]) => known === undefined)
    .map(([{ protocol, address, port, source, ...item }]) => ({
      kind,
      protocol,
      address,
      port,
      source,
      ...evidenceOf(item),
    }))
}

function gainedCapabilities(before: Baseline, after: Baseline, lineage: Lineage): DiffCapability[] {
  if (!before.observableKinds().includes('capability')) return []
  const [items, known] = [after.capabilities(lineage), before.capabilities(lineage)]
  return counterparts(items, known, compareCapabilities)
    .filter(([, other]) => other === undefined)
    .map(([{ capability, ...item }]) => {
      const danger = capabilityDanger(capability)
      return { kind: 'capability', lineage, capability, danger, ...evidenceOf(item) }
    })
}

function gainedUringOps(before: Baseline, after: Baseline, lineage: Lineage): DiffUringOp[] {
  if (!before.observableKinds().includes('io_uring')) return []
  return counterparts(after.uringOps(lineage), before.uringOps(lineage), compareUringOps)
    .filter(([, other]) => other === undefined)
    .map(([{ opcode, ...item }]) => ({ kind: 'io_uring', lineage, opcode, ...evidenceOf(item) }))
}

function evidenceOf(item: Evidence): Evidence {
  const { firstMs, lastMs, count, runs, windows, programs, morePrograms } = item
  return { firstMs, lastMs, count, runs, windows, programs, morePrograms }
}

/** Each item with the one of `others` that compares equal. Both lists are in the order of `compare`. O(both). */
function counterparts<Item>(
  items: readonly Item[],
  others: readonly Item[],
  compare: (a: Item, b: Item) => number,
): (readonly [Item, Item | undefined])[] {
  let at = 0
  return items.map((item) => {
    while (at < others.length && compare(others[at]!, item) < 0) at++
    const other = others[at]
    return [item, other !== undefined && compare(other, item) === 0 ? other : undefined]
  })
}
