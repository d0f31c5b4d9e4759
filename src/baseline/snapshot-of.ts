/**
 * A message of `baseline.proto` as a snapshot, after every value was checked: the bytes may come from anyone. Numbers of
 * items and lengths of text were checked before, by `wire-limits`.
 */
import { byteStringOf, type ByteString } from '../bytes.js'
import type { plimsoll } from '../gen/plimsoll.js'
import {
  ABIS,
  type Incompleteness,
  type Lineage,
  REASONS,
  SYSCALL_NR_LIMIT,
} from '../observation.js'
import { BASELINE_LINEAGES, type BaselineSnapshot } from './baseline.js'
import type { BehaviourSnapshot } from './behaviour.js'
import type { Collapsed } from './collapsed.js'
import { compareEndpoints, type EndpointItem, PROTOCOLS, SOURCES } from './endpoint-set.js'
import type { Evidence } from './evidence.js'
import { compareExecs, type ExecItem } from './exec-set.js'
import { IMAGE_KINDS, type ImageIdentity, isDigest } from './image-identity.js'
import { compareIncompleteness } from './incompleteness-tally.js'
import { compareText, PORT_LIMIT } from './limits.js'
import { compareRuns, type FoldedRuns } from './run-history.js'
import type { RunFacts } from './run.js'
import type { SyscallItem } from './syscall-set.js'
import { ascending, element, flag, Malformed, milliseconds, numberUpTo, safe } from './checked.js'

type Programs = readonly ByteString[]

/** The snapshot. Throws `Malformed` with what is wrong. */
export function snapshotOf(message: plimsoll.v1.Baseline.$Properties): BaselineSnapshot {
  const programs = (message.programs ?? []).map(byteStringOf)
  ascending('programs', programs, compareText)
  const behaviours = message.behaviours ?? []
  const lineages = behaviours.map((each) => element('lineage', BASELINE_LINEAGES, each.lineage))
  ascending('behaviours', lineages, (a, b) => codeOf(a) - codeOf(b))
  const behaviourOf = (lineage: Lineage): BehaviourSnapshot =>
    behaviourSnapshot(behaviours[lineages.indexOf(lineage)] ?? {}, programs)
  return {
    image: imageOf(message.image ?? {}),
    revision: safe('revision', message.revision),
    runs: runsOf(message.runs ?? []),
    foldedRuns: message.foldedRuns ? foldedOf(message.foldedRuns) : undefined,
    behaviours: {
      runtime: behaviourOf('runtime'),
      main: behaviourOf('main'),
      exec: behaviourOf('exec'),
      probe: behaviourOf('probe'),
    },
  }
}

function codeOf(lineage: Lineage): number {
  return BASELINE_LINEAGES.indexOf(lineage)
}

function imageOf(message: plimsoll.v1.ImageIdentity.$Properties): ImageIdentity {
  const digest = message.digest ?? ''
  if (!isDigest(digest))
    throw new Malformed('image digest is not sha256: and 64 hexadecimal digits')
  return {
    kind: element('image kind', IMAGE_KINDS, message.kind),
    digest,
    name: message.name ?? '',
    entrypoint: (message.entrypoint ?? []).map(byteStringOf),
  }
}

function runsOf(messages: readonly plimsoll.v1.BaselineRun.$Properties[]): RunFacts[] {
  const runs = messages.map((message) => ({
    runId: message.runId ?? '',
    startedMs: milliseconds('started_ms', message.startedMs),
    endedMs: milliseconds('ended_ms', message.endedMs),
    runtime: message.runtime ?? '',
    containerId: message.containerId ?? '',
    containerName: message.containerName ?? '',
    attachedMs: milliseconds('attached_ms', message.attachedMs),
    incompleteness: incompletenessOf(message.incompleteness ?? []),
    kernel: message.kernel ?? '',
    bpftrace: message.bpftrace ?? '',
    plimsoll: message.plimsoll ?? '',
    runtimeVersion: message.runtimeVersion ?? '',
  }))
  ascending('runs', runs, compareRuns)
  if (new Set(runs.map((run) => run.runId)).size < runs.length) {
    throw new Malformed('two runs have the same id')
  }
  return runs
}

function foldedOf(message: plimsoll.v1.FoldedRuns.$Properties): FoldedRuns {
  return {
    runs: safe('folded runs', message.runs),
    firstStartedMs: milliseconds('first_started_ms', message.firstStartedMs),
    lastEndedMs: milliseconds('last_ended_ms', message.lastEndedMs),
    incompleteness: incompletenessOf(message.incompleteness ?? []),
  }
}

