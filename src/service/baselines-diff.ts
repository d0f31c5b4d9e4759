/** Differences of baselines, as `DiffBaselines` answers them. Pure. */
import { createHash } from 'node:crypto'
import type { Baseline } from '../baseline/baseline.js'
import { type BaselineDiff, type Change, DIFF_CLASSES, difference } from '../baseline/diff.js'
import type { DiffItem } from '../baseline/diff-items.js'
import { PROTOCOLS, SOURCES } from '../baseline/endpoint-item.js'
import { imageKeyOf } from '../baseline/image-identity.js'
import { ITEM_KINDS, type NamedItem } from '../baseline/item-key.js'
import { itemText } from '../baseline/item-text.js'
import { byteStringOfText, bytesOf, displayOf } from '../bytes.js'
import { plimsoll } from '../gen/plimsoll.js'
import type { Danger } from '../kernel/syscall-danger.js'
import { ABIS } from '../observation.js'
import { evidenceMessage } from './baselines-candidates.js'
import { type PageRequest, pageOf } from './baselines-page.js'
import { lineageCode } from './baselines-request.js'
import { type Origin, ORIGINS } from './known-baselines.js'

type ChangeMessage = plimsoll.v1.DiffChange.$Properties
type Response = plimsoll.v1.DiffBaselinesResponse.$Properties

/** One side of a comparison. */
export interface DiffSide {
  readonly baseline: Baseline
  readonly origin: Origin
}

const LINES_LISTED = 256

const DANGERS: Readonly<Record<Danger, plimsoll.v1.Danger>> = {
  low: plimsoll.v1.Danger.DANGER_LOW,
  medium: plimsoll.v1.Danger.DANGER_MEDIUM,
  high: plimsoll.v1.Danger.DANGER_HIGH,
  critical: plimsoll.v1.Danger.DANGER_CRITICAL,
}

/** The page that was asked for. Throws as `pageOf` does. O(items). */
export function diffPage(before: DiffSide, after: DiffSide, request: PageRequest): Response {
  const diff = difference(before.baseline, after.baseline)
  const { messages, nextPageToken } = pageOf(
    { items: diff.changes, stamp: stampOf(diff), image: after.baseline.image.name },
    request,
    { fallback: 500, limit: 1000 },
    (change) => {
      const message = changeMessage(change)
      return { message, bytes: plimsoll.v1.DiffChange.encode(message).finish().length }
    },
  )
  const [newDangerousCount, newCount, vanishedCount] = DIFF_CLASSES.map(
    (name) => diff.changes.filter((change) => change.class === name).length,
  )
  return {
    before: sideMessage(before),
    after: sideMessage(after),
    lineages: diff.lineages.map(lineageCode),
    changes: [...messages],
    incomplete: diff.incomplete.slice(0, LINES_LISTED),
    newDangerousCount: newDangerousCount ?? 0,
    newCount: newCount ?? 0,
    vanishedCount: vanishedCount ?? 0,
    nextPageToken,
  }
}

/** Of which changes there are; evidence grows while a session goes on, and changes no page. */
function stampOf({ changes }: BaselineDiff): string {
  const hash = createHash('sha256')
  for (const { class: name, item } of changes) {
    hash.update(`${name} ${item.lineage} ${textOf(item)}\n`)
  }
  return hash.digest('hex')
}

function sideMessage({ baseline, origin }: DiffSide): plimsoll.v1.DiffSide.$Properties {
  const { COMPLETENESS_FULL, COMPLETENESS_PARTIAL } = plimsoll.v1.Completeness
  return {
    key: imageKeyOf(baseline.image),
    imageName: displayOf(byteStringOfText(baseline.image.name)),
    origin: ORIGINS.indexOf(origin) + 1,
    revision: origin === 'session' ? 0 : baseline.revision,
    runs: baseline.runCount,
    completeness:
      baseline.completeness().state === 'full' ? COMPLETENESS_FULL : COMPLETENESS_PARTIAL,
  }
}

function changeMessage({ class: name, item, reasons }: Change): ChangeMessage {
  return {
    diffClass: DIFF_CLASSES.indexOf(name) + 1,
    kind: ITEM_KINDS.indexOf(namedOf(item).kind) + 1,
    lineage: lineageCode(item.lineage),
    item: textOf(item),
    reasons: [...reasons],
    danger: 'danger' in item ? DANGERS[item.danger] : plimsoll.v1.Danger.DANGER_UNSPECIFIED,
    evidence: evidenceMessage(item),
    ...subjectOf(item),
  }
}

function subjectOf(item: DiffItem): ChangeMessage {
  switch (item.kind) {
    case 'syscall':
      return { syscall: { abi: ABIS.indexOf(item.abi) + 1, nr: item.nr } }
    case 'argument':
      return { argument: { abi: ABIS.indexOf(item.abi) + 1, nr: item.nr, value: item.value } }
    case 'exec':
      return {
        exec: { path: bytesOf(item.path), exe: bytesOf(item.exe) },
        writtenLater: item.upper,
        fileless: item.fileless,
      }
    case 'connection':
    case 'listener':
      return {
        endpoint: {
          protocol: PROTOCOLS.indexOf(item.protocol) + 1,
          address: bytesOf(item.address),
          port: item.port,
          source: SOURCES.indexOf(item.source) + 1,
        },
      }
    case 'capability':
      return { capability: { capability: item.capability } }
    case 'io_uring':
      return { uringOp: { opcode: item.opcode } }
  }
}

function textOf(item: DiffItem): string {
  return itemText(namedOf(item))
}

function namedOf(item: DiffItem): NamedItem {
  switch (item.kind) {
    case 'connection':
      return { ...item, kind: 'connect' }
    case 'listener':
      return { ...item, kind: 'listen' }
    case 'syscall':
    case 'argument':
    case 'exec':
    case 'capability':
    case 'io_uring':
      return item
  }
}
