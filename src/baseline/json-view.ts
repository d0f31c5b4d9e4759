/**
 * A baseline for people, diffs and pull requests: plain values in a fixed order, system calls with names, times also in
 * ISO 8601, and every text from outside escaped, so that the view is safe to print. A view, not a format to read back.
 */
import { byteStringOfText, displayOf } from '../bytes.js'
import type { Abi, Incompleteness, Lineage, Reason } from '../observation.js'
import type { Baseline } from './baseline.js'
import type { BehaviourSnapshot } from './behaviour.js'
import type { Collapsed } from './collapsed.js'
import type { EndpointFacts, EndpointItem } from './endpoint-set.js'
import type { Evidence } from './evidence.js'
import type { ExecFacts, ExecItem } from './exec-set.js'
import type { ImageKind } from './image-identity.js'
import type { RunFacts } from './run.js'
import type { FoldedRuns } from './run-history.js'

/** The name of a system call, or an explicit unknown. */
export type SyscallNamer = (abi: Abi, nr: number) => string

export interface BaselineView {
  readonly image: {
    readonly kind: ImageKind
    readonly digest: string
    readonly name: string
    readonly entrypoint: readonly string[]
  }
  readonly revision: number
  readonly completeness: {
    readonly state: 'full' | 'partial'
    readonly reasons: readonly IncompletenessView[]
  }
  /** Runs there were; `runs` may list fewer. */
  readonly runCount: number
  readonly runs: readonly RunView[]
  readonly foldedRuns: FoldedRunsView | null
  readonly lineages: Readonly<Record<Lineage, BehaviourView>>
}

export interface IncompletenessView {
  readonly reason: Reason
  readonly count: number
  readonly fromMs: number | null
  readonly from: string | null
  readonly toMs: number | null
  readonly to: string | null
  readonly detail: string | null
}

/** `ended` is null as long as the end was not seen. */
export interface RunView extends Omit<RunFacts, 'incompleteness'> {
  readonly started: string
  readonly ended: string | null
  readonly attached: string
  readonly incompleteness: readonly IncompletenessView[]
}

export interface FoldedRunsView extends Omit<FoldedRuns, 'incompleteness'> {
  readonly firstStarted: string
  readonly lastEnded: string | null
  readonly incompleteness: readonly IncompletenessView[]
}

export interface EvidenceView extends Omit<Evidence, 'programs'> {
  readonly first: string
  readonly last: string
  readonly programs: readonly string[]
}

export interface SyscallView extends EvidenceView {
  readonly abi: Abi
  readonly nr: number
  readonly name: string
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

export interface CollapsedView extends Collapsed {
  readonly first: string
  readonly last: string
}

/** A `...Collapsed` that is not null says that its set is full and what it left out. */
export interface BehaviourView {
  readonly syscalls: readonly SyscallView[]
  readonly execs: readonly ExecView[]
  readonly connections: readonly EndpointView[]
  readonly listeners: readonly EndpointView[]
  readonly execsCollapsed: CollapsedView | null
  readonly connectionsCollapsed: CollapsedView | null
  readonly listenersCollapsed: CollapsedView | null
}

/** The view. Equal baselines give equal views. */
export function jsonView(baseline: Baseline, nameOf: SyscallNamer): BaselineView {
  const { image, revision, runs, foldedRuns, behaviours } = baseline.snapshot()
  const { state, reasons } = baseline.completeness()
  return {
    image: {
      kind: image.kind,
      digest: image.digest,
      name: shown(image.name),
      entrypoint: image.entrypoint.map(displayOf),
    },
    revision,
    completeness: { state, reasons: reasons.map(incompletenessView) },
    runCount: baseline.runCount,
    runs: runs.map(runView),
    foldedRuns: foldedRuns === undefined ? null : foldedRunsView(foldedRuns),
    lineages: {
      runtime: behaviourView(behaviours.runtime, nameOf),
      main: behaviourView(behaviours.main, nameOf),
      exec: behaviourView(behaviours.exec, nameOf),
      probe: behaviourView(behaviours.probe, nameOf),
    },
  }
}

function incompletenessView(missed: Incompleteness): IncompletenessView {
  const { fromMs = null, toMs = null } = missed
  return {
    reason: missed.reason,
    count: missed.count,
    fromMs,
    from: fromMs === null ? null : isoOf(fromMs),
    toMs,
    to: toMs === null ? null : isoOf(toMs),
    detail: missed.detail === undefined ? null : shown(missed.detail),
  }
}

function runView(run: RunFacts): RunView {
  return {
    runId: shown(run.runId),
    startedMs: run.startedMs,
    started: isoOf(run.startedMs),
    endedMs: run.endedMs,
    ended: run.endedMs === 0 ? null : isoOf(run.endedMs),
    attachedMs: run.attachedMs,
    attached: isoOf(run.attachedMs),
    runtime: shown(run.runtime),
    runtimeVersion: shown(run.runtimeVersion),
    containerId: shown(run.containerId),
    containerName: shown(run.containerName),
    kernel: shown(run.kernel),
    bpftrace: shown(run.bpftrace),
    plimsoll: shown(run.plimsoll),
    incompleteness: run.incompleteness.map(incompletenessView),
  }
}

function foldedRunsView(folded: FoldedRuns): FoldedRunsView {
  return {
    runs: folded.runs,
    firstStartedMs: folded.firstStartedMs,
    firstStarted: isoOf(folded.firstStartedMs),
    lastEndedMs: folded.lastEndedMs,
    lastEnded: folded.lastEndedMs === 0 ? null : isoOf(folded.lastEndedMs),
    incompleteness: folded.incompleteness.map(incompletenessView),
  }
}

function behaviourView(behaviour: BehaviourSnapshot, nameOf: SyscallNamer): BehaviourView {
  return {
    syscalls: behaviour.syscalls.map((item) => ({
      abi: item.abi,
      nr: item.nr,
      name: nameOf(item.abi, item.nr),
      ...evidenceView(item),
    })),
    execs: behaviour.execs.map(execView),
    connections: behaviour.connections.map(endpointView),
    listeners: behaviour.listeners.map(endpointView),
    execsCollapsed: collapsedView(behaviour.execsCollapsed),
    connectionsCollapsed: collapsedView(behaviour.connectionsCollapsed),
    listenersCollapsed: collapsedView(behaviour.listenersCollapsed),
  }
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
  return {
    count: evidence.count,
    runs: evidence.runs,
    firstMs: evidence.firstMs,
    first: isoOf(evidence.firstMs),
    lastMs: evidence.lastMs,
    last: isoOf(evidence.lastMs),
    programs: evidence.programs.map(displayOf),
    morePrograms: evidence.morePrograms,
  }
}

function collapsedView(collapsed: Collapsed | undefined): CollapsedView | null {
  if (collapsed === undefined) return null
  const { count, firstMs, lastMs } = collapsed
  return { count, firstMs, first: isoOf(firstMs), lastMs, last: isoOf(lastMs) }
}

/** Names and ids from runtimes are text, but no safer to print. */
function shown(text: string): string {
  return displayOf(byteStringOfText(text))
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString()
}
