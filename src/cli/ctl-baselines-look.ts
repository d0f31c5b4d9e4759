/** `plimsoll ctl baselines diff`, `candidates` and `export`: what differs, what waits for a decision, and the profile. */
import { writeFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import type { ResponseOf } from '../client.js'
import { asProblem, failure, quoted } from '../errors.js'
import { plimsoll } from '../gen/plimsoll.js'
import { LINEAGE_CODES } from '../service/anomaly-codes.js'
import { type Context, printJson } from './context.js'
import { asking, type ConnectionFlags, withClient } from './ctl-connection.js'
import { cell, word } from './ctl-text.js'
import { positiveCount } from './duration.js'
import { table } from './table.js'

type Change = NonNullable<ResponseOf<'DiffBaselines'>['changes']>[number]
type Candidate = NonNullable<ResponseOf<'ListCandidates'>['candidates']>[number]

interface DiffFlags extends ConnectionFlags {
  readonly check?: boolean
  readonly beforeRevision?: number
  readonly afterRevision?: number
}

/** With `--check` the status is 3 if something dangerous is new. */
export function diff(context: Context): Command {
  return asking('diff', 'what a later baseline does that an earlier one does not')
    .argument('<before>', 'name, digest or at least 6 digits of one')
    .argument('<after>', 'likewise')
    .option('--before-revision <n>', 'an earlier revision of it', positiveCount)
    .option('--after-revision <n>', 'likewise', positiveCount)
    .option('--check', 'end with status 3 if something dangerous is new')
    .action(async (before: string, after: string, flags: DiffFlags) => {
      const { changes, first } = await withClient(context, flags, async ({ baselines }) => {
        const found: Change[] = []
        let whole: ResponseOf<'DiffBaselines'> = {}
        let pageToken = ''
        do {
          const page = await baselines.diffBaselines({
            before: { reference: before, ...revisionOf(flags.beforeRevision) },
            after: { reference: after, ...revisionOf(flags.afterRevision) },
            pageToken,
          })
          if (pageToken === '') whole = page
          found.push(...(page.changes ?? []))
          pageToken = page.nextPageToken ?? ''
        } while (pageToken !== '')
        return { changes: found, first: whole }
      })
      const views = changes.map(changeView)
      if (flags.json === true) printJson(context, { ...first, changes: views })
      else {
        const rows = views.map((each) => [
          each.class,
          each.lineage,
          each.item,
          each.reasons.join(','),
        ])
        context.terminal.out(table(['CLASS', 'LINEAGE', 'ITEM', 'REASONS'], rows))
        for (const said of first.incomplete ?? []) context.terminal.say(`note: ${quoted(said)}`)
      }
      if (flags.check === true && (first.newDangerousCount ?? 0) > 0) context.status = 3
    })
}

function revisionOf(revision: number | undefined): { revision?: number } {
  return revision === undefined ? {} : { revision }
}

function changeView({ diffClass, lineage, item, reasons, danger, evidence }: Change) {
  return {
    class: word(plimsoll.v1.DiffClass[diffClass ?? 0], 'DIFF_CLASS_'),
    lineage: LINEAGE_CODES.wordOf(lineage),
    item: cell(item),
    reasons: (reasons ?? []).map((reason) => cell(reason)),
    danger: word(plimsoll.v1.Danger[danger ?? 0], 'DANGER_'),
    evidence: evidence ?? null,
  }
}

export function candidates(context: Context): Command {
  return asking('candidates', 'what waits for approval, and the hash to decide with')
    .argument('<ref>', 'name, digest or at least 6 digits of one')
    .action(async (reference: string, flags: ConnectionFlags) => {
      const { found, first } = await withClient(context, flags, async ({ baselines }) => {
        const items: Candidate[] = []
        let whole: ResponseOf<'ListCandidates'> = {}
        let pageToken = ''
        do {
          whole = await baselines.listCandidates({ reference, pageToken })
          items.push(...(whole.candidates ?? []))
          pageToken = whole.nextPageToken ?? ''
        } while (pageToken !== '')
        return { found: items, first: whole }
      })
      const views = found.map(({ item, cause, evidence }) => ({
        item: cell(item),
        cause: word(plimsoll.v1.CandidateCause[cause ?? 0], 'CANDIDATE_CAUSE_'),
        count: evidence?.count ?? 0,
        programs: evidence?.programs ?? [],
      }))
      const { key, imageName, revision, contentHash } = first
      if (flags.json === true) {
        printJson(context, { key, imageName, revision, contentHash, candidates: views })
        return
      }
      const rows = views.map((each) => [
        each.item,
        each.cause,
        String(each.count),
        each.programs.map((program) => cell(program)).join(' '),
      ])
      context.terminal.out(table(['ITEM', 'CAUSE', 'COUNT', 'PROGRAMS'], rows))
      context.terminal.say(`plimsoll: decide with --hash ${cell(contentHash).slice(0, 12)}`)
    })
}

/** In the order of their numbers, from 1. */
const FORMATS = ['oci', 'spo', 'systemd'] as const
const STRENGTHS = ['complain', 'enforce', 'strict'] as const

interface ExportFlags extends ConnectionFlags {
  readonly format: (typeof FORMATS)[number]
  readonly strength: (typeof STRENGTHS)[number]
  readonly revision?: number
  readonly out?: string
}

export function exportProfile(context: Context): Command {
  return asking('export', 'the profile of a baseline, as `plimsoll profile` writes it there')
    .argument('<ref>', 'name, digest or at least 6 digits of one')
    .addOption(new Option('--format <format>', 'for whom').choices(FORMATS).default('oci'))
    .addOption(new Option('--strength <strength>', 'how').choices(STRENGTHS).default('enforce'))
    .option('--revision <n>', 'of an earlier revision', positiveCount)
    .option('--out <file>', 'write it there instead of to stdout')
    .action(async (reference: string, flags: ExportFlags) => {
      const answer = await withClient(context, flags, ({ baselines }) =>
        baselines.exportProfile({
          reference,
          format: FORMATS.indexOf(flags.format) + 1,
          strength: STRENGTHS.indexOf(flags.strength) + 1,
          ...revisionOf(flags.revision),
        }),
      )
      const content = Buffer.from(answer.content ?? [])
      for (const note of answer.notes ?? []) context.terminal.say(`note: ${quoted(note)}`)
      if (flags.out !== undefined) await written(flags.out, content)
      if (flags.json === true) printJson(context, { ...answer, content: content.toString('utf8') })
      else if (flags.out === undefined) context.terminal.out(content)
    })
}

async function written(path: string, content: Uint8Array): Promise<void> {
  try {
    await writeFile(path, content)
  } catch (thrown) {
    throw failure('FILE_UNWRITABLE', { path, problem: asProblem(thrown) }, thrown)
  }
}