function incompletenessOf(
  messages: readonly plimsoll.v1.Incompleteness.$Properties[],
): Incompleteness[] {
  const entries = messages.map((message): Incompleteness => ({
    reason: element('reason', REASONS, message.reason),
    count: safe('count', message.count),
    ...(message.fromMs != null && { fromMs: milliseconds('from_ms', message.fromMs) }),
    ...(message.toMs != null && { toMs: milliseconds('to_ms', message.toMs) }),
    ...(message.detail && { detail: message.detail }),
  }))
  ascending('incompleteness', entries, compareIncompleteness)
  return entries
}

function behaviourSnapshot(
  message: plimsoll.v1.Behaviour.$Properties,
  programs: Programs,
): BehaviourSnapshot {
  const syscalls = (message.syscalls ?? []).map((item) => syscallOf(item, programs))
  ascending('syscalls', syscalls, compareSyscalls)
  const execs = (message.execs ?? []).map((item) => execOf(item, programs))
  ascending('execs', execs, compareExecs)
  const connections = (message.connections ?? []).map((item) => endpointOf(item, programs))
  ascending('connections', connections, compareEndpoints)
  const listeners = (message.listeners ?? []).map((item) => endpointOf(item, programs))
  ascending('listeners', listeners, compareEndpoints)
  return {
    syscalls,
    execs,
    connections,
    listeners,
    execsCollapsed: collapsedOf(message.execsCollapsed),
    connectionsCollapsed: collapsedOf(message.connectionsCollapsed),
    listenersCollapsed: collapsedOf(message.listenersCollapsed),
  }
}

function compareSyscalls(a: SyscallItem, b: SyscallItem): number {
  return ABIS.indexOf(a.abi) - ABIS.indexOf(b.abi) || a.nr - b.nr
}

function syscallOf(item: plimsoll.v1.SyscallItem.$Properties, programs: Programs): SyscallItem {
  return {
    abi: element('abi', ABIS, item.abi),
    nr: numberUpTo('nr', SYSCALL_NR_LIMIT - 1, item.nr),
    ...evidenceOf(item.evidence ?? {}, programs),
  }
}

function execOf(item: plimsoll.v1.ExecItem.$Properties, programs: Programs): ExecItem {
  return {
    path: byteStringOf(item.path ?? new Uint8Array()),
    exe: byteStringOf(item.exe ?? new Uint8Array()),
    fsMagic: numberUpTo('fs_magic', 0xffff_ffff, item.fsMagic),
    otherFs: flag(item.otherFs),
    upper: flag(item.upper),
    fileless: flag(item.fileless),
    truncated: flag(item.truncated),
    ...evidenceOf(item.evidence ?? {}, programs),
  }
}

function endpointOf(item: plimsoll.v1.EndpointItem.$Properties, programs: Programs): EndpointItem {
  return {
    protocol: element('protocol', PROTOCOLS, item.protocol),
    address: byteStringOf(item.address ?? new Uint8Array()),
    port: numberUpTo('port', PORT_LIMIT, item.port),
    source: element('source', SOURCES, item.source),
    truncated: flag(item.truncated),
    ...evidenceOf(item.evidence ?? {}, programs),
  }
}

function evidenceOf(message: plimsoll.v1.Evidence.$Properties, programs: Programs): Evidence {
  const firstMs = milliseconds('first_ms', message.firstMs)
  const lastMs = milliseconds('last_ms', message.lastMs)
  const indices = message.programs ?? []
  ascending('programs of an item', indices, (a, b) => a - b)
  const runs = numberUpTo('runs', 0xffff_ffff, message.runs)
  if (firstMs > lastMs) throw new Malformed('an item was last seen before it was first seen')
  if (runs === 0) throw new Malformed('an item was seen in no run')
  return {
    firstMs,
    lastMs,
    count: safe('count', message.count),
    runs,
    programs: indices.map((index) => {
      const path = programs[index]
      if (path === undefined) throw new Malformed(`there is no program ${index}`)
      return path
    }),
    morePrograms: flag(message.morePrograms),
  }
}

function collapsedOf(
  message: plimsoll.v1.Collapsed.$Properties | null | undefined,
): Collapsed | undefined {
  if (!message) return undefined
  const firstMs = milliseconds('first_ms', message.firstMs)
  const lastMs = milliseconds('last_ms', message.lastMs)
  if (firstMs > lastMs) throw new Malformed('a marker ends before it begins')
  return { count: safe('count', message.count), firstMs, lastMs }
}
