/** What a lineage did in all runs together, as the JSON view shows it. Pure. */
import { displayOf } from '../bytes.js'
import { argumentCallOf, argumentLabel } from '../kernel/arguments.js'
import { capabilityLabel } from '../kernel/capabilities.js'
import { uringOpLabel } from '../kernel/io-uring.js'
import type { Abi, Lineage } from '../observation.js'
import type { ArgumentFacts } from './argument-item.js'
import type { Baseline } from './baseline.js'
import type { CapabilityFacts } from './capability-item.js'
import type { Collapsed } from './collapsed.js'
import type { EndpointFacts, EndpointItem } from './endpoint-item.js'
import type { Evidence } from './evidence.js'
import type { ExecFacts, ExecItem } from './exec-item.js'
import type { SyscallFacts, SyscallItem } from './syscall-item.js'
import type { UringFacts } from './uring-item.js'
import { isoOf } from './view-text.js'

/** The name of a system call, or an explicit unknown. */
export type SyscallNamer = (abi: Abi, nr: number) => string

/** How often and when. */
export interface FiguresView extends Omit<Evidence, 'programs' | 'morePrograms'> {
  readonly first: string
  readonly last: string
}

export interface EvidenceView extends FiguresView {
  readonly programs: readonly string[]
  readonly morePrograms: boolean
}

export interface SyscallView extends SyscallFacts, EvidenceView {
  readonly name: string
}

/** Which program used it is not known. */
export interface ArgumentView extends ArgumentFacts, FiguresView {
  /** Of the call. */
  readonly name: string
  /** The value in words. */
  readonly label: string
  /** Whether all values of the call are known. */
  readonly isComplete: boolean
}

export interface ExecView extends EvidenceView, Omit<ExecFacts, 'path' | 'exe' | 'fsMagic'> {
  readonly path: string
  readonly exe: string
  /** Hexadecimal, as in `statfs(2)`. */
  readonly fsMagic: string
}

export interface EndpointView extends EvidenceView, Omit<EndpointFacts, 'address'> {
  readonly address: string
}

export interface CapabilityView extends CapabilityFacts, EvidenceView {
  readonly name: string
}

export interface UringOpView extends UringFacts, EvidenceView {
  readonly name: string
}

export interface CollapsedView extends Collapsed {
  readonly first: string
  readonly last: string
}

/** A call of which not every argument is known. */
export interface CollapsedArgumentsView extends SyscallFacts, CollapsedView {
  readonly name: string
}

/** A `...Collapsed` that is not null says that its set is full and what it left out. */
export interface BehaviourView {
  readonly syscalls: readonly SyscallView[]
  readonly arguments: readonly ArgumentView[]
  readonly execs: readonly ExecView[]
  readonly connections: readonly EndpointView[]
  readonly listeners: readonly EndpointView[]
  readonly capabilities: readonly CapabilityView[]
  readonly uringOps: readonly UringOpView[]
  /** Calls that a filter refused; the figures are those of refusals. */
  readonly denied: readonly SyscallView[]
  readonly argumentsCollapsed: readonly CollapsedArgumentsView[]
  readonly execsCollapsed: CollapsedView | null
  readonly connectionsCollapsed: CollapsedView | null
  readonly listenersCollapsed: CollapsedView | null
}

export function behaviourView(
  baseline: Baseline,
  lineage: Lineage,
  nameOf: SyscallNamer,
): BehaviourView {
  const behaviour = baseline.behaviour(lineage)
  const { execsCollapsed, connectionsCollapsed, listenersCollapsed } = behaviour
  const callView = (item: SyscallItem): SyscallView => {
    const { abi, nr } = item
    return { abi, nr, name: nameOf(abi, nr), ...evidenceView(item) }
  }
  return {
    syscalls: behaviour.syscalls.map(callView),
    arguments: behaviour.arguments.map((item) => {
      const { abi, nr, value } = item
      const isComplete = baseline.argumentValues(lineage, abi, nr) !== undefined
      const named = { abi, nr, name: nameOf(abi, nr), value, label: labelOf(item), isComplete }
      return { ...named, ...figuresOf(item) }
    }),
    execs: behaviour.execs.map(execView),
    connections: behaviour.connections.map(endpointView),
    listeners: behaviour.listeners.map(endpointView),
    capabilities: behaviour.capabilities.map((item) => {
      const { capability } = item
      return { capability, name: capabilityLabel(capability), ...evidenceView(item) }
    }),
    uringOps: behaviour.uringOps.map((item) => {
      const { opcode } = item
      return { opcode, name: uringOpLabel(opcode), ...evidenceView(item) }
    }),
    denied: behaviour.denied.map(callView),
    argumentsCollapsed: behaviour.argumentsCollapsed.map((marker) => ({
      abi: marker.abi,
      nr: marker.nr,
      name: nameOf(marker.abi, marker.nr),
      ...collapsedView(marker),
    })),
    execsCollapsed: collapsedOrNull(execsCollapsed),
    connectionsCollapsed: collapsedOrNull(connectionsCollapsed),
    listenersCollapsed: collapsedOrNull(listenersCollapsed),
  }
}

/** The value of a call's argument in words. */
export function labelOf({ abi, nr, value }: ArgumentFacts): string {
  const call = argumentCallOf(abi, nr)
  return call === undefined ? String(value) : argumentLabel(call, value)
}

function execView(item: ExecItem): ExecView {
  return {
    path: displayOf(item.path),
    exe: displayOf(item.exe),
    fsMagic: `0x${item.fsMagic.toString(16)}`,
    otherFs: item.otherFs,
    upper: item.upper,
    fileless: item.fileless,
    truncated: item.truncated,
    ...evidenceView(item),
  }
}

function endpointView(item: EndpointItem): EndpointView {
  return {
    protocol: item.protocol,
    address: displayOf(item.address),
    port: item.port,
    source: item.source,
    truncated: item.truncated,
    ...evidenceView(item),
  }
}

function evidenceView(evidence: Evidence): EvidenceView {
  const { programs, morePrograms } = evidence
  return { ...figuresOf(evidence), programs: programs.map(displayOf), morePrograms }
}

function figuresOf({ count, runs, windows, firstMs, lastMs }: Evidence): FiguresView {
  return { count, runs, windows, firstMs, first: isoOf(firstMs), lastMs, last: isoOf(lastMs) }
}

function collapsedView({ count, firstMs, lastMs }: Collapsed): CollapsedView {
  return { count, firstMs, first: isoOf(firstMs), lastMs, last: isoOf(lastMs) }
}

function collapsedOrNull(collapsed: Collapsed | undefined): CollapsedView | null {
  return collapsed === undefined ? null : collapsedView(collapsed)
}
