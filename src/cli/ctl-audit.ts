/** `plimsoll ctl audit`: the operator log of a running plimsoll. `verify` has the status 3 if the log was tampered with. */
import type { Command } from 'commander'
import type { PlimsollClient, ResponseOf } from '../client.js'
import { quoted } from '../errors.js'
import { command, type Context, printJson } from './context.js'
import { asking, type ConnectionFlags, withClient } from './ctl-connection.js'
import { cell, time } from './ctl-text.js'
import { positiveCount } from './duration.js'
import { plural } from './plural.js'
import { table } from './table.js'

type Entry = NonNullable<ResponseOf<'ListEntries'>['entries']>[number]

interface ListFlags extends ConnectionFlags {
  readonly limit: number
  readonly latest?: boolean
}

const LIMIT = 1000
const PAGE = 500

export function auditCommand(context: Context): Command {
  return command('audit', 'what operators did')
    .addCommand(list(context))
    .addCommand(verify(context))
}

function list(context: Context): Command {
  return asking('ls', 'list what operators and rules did')
    .option('--limit <n>', 'at most so many', positiveCount, LIMIT)
    .option('--latest', 'the latest first')
    .action(async (flags: ListFlags) => {
      const entries = await withClient(context, flags, (client) => listed(client, flags))
      if (flags.json === true) printJson(context, entries)
      else context.terminal.out(table(HEAD, entries.map(rowOf)))
    })
}

async function listed(
  { audit }: PlimsollClient,
  { limit, latest }: ListFlags,
): Promise<readonly Entry[]> {
  const found: Entry[] = []
  let pageToken = ''
  do {
    const pageSize = Math.min(PAGE, limit - found.length)
    const page = await audit.listEntries({ pageSize, pageToken, descending: latest === true })
    found.push(...(page.entries ?? []))
    pageToken = page.nextPageToken ?? ''
  } while (pageToken !== '' && found.length < limit)
  return found
}

const HEAD = ['NO', 'AT', 'ACTOR', 'ACTION', 'TARGET', 'PHASE', 'REASON']

function rowOf({ sequence, atMs, actor, action, target, phase, reason }: Entry): string[] {
  return [
    String(sequence ?? 0),
    time(atMs),
    ...[actor, action, target, phase, reason].map((text) => cell(text)),
  ]
}

function verify(context: Context): Command {
  return asking('verify', 'check that no entry was changed, removed or inserted')
    .option('--hash <sha256>', 'a hash that was noted before must be in it')
    .action(async (flags: ConnectionFlags & { readonly hash?: string }) => {
      const answer = await withClient(context, flags, ({ audit }) =>
        audit.verify({ knownHash: flags.hash ?? '' }, { deadlineMs: 60_000 }),
      )
      const { intact, entries, lastHash, firstBadLine, problem } = answer
      if (flags.json === true) printJson(context, answer)
      else if (intact === true) {
        const plurals = plural(entries ?? 0, 'entry', 'entries')
        context.terminal.out(`intact: ${plurals}, last hash ${cell(lastHash)}\n`)
      } else {
        const where = firstBadLine ? ` at line ${firstBadLine}` : ''
        context.terminal.out(`NOT intact${where}: ${quoted(problem ?? '')}\n`)
      }
      if (intact !== true) context.status = 3
    })
}
