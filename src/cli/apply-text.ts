/** What is applied, and what an application changed, for people and for programs. Every foreign text is escaped here. */
import { SHORT_HASH } from '../baseline/content-hash.js'
import type { AppliedEntry } from '../engine/applied-list.js'
import type { AppliedRecord } from '../engine/applied.js'
import type { AppliedNow } from '../engine/apply.js'
import { quoted } from '../errors.js'
import { plural } from './plural.js'
import { profileDiffText, profileDiffView } from './profile-diff-text.js'
import { table } from './table.js'

/** The text, ending with a newline. */
export function appliedText(
  { record, built, before, diff }: AppliedNow,
  isDryRun: boolean,
): string {
  const { image, baseline, strength } = record
  const head =
    `${quoted(image.name)}: ${isDryRun ? 'would be applied' : 'applied'}, ${strength}, ` +
    `${plural(built.origins.size, 'call')}, from revision ${baseline.revision} (content ${shortHash(record)})\n`
  if (before.kind !== 'applied' || diff === undefined) return `${head}nothing was applied before\n`
  const since = `against what was applied before, from revision ${before.record.baseline.revision}: `
  return `${head}${since}${profileDiffText(diff)}`
}

export function appliedView({ record, built, before, diff }: AppliedNow): unknown {
  return {
    ...recordView(record),
    calls: built.origins.size,
    before: before.kind === 'applied' ? recordView(before.record) : null,
    diff: diff === undefined ? null : profileDiffView(diff),
    notes: [...built.floorNotes, ...built.notes],
  }
}

const HEAD = ['IMAGE', 'DIGEST', 'STRENGTH', 'REV', 'CONTENT', 'APPLIED', 'STATE']

export function appliedTable(entries: readonly AppliedEntry[]): string {
  return table(HEAD, entries.map(rowOf))
}

function rowOf({ digest, name, answer }: AppliedEntry): readonly string[] {
  const short = digest.replace('sha256:', '').slice(0, SHORT_HASH)
  if (answer.kind === 'failed') {
    return [quoted(answer.path), short, '', '', '', '', `damaged: ${quoted(answer.problem)}`]
  }
  const { record } = answer
  return [
    quoted(name),
    short,
    quoted(record.strength),
    String(record.baseline.revision),
    shortHash(record),
    new Date(record.atMs).toISOString(),
    record.baseline.isSealed ? 'sealed' : 'not sealed',
  ]
}

export function entryView({ digest, answer }: AppliedEntry): unknown {
  return answer.kind === 'failed'
    ? { digest, path: answer.path, damaged: answer.problem }
    : recordView(answer.record)
}

function recordView(record: AppliedRecord): object {
  const { image, baseline, atMs, ...more } = record
  return {
    image: quoted(image.name),
    digest: image.digest,
    baseline,
    at: new Date(atMs).toISOString(),
    ...more,
  }
}

function shortHash({ baseline }: AppliedRecord): string {
  return baseline.contentHash.slice(0, SHORT_HASH)
}
