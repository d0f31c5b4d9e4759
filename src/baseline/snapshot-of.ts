/**
 * A message of `baseline.proto` as a snapshot, after every value was checked: the bytes may come from anyone. Numbers of
 * items and lengths of text were checked before, by `wire-limits`.
 */
import { byteStringOf, type ByteString } from '../bytes.js'
import type { plimsoll } from '../gen/plimsoll.js'
import { type Incompleteness, REASONS } from '../observation.js'
import type { BaselineSnapshot } from './baseline.js'
import { behavioursOf, type DecodedLists, programSetsOf } from './behaviour-of.js'
import { ascending, element, Malformed, milliseconds, safe } from './checked.js'
import type { FoldedRuns } from './folded-runs.js'
import { HISTORY_LIMITS, isWithin } from './history.js'
import { IMAGE_KINDS, type ImageIdentity, isDigest } from './image-identity.js'
import { compareIncompleteness } from './incompleteness-tally.js'
import { compareItemKeys, ITEM_KINDS, type ItemKey, type ItemKind, itemOfKey } from './item-key.js'
import { compareText } from './limits.js'
import { listsOf } from './lists-of.js'
import { NO_RESOURCES, type ResourcePeaks } from './resources.js'
import { compareRuns } from './run.js'
import { recordOf, type RunRecord } from './run-record.js'
import {
  boundsProblem,
  type DecisionsSnapshot,
  NO_DECISIONS,
  type Seal,
  type Verdict,
  VERDICTS,
} from './verdicts.js'

/** The snapshot. Throws `Malformed` with what is wrong. */
export function snapshotOf(message: plimsoll.v1.Baseline.$Properties): BaselineSnapshot {
  const programs = (message.programs ?? []).map(byteStringOf)
  ascending('programs', programs, compareText)
  const decoded = {
    lists: listsOf(message.items ?? []),
    programSets: programSetsOf(message.programSets ?? [], programs),
  }
  const runs = (message.runs ?? []).map((run) => runOf(run, decoded))
  const folded = message.folded ? foldedOf(message.folded, decoded) : undefined
  ascending('runs', [...(folded === undefined ? [] : [folded.upTo]), ...runs], compareRuns)
  if (!isWithin(runs, HISTORY_LIMITS)) throw new Malformed('the runs are too many or too large')
  return {
    image: imageOf(message.image ?? {}),
    revision: safe('revision', message.revision),
    programs,
    runs,
    folded,
    decisions: message.decisions ? decisionsOf(message.decisions) : NO_DECISIONS,
  }
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

function runOf(message: plimsoll.v1.BaselineRun.$Properties, lists: DecodedLists): RunRecord {
  const windowMs = milliseconds('window_ms', message.windowMs)
  if (windowMs === 0) throw new Malformed('the time windows of a run have no length')
  const facts = {
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
    kinds: kindsOf(message.kinds ?? []),
  }
  const behaviours = behavioursOf(message.behaviours ?? [], lists)
  return recordOf(facts, windowMs, behaviours, resourcesOf(message.resources))
}

function kindsOf(codes: readonly number[]): readonly ItemKind[] {
  const kinds = codes.map((code) => element('kind', ITEM_KINDS, code))
  ascending('kinds', kinds, (a, b) => ITEM_KINDS.indexOf(a) - ITEM_KINDS.indexOf(b))
  return kinds
}

function resourcesOf(
  message: plimsoll.v1.ResourcePeaks.$Properties | null | undefined,
): ResourcePeaks {
  if (!message) return NO_RESOURCES
  const samples = safe('samples', message.samples)
  if (samples === 0) throw new Malformed('resources of no samples')
  return {
    memoryBytes: safe('memory_bytes', message.memoryBytes),
    cpuMilli: safe('cpu_milli', message.cpuMilli),
    pids: safe('pids', message.pids),
    samples,
  }
}

function foldedOf(message: plimsoll.v1.FoldedRuns.$Properties, lists: DecodedLists): FoldedRuns {
  return {
    upTo: {
      runId: message.upToRunId ?? '',
      startedMs: milliseconds('up_to_started_ms', message.upToStartedMs),
    },
    firstStartedMs: milliseconds('first_started_ms', message.firstStartedMs),
    lastEndedMs: milliseconds('last_ended_ms', message.lastEndedMs),
    incompleteness: incompletenessOf(message.incompleteness ?? []),
    behaviours: behavioursOf(message.behaviours ?? [], lists),
    resources: resourcesOf(message.resources),
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

function decisionsOf(message: plimsoll.v1.Decisions.$Properties): DecisionsSnapshot {
  const verdicts = (message.verdicts ?? []).map(verdictOf)
  ascending('verdicts', verdicts, (a, b) => compareItemKeys(a.item, b.item))
  const decisions = { verdicts, seal: message.seal ? sealOf(message.seal) : undefined }
  const problem = boundsProblem(decisions)
  if (problem !== undefined) throw new Malformed(problem)
  return decisions
}

function verdictOf(message: plimsoll.v1.Verdict.$Properties): Verdict {
  return {
    item: keyOf(message.item ?? new Uint8Array()),
    verdict: element('verdict', VERDICTS, message.verdict),
    atMs: milliseconds('at_ms', message.atMs),
    by: message.by ?? '',
    reason: message.reason ?? '',
  }
}

function sealOf(message: plimsoll.v1.Seal.$Properties): Seal {
  const items = (message.items ?? []).map(keyOf)
  ascending('sealed items', items, compareItemKeys)
  return {
    atMs: milliseconds('at_ms', message.atMs),
    by: message.by ?? '',
    contentHash: message.contentHash ?? '',
    items,
    kinds: kindsOf(message.kinds ?? []),
  }
}

function keyOf(bytes: Uint8Array): ItemKey {
  const key: ByteString = byteStringOf(bytes)
  if (itemOfKey(key) === undefined) throw new Malformed('a decision is about no item')
  return key as string as ItemKey
}
