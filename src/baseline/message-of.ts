/** A snapshot as the message of `baseline.proto`, in canonical form. Numbers that have none are refused. */
import { bytesOf, type ByteString } from '../bytes.js'
import { plimsoll } from '../gen/plimsoll.js'
import { type Incompleteness, REASONS } from '../observation.js'
import type { BaselineSnapshot } from './baseline.js'
import { type Behaviour, hasContent, kindsIn } from './behaviour.js'
import { behaviourMessage } from './behaviour-message.js'
import { deltasOf, whole, wholeMs } from './canonical.js'
import type { FoldedRuns } from './folded-runs.js'
import { IMAGE_KINDS, type ImageIdentity } from './image-identity.js'
import { type IndexedLists, indexedLists } from './item-lists.js'
import { ITEM_KINDS, type ItemKind } from './item-key.js'
import { lineageCode, listsMessages } from './lists-message.js'
import { ProgramSets } from './program-sets.js'
import type { ResourcePeaks } from './resources.js'
import { BASELINE_LINEAGES, type ByLineage, byLineage, type RunRecord } from './run-record.js'
import { type DecisionsSnapshot, VERDICTS } from './verdicts.js'

/** What messages of behaviours refer to. */
interface References {
  readonly lists: ByLineage<IndexedLists>
  readonly sets: ProgramSets
}

/** The message. Throws `INTERNAL` for a number that is not a whole one from 0 to 2^53 - 1; -0 is none. */
export function messageOf(snapshot: BaselineSnapshot): plimsoll.v1.Baseline.$Properties {
  const { image, revision, programs, runs, folded, decisions } = snapshot
  const all = [...runs, ...(folded === undefined ? [] : [folded])].map((each) => each.behaviours)
  const sets = programSetsOf(programs, all)
  const programSets = sets
    .ordered()
    .map((set) => ({ programs: deltasOf(set.programs), more: set.more }))
  const lists = byLineage((lineage) => indexedLists(all.map((each) => each[lineage])))
  return {
    image: imageMessage(image),
    revision: whole(revision),
    programs: programs.map(bytesOf),
    programSets,
    items: listsMessages(lists),
    runs: runs.map((run) => runMessage(run, { lists, sets })),
    ...(folded && { folded: foldedMessage(folded, { lists, sets }) }),
    ...(hasDecisions(decisions) && { decisions: decisionsMessage(decisions) }),
  }
}

function programSetsOf(
  programs: readonly ByteString[],
  all: readonly ByLineage<Behaviour>[],
): ProgramSets {
  const sets = new ProgramSets(programs)
  for (const behaviours of all) {
    for (const lineage of BASELINE_LINEAGES) {
      for (const items of kindsIn(behaviours[lineage])) for (const item of items) sets.add(item)
    }
  }
  return sets
}

function imageMessage(image: ImageIdentity): plimsoll.v1.ImageIdentity.$Properties {
  return {
    kind: IMAGE_KINDS.indexOf(image.kind) + 1,
    digest: image.digest,
    name: image.name,
    entrypoint: image.entrypoint.map(bytesOf),
  }
}

function runMessage(run: RunRecord, references: References): plimsoll.v1.BaselineRun.$Properties {
  return {
    runId: run.runId,
    startedMs: wholeMs(run.startedMs),
    endedMs: wholeMs(run.endedMs),
    runtime: run.runtime,
    containerId: run.containerId,
    containerName: run.containerName,
    attachedMs: wholeMs(run.attachedMs),
    incompleteness: run.incompleteness.map(incompletenessMessage),
    kernel: run.kernel,
    bpftrace: run.bpftrace,
    plimsoll: run.plimsoll,
    runtimeVersion: run.runtimeVersion,
    windowMs: wholeMs(run.windowMs),
    behaviours: behaviourMessages(run.behaviours, references),
    kinds: run.kinds.map(kindCode),
    ...resourcesField(run.resources),
  }
}

function foldedMessage(
  folded: FoldedRuns,
  references: References,
): plimsoll.v1.FoldedRuns.$Properties {
  return {
    upToStartedMs: wholeMs(folded.upTo.startedMs),
    upToRunId: folded.upTo.runId,
    firstStartedMs: wholeMs(folded.firstStartedMs),
    lastEndedMs: wholeMs(folded.lastEndedMs),
    incompleteness: folded.incompleteness.map(incompletenessMessage),
    behaviours: behaviourMessages(folded.behaviours, references),
    ...resourcesField(folded.resources),
  }
}

function behaviourMessages(
  behaviours: ByLineage<Behaviour>,
  { lists, sets }: References,
): plimsoll.v1.Behaviour.$Properties[] {
  return BASELINE_LINEAGES.filter((lineage) => hasContent(behaviours[lineage])).map((lineage) => ({
    lineage: lineageCode(lineage),
    ...behaviourMessage(behaviours[lineage], lists[lineage], sets),
  }))
}

function kindCode(kind: ItemKind): number {
  return ITEM_KINDS.indexOf(kind) + 1
}

/** Absent where nothing was sampled. */
function resourcesField({ memoryBytes, cpuMilli, pids, samples }: ResourcePeaks): {
  resources?: plimsoll.v1.ResourcePeaks.$Properties
} {
  if (samples === 0) return {}
  return {
    resources: {
      memoryBytes: whole(memoryBytes),
      cpuMilli: whole(cpuMilli),
      pids: whole(pids),
      samples: whole(samples),
    },
  }
}

function incompletenessMessage(missed: Incompleteness): plimsoll.v1.Incompleteness.$Properties {
  return {
    reason: REASONS.indexOf(missed.reason) + 1,
    count: whole(missed.count),
    ...(missed.fromMs !== undefined && { fromMs: wholeMs(missed.fromMs) }),
    ...(missed.toMs !== undefined && { toMs: wholeMs(missed.toMs) }),
    detail: missed.detail ?? '',
  }
}

function hasDecisions({ verdicts, seal }: DecisionsSnapshot): boolean {
  return verdicts.length > 0 || seal !== undefined
}

function decisionsMessage({
  verdicts,
  seal,
}: DecisionsSnapshot): plimsoll.v1.Decisions.$Properties {
  return {
    verdicts: verdicts.map((verdict) => ({
      item: bytesOf(verdict.item as string as ByteString),
      verdict: VERDICTS.indexOf(verdict.verdict) + 1,
      atMs: wholeMs(verdict.atMs),
      by: verdict.by,
      reason: verdict.reason,
    })),
    ...(seal && {
      seal: {
        atMs: wholeMs(seal.atMs),
        by: seal.by,
        contentHash: seal.contentHash,
        items: seal.items.map((key) => bytesOf(key as string as ByteString)),
        kinds: seal.kinds.map(kindCode),
      },
    }),
  }
}
