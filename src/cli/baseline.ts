/** `plimsoll baseline ...`: look at what was learned, compare it, add it up, move it between hosts, remove it. */
import { type Command, Option } from 'commander'
import { encodeBaseline } from '../baseline/codec.js'
import { jsonView } from '../baseline/json-view.js'
import type { StoreEntry } from '../baseline/store.js'
import { jsonText } from '../engine/json-text.js'
import { quoted } from '../errors.js'
import { syscallLabel } from '../kernel/syscalls.js'
import type { Lineage } from '../observation.js'
import { writeWhole } from '../write-file.js'
import { actorOf } from './actor.js'
import { approveCommand, candidatesCommand, rejectCommand, sealCommand } from './baseline-decide.js'
import { diffCommand } from './baseline-diff.js'
import { readBaselineFile } from './baseline-file.js'
import { mergeCommand } from './baseline-merge.js'
import type { KnownFloor } from '../seccomp/floor.js'
import {
  baselineActionsOf,
  command,
  type Context,
  floorsOf,
  jsonOption,
  printJson,
  stateOption,
  storeOf,
} from './context.js'
import { lineageOption, showText } from './show.js'
import { summaryLines, summaryOf } from './summary.js'
import { table } from './table.js'

interface Flags {
  readonly state?: string
  readonly json?: boolean
}

interface ChangeFlags extends Flags {
  readonly reason?: string
}

function reasonOption(): Option {
  return new Option('--reason <text>', 'why; kept in the operator log')
}

export function baselineCommand(context: Context): Command {
  return command(
    'baseline',
    'look at baselines, compare them, add them up, move them between hosts, remove them',
  )
    .addCommand(list(context))
    .addCommand(show(context))
    .addCommand(diffCommand(context))
    .addCommand(candidatesCommand(context))
    .addCommand(approveCommand(context))
    .addCommand(rejectCommand(context))
    .addCommand(sealCommand(context))
    .addCommand(mergeCommand(context))
    .addCommand(exportTo(context))
    .addCommand(importFrom(context))
    .addCommand(remove(context))
}

/** Adds the argument by which a baseline is named. */
function withReference(sub: Command): Command {
  return sub
    .argument('<ref>', 'image name, digest or at least 6 digits of it, as `baseline ls` shows')
    .addOption(stateOption())
}

function list(context: Context): Command {
  return command('ls', 'list the baselines')
    .addOption(stateOption())
    .addOption(jsonOption())
    .action(async (flags: Flags) => {
      const entries = await storeOf(flags.state, context).list()
      const floors = await floorsOf(flags.state, context)
      if (flags.json === true)
        printJson(
          context,
          entries.map((entry) => entryView(entry, floors)),
        )
      else
        context.terminal.out(
          table(
            HEAD,
            entries.map((entry) => entryRow(entry, floors)),
          ),
        )
    })
}

const HEAD = ['IMAGE', 'BASELINE', 'REV', 'RUNS', 'CALLS', 'PROGRAMS', 'PROGRESS', 'STATE']

function entryRow(entry: StoreEntry, floors: readonly KnownFloor[]): readonly string[] {
  const key = entry.key.slice(0, entry.key.indexOf('-') + 13)
  if (entry.kind === 'damaged')
    return [quoted(entry.path), key, '', '', '', '', '', `damaged: ${quoted(entry.problem)}`]
  const summary = summaryOf(entry.baseline, floors)
  return [
    quoted(summary.image),
    key,
    String(summary.revision),
    String(summary.runs),
    String(summary.syscalls),
    String(summary.programs),
    summary.progress.state,
    summary.completeness,
  ]
}

function entryView(entry: StoreEntry, floors: readonly KnownFloor[]): unknown {
  return entry.kind === 'damaged'
    ? { key: entry.key, damaged: entry.problem, path: entry.path }
    : summaryOf(entry.baseline, floors)
}

function show(context: Context): Command {
  return withReference(command('show', 'show what an image does'))
    .addOption(lineageOption())
    .addOption(jsonOption())
    .action(async (ref: string, flags: Flags & { lineage: Lineage }) => {
      const view = jsonView(await storeOf(flags.state, context).load(ref), syscallLabel)
      if (flags.json === true) printJson(context, view)
      else context.terminal.out(showText(view, flags.lineage))
    })
}

function exportTo(context: Context): Command {
  return withReference(command('export', 'write a baseline to a file, to import or to review it'))
    .option('--out <file>', 'the file (default: standard output)')
    .addOption(
      new Option(
        '--format <format>',
        'proto, which can be imported, or json, which people can read',
      )
        .choices(['proto', 'json'])
        .default('proto'),
    )
    .action(async (ref: string, flags: Flags & { out?: string; format: string }) => {
      const baseline = await storeOf(flags.state, context).load(ref)
      const content =
        flags.format === 'json'
          ? `${jsonText(jsonView(baseline, syscallLabel), 2)}\n`
          : encodeBaseline(baseline)
      if (flags.out === undefined) context.terminal.out(content)
      else await writeWhole(flags.out, content)
    })
}

function importFrom(context: Context): Command {
  return command('import', 'add an exported baseline to what is known of its image')
    .argument('<file>', 'a file that `baseline export` wrote')
    .addOption(reasonOption())
    .addOption(stateOption())
    .action(async (file: string, flags: ChangeFlags) => {
      const baseline = await readBaselineFile(file)
      const kept = await baselineActionsOf(flags.state, context).import(baseline, file, {
        by: actorOf(context.terminal.env),
        reason: flags.reason ?? '',
      })
      const floors = await floorsOf(flags.state, context)
      const summary = summaryOf(kept.baseline, floors)
      context.terminal.out(`${summaryLines(summary).join('\n')}\n`)
    })
}

function remove(context: Context): Command {
  return withReference(command('rm', 'remove a baseline and its older revisions'))
    .addOption(reasonOption())
    .action(async (ref: string, flags: ChangeFlags) => {
      const key = await baselineActionsOf(flags.state, context).remove(ref, {
        by: actorOf(context.terminal.env),
        reason: flags.reason ?? '',
      })
      context.terminal.say(`plimsoll: removed ${key}`)
    })
}
