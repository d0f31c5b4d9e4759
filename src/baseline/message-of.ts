/** A snapshot as the message of `baseline.proto`, in canonical form. Numbers that have none are refused. */
import { bytesOf, type ByteString } from '../bytes.js'
import { failure } from '../errors.js'
import { plimsoll } from '../gen/plimsoll.js'
import { ABIS, type Incompleteness, REASONS } from '../observation.js'
import { BASELINE_LINEAGES, type BaselineSnapshot } from './baseline.js'
import type { BehaviourSnapshot } from './behaviour.js'
import type { Collapsed } from './collapsed.js'
import { type EndpointItem, PROTOCOLS, SOURCES } from './endpoint-set.js'
import type { Evidence } from './evidence.js'
import type { ExecItem } from './exec-set.js'
import { IMAGE_KINDS } from './image-identity.js'
import { compareText } from './limits.js'
import type { RunFacts } from './run.js'
import type { SyscallItem } from './syscall-set.js'

type Programs = ReadonlyMap<ByteString, number>

/** The message. Throws `INTERNAL` for a number that is not a whole one from 0 to 2^53 - 1; -0 is none. */
export function messageOf(snapshot: BaselineSnapshot): plimsoll.v1.Baseline.$Properties {
  const { image, revision, runs, foldedRuns, behaviours } = snapshot
  const paths = programsOf(Object.values(behaviours))
  const programs = new Map(paths.map((path, index) => [path, index]))
  return {
    image: {
      kind: IMAGE_KINDS.indexOf(image.kind) + 1,
      digest: image.digest,
      name: image.name,
      entrypoint: image.entrypoint.map(bytesOf),
    },
    revision: whole(revision),
    runs: runs.map(runMessage),
    ...(foldedRuns && {
      foldedRuns: {
        runs: whole(foldedRuns.runs),
        firstStartedMs: whole(foldedRuns.firstStartedMs),
        lastEndedMs: whole(foldedRuns.lastEndedMs),
        incompleteness: foldedRuns.incompleteness.map(incompletenessMessage),
      },
    }),
    programs: paths.map(bytesOf),
    behaviours: BASELINE_LINEAGES.filter((lineage) => hasContent(behaviours[lineage])).map(
      (lineage) => ({
        lineage: BASELINE_LINEAGES.indexOf(lineage) + 1,
        ...behaviourMessage(behaviours[lineage], programs),
      }),
    ),
  }
}

/** Every program that evidence names, once, in byte order. */
function programsOf(behaviours: readonly BehaviourSnapshot[]): ByteString[] {
  const paths = new Set<ByteString>()
  for (const { syscalls, execs, connections, listeners } of behaviours) {
    for (const items of [syscalls, execs, connections, listeners]) {
      for (const item of items) for (const path of item.programs) paths.add(path)
    }
  }
  return [...paths].sort(compareText)
}

function runMessage(run: RunFacts): plimsoll.v1.BaselineRun.$Properties {
  return {
    runId: run.runId,
    startedMs: whole(run.startedMs),
    endedMs: whole(run.endedMs),
    runtime: run.runtime,
    containerId: run.containerId,
    containerName: run.containerName,
    attachedMs: whole(run.attachedMs),
    incompleteness: run.incompleteness.map(incompletenessMessage),
    kernel: run.kernel,
    bpftrace: run.bpftrace,
    plimsoll: run.plimsoll,
    runtimeVersion: run.runtimeVersion,
  }
}

function incompletenessMessage(missed: Incompleteness): plimsoll.v1.Incompleteness.$Properties {
  return {
    reason: REASONS.indexOf(missed.reason) + 1,
    count: whole(missed.count),
    ...(missed.fromMs !== undefined && { fromMs: whole(missed.fromMs) }),
    ...(missed.toMs !== undefined && { toMs: whole(missed.toMs) }),
    detail: missed.detail ?? '',
  }
}

/** A set with a marker is full, so the items say it all. */
function hasContent({ syscalls, execs, connections, listeners }: BehaviourSnapshot): boolean {
  return syscalls.length + execs.length + connections.length + listeners.length > 0
}

function behaviourMessage(
  behaviour: BehaviourSnapshot,
  programs: Programs,
): plimsoll.v1.Behaviour.$Properties {
  const { execsCollapsed, connectionsCollapsed, listenersCollapsed } = behaviour
  return {
    syscalls: behaviour.syscalls.map((item) => syscallMessage(item, programs)),
    execs: behaviour.execs.map((item) => execMessage(item, programs)),
    connections: behaviour.connections.map((item) => endpointMessage(item, programs)),
    listeners: behaviour.listeners.map((item) => endpointMessage(item, programs)),
    ...(execsCollapsed && { execsCollapsed: collapsedMessage(execsCollapsed) }),
    ...(connectionsCollapsed && { connectionsCollapsed: collapsedMessage(connectionsCollapsed) }),
    ...(listenersCollapsed && { listenersCollapsed: collapsedMessage(listenersCollapsed) }),
  }
}

function syscallMessage(
  item: SyscallItem,
  programs: Programs,
): plimsoll.v1.SyscallItem.$Properties {
  return {
    abi: ABIS.indexOf(item.abi) + 1,
    nr: whole(item.nr),
    evidence: evidenceMessage(item, programs),
  }
}

function execMessage(item: ExecItem, programs: Programs): plimsoll.v1.ExecItem.$Properties {
  return {
    path: bytesOf(item.path),
    exe: bytesOf(item.exe),
    evidence: evidenceMessage(item, programs),
    fsMagic: whole(item.fsMagic),
    otherFs: item.otherFs,
    upper: item.upper,
    fileless: item.fileless,
    truncated: item.truncated,
  }
}

function endpointMessage(
  item: EndpointItem,
  programs: Programs,
): plimsoll.v1.EndpointItem.$Properties {
  return {
    protocol: PROTOCOLS.indexOf(item.protocol) + 1,
    address: bytesOf(item.address),
    port: whole(item.port),
    source: SOURCES.indexOf(item.source) + 1,
    evidence: evidenceMessage(item, programs),
    truncated: item.truncated,
  }
}

function evidenceMessage(evidence: Evidence, programs: Programs): plimsoll.v1.Evidence.$Properties {
  return {
    firstMs: whole(evidence.firstMs),
    lastMs: whole(evidence.lastMs),
    count: whole(evidence.count),
    runs: whole(evidence.runs),
    // Both lists are in byte order, so the indices ascend.
    programs: evidence.programs.map((path) => programs.get(path) ?? Number.NaN).map(whole),
    morePrograms: evidence.morePrograms,
  }
}

function collapsedMessage(collapsed: Collapsed): plimsoll.v1.Collapsed.$Properties {
  return {
    count: whole(collapsed.count),
    firstMs: whole(collapsed.firstMs),
    lastMs: whole(collapsed.lastMs),
  }
}

function whole(value: number): number {
  if (Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0)) return value
  const shown = Object.is(value, -0) ? '-0' : String(value)
  throw failure('INTERNAL', { problem: `${shown} cannot be stored in a baseline` })
}
