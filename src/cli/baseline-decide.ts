/** `plimsoll baseline candidates|approve|reject|seal`: what people decide about a baseline. */
import type { Command } from 'commander'
import type { Baseline } from '../baseline/baseline.js'
import { type CandidateRow, candidateRows } from '../baseline/candidates.js'
import { contentHashOf, SHORT_HASH } from '../baseline/content-hash.js'
import { type ItemKey, itemOfKey } from '../baseline/item-key.js'
import { itemText } from '../baseline/item-text.js'
import { displayOf } from '../bytes.js'
import { failure, quoted } from '../errors.js'
import type { Responsible } from '../service/baseline-actions.js'
import { actorOf } from './actor.js'
import {
  baselineActionsOf,
  command,
  type Context,
  jsonOption,
  printJson,
  stateOption,
  storeOf,
} from './context.js'
import { plural } from './plural.js'
import { table } from './table.js'

interface Flags {
  readonly state?: string
  readonly json?: boolean
  readonly hash?: string
  readonly reason?: string
  readonly all?: boolean
}

const REFERENCE = 'image name, digest or at least 6 digits of it, as `baseline ls` shows'

export function candidatesCommand(context: Context): Command {
  return command('candidates', 'list what waits for approval, and the hash to decide with')
    .argument('<ref>', REFERENCE)
    .addOption(stateOption())
    .addOption(jsonOption())
    .action(async (ref: string, flags: Flags) => {
      const baseline = await storeOf(flags.state, context).load(ref)
      if (flags.json === true) printJson(context, candidatesView(baseline))
      else context.terminal.out(candidatesText(baseline, ref))
    })
}

export function approveCommand(context: Context): Command {
  return verdictCommand(
    context,
    'approve',
    'approved',
    'let items into the baseline and its profile',
  ).option('--all', 'all candidates')
}

export function rejectCommand(context: Context): Command {
  return verdictCommand(
    context,
    'reject',
    'rejected',
    'keep items out, however often they are seen again',
  )
}

export function sealCommand(context: Context): Command {
  return command('seal', 'close the baseline: what is new from now on waits for approval')
    .argument('<ref>', REFERENCE)
    .requiredOption('--hash <hash>', 'content hash of what was looked at (`baseline candidates`)')
    .option('--reason <text>', 'why; kept in the operator log')
    .addOption(stateOption())
    .action(async (ref: string, flags: Flags) => {
      const { baseline, items } = await baselineActionsOf(flags.state, context).seal({
        ref,
        contentHash: flags.hash ?? '',
        ...responsible(context, flags),
      })
      context.terminal.say(
        `plimsoll: sealed ${quoted(baseline.image.name)} with ${plural(items.length, 'item')}, revision ${baseline.revision}`,
      )
    })
}

function verdictCommand(
  context: Context,
  name: string,
  verdict: 'approved' | 'rejected',
  summary: string,
): Command {
  return command(name, summary)
    .argument('<ref>', REFERENCE)
    .argument('[item...]', 'items as `baseline candidates` shows them; chmod, exec:/bin/sh, ...')
    .requiredOption('--hash <hash>', 'content hash of what was looked at (`baseline candidates`)')
    .option('--reason <text>', 'why; kept with the decision')
    .addOption(stateOption())
    .action(async (ref: string, texts: readonly string[], flags: Flags) => {
      if (texts.length > 0 === (flags.all === true)) {
        throw failure('USAGE', { problem: 'name the items, or say --all' })
      }
      const { baseline, items } = await baselineActionsOf(flags.state, context).decide({
        ref,
        contentHash: flags.hash ?? '',
        verdict,
        items: flags.all === true ? 'candidates' : texts,
        ...responsible(context, flags),
      })
      context.terminal.say(
        `plimsoll: ${verdict} ${items.join(', ') || 'nothing'}; ` +
          `${quoted(baseline.image.name)} is at revision ${baseline.revision}, content ${shortHash(baseline)}`,
      )
    })
}

function responsible({ terminal }: Context, { reason }: Flags): Responsible {
  return { by: actorOf(terminal.env), reason: reason ?? '' }
}

function shortHash(baseline: Baseline): string {
  return contentHashOf(baseline).slice(0, SHORT_HASH)
}

const WHY: Readonly<Record<string, string>> = {
  'candidate-never-learned': 'never learned by being seen',
  'candidate-after-seal': 'new since the seal',
  'candidate-denied': 'refused by a filter, never made',
}

function candidatesView(baseline: Baseline): unknown {
  return {
    image: quoted(baseline.image.name),
    contentHash: contentHashOf(baseline),
    candidates: candidateRows(baseline).map(rowOf),
    ...verdictsView(baseline),
  }
}

function rowOf({ text, standing, evidence }: CandidateRow): {
  readonly item: string
  readonly why: string
  readonly count: number
  readonly runs: number
  readonly programs: readonly string[]
} {
  return {
    item: text,
    why: WHY[standing] ?? standing,
    count: evidence?.count ?? 0,
    runs: evidence?.runs ?? 0,
    programs: (evidence?.programs ?? []).map(displayOf),
  }
}

function verdictsView(baseline: Baseline): Record<'approved' | 'rejected', readonly unknown[]> {
  const of = (wanted: string): readonly unknown[] =>
    baseline.decisions.verdicts
      .filter(({ verdict }) => verdict === wanted)
      .map(({ item, by, atMs, reason }) => ({
        item: textOf(item),
        by: quoted(by),
        at: new Date(atMs).toISOString(),
        reason: quoted(reason),
      }))
  return { approved: of('approved'), rejected: of('rejected') }
}

function candidatesText(baseline: Baseline, ref: string): string {
  const rows = candidateRows(baseline).map(rowOf)
  const hash = `content ${contentHashOf(baseline)}\n`
  if (rows.length === 0) return `no candidates\n${hash}`
  const lines = rows.map(({ item, why, count, runs, programs }) => [
    item,
    why,
    String(count),
    String(runs),
    programs.join(', '),
  ])
  return (
    table(['ITEM', 'WHY', 'COUNT', 'RUNS', 'PROGRAMS'], lines) +
    hash +
    `plimsoll baseline approve ${quoted(ref)} ITEM... --hash ${shortHash(baseline)}    (or reject)\n`
  )
}

function textOf(key: ItemKey): string {
  const item = itemOfKey(key)
  return item === undefined ? '' : itemText(item)
}
