/** `plimsoll ctl baselines`: what a running plimsoll knows of images; `ctl-baselines-change` decides on it. */
import type { Command } from 'commander'
import type { PlimsollClient, ResponseOf } from '../client.js'
import { plimsoll } from '../gen/plimsoll.js'
import { command, type Context, printJson } from './context.js'
import { asking, type ConnectionFlags, withClient } from './ctl-connection.js'
import { cell, word } from './ctl-text.js'
import { decisionCommands, learningCommands, merge } from './ctl-baselines-change.js'
import { candidates, diff, exportProfile } from './ctl-baselines-look.js'
import { jsonOf } from './ctl-message.js'
import { table } from './table.js'

type Summary = NonNullable<ResponseOf<'ListBaselines'>['baselines']>[number]

export function baselinesCommand(context: Context): Command {
  const baselines = command('baselines', 'what it knows of images, and decisions on it')
  for (const sub of [
    list(context),
    get(context),
    diff(context),
    candidates(context),
    ...decisionCommands(context),
    merge(context),
    exportProfile(context),
    ...learningCommands(context),
  ]) {
    baselines.addCommand(sub)
  }
  return baselines
}

function list(context: Context): Command {
  return asking('ls', 'list baselines of its session and of its store').action(
    async (flags: ConnectionFlags) => {
      const baselines = await withClient(context, flags, allBaselines)
      if (flags.json === true) printJson(context, baselines.map(viewOf))
      else context.terminal.out(table(HEAD, baselines.map(rowOf)))
    },
  )
}

async function allBaselines({ baselines }: PlimsollClient): Promise<readonly Summary[]> {
  const found: Summary[] = []
  let pageToken = ''
  do {
    const page = await baselines.listBaselines({ pageSize: 200, pageToken })
    found.push(...(page.baselines ?? []))
    pageToken = page.nextPageToken ?? ''
  } while (pageToken !== '')
  return found
}

const HEAD = ['IMAGE', 'DIGEST', 'ORIGIN', 'REVISION', 'RUNS', 'COMPLETENESS', 'CALLS', 'EXECS']

function originOf({ origin }: Summary): string {
  return word(plimsoll.v1.Origin[origin ?? 0], 'ORIGIN_')
}

function completenessOf({ completeness }: Summary): string {
  return word(plimsoll.v1.Completeness[completeness ?? 0], 'COMPLETENESS_')
}

function viewOf(summary: Summary): object {
  return { ...summary, origin: originOf(summary), completeness: completenessOf(summary) }
}

function rowOf(summary: Summary): string[] {
  const { key, problem, name, digest, revision, runs, syscalls, execs } = summary
  if (problem) return [cell(key), '-', originOf(summary), '-', '-', `damaged: ${cell(problem)}`]
  return [
    cell(name),
    cell(digest).replace('sha256:', '').slice(0, 12),
    originOf(summary),
    String(revision ?? 0),
    String(runs ?? 0),
    completenessOf(summary),
    String(syscalls ?? 0),
    String(execs ?? 0),
  ]
}

function get(context: Context): Command {
  return asking('get', 'print one baseline as JSON, with all that is in it')
    .argument('<ref>', 'name, digest or at least 6 digits of one')
    .action(async (reference: string, flags: ConnectionFlags) => {
      const answer = await withClient(context, flags, ({ baselines }) =>
        baselines.getBaseline({ reference }, { deadlineMs: 60_000 }),
      )
      printJson(context, jsonOf('GetBaselineResponse', answer))
    })
}
