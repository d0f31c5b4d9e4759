/** `plimsoll audit ...`: what operators and rules did, and whether the log of it is whole. Reads the state directory itself. */
import { type Command, InvalidArgumentError } from 'commander'
import { quoted } from '../errors.js'
import { type ListedEntry, operatorLogPage } from '../service/audit/log-page.js'
import { type LogVerification, verifyOperatorLog } from '../service/audit/verify-log.js'
import {
  command,
  type Context,
  jsonOption,
  printJson,
  stateDirectory,
  stateOption,
} from './context.js'
import { plural } from './plural.js'
import { table } from './table.js'

interface Flags {
  readonly state?: string
  readonly json?: boolean
}

/** Answer "no": the log was altered. */
const IS_BROKEN = 3
const SHOWN_DEFAULT = 50
const HEAD = ['ENTRY', 'AT', 'ACTOR', 'ACTION', 'PHASE', 'TARGET', 'REASON']
const TARGET_CHARACTERS = 40

export function auditCommand(context: Context): Command {
  return command('audit', 'look at the log of what operators and rules did, and check its chain')
    .addCommand(list(context))
    .addCommand(verify(context))
}

function list(context: Context): Command {
  return command('ls', 'list the latest entries, the oldest of them first')
    .option('--last <n>', 'so many', count, SHOWN_DEFAULT)
    .addOption(stateOption())
    .addOption(jsonOption())
    .action(async (flags: Flags & { last: number }) => {
      const state = stateDirectory(flags.state, context.terminal.env)
      const entries = await latest(state, flags.last)
      if (flags.json === true) printJson(context, entries)
      else context.terminal.out(table(HEAD, entries.map(rowOf)))
    })
}

function verify(context: Context): Command {
  return command('verify', 'check that no entry of the log was changed, removed or inserted')
    .option(
      '--known-hash <hash>',
      'a hash that was noted before: one of the entries must have it',
      hash,
    )
    .addOption(stateOption())
    .addOption(jsonOption())
    .action(async (flags: Flags & { knownHash?: string }) => {
      const state = stateDirectory(flags.state, context.terminal.env)
      const verification = await verifyOperatorLog(state, flags.knownHash)
      if (flags.json === true) printJson(context, verification)
      else context.terminal.out(`${verificationText(verification)}\n`)
      if (!verification.intact) context.status = IS_BROKEN
    })
}

async function latest(state: string, wanted: number): Promise<readonly ListedEntry[]> {
  const entries: ListedEntry[] = []
  for (let pageToken = ''; entries.length < wanted;) {
    const pageSize = wanted - entries.length
    const page = await operatorLogPage(state, { pageSize, pageToken, descending: true })
    entries.push(...page.entries)
    pageToken = page.nextPageToken
    if (pageToken === '') break
  }
  return entries.toReversed()
}

function rowOf(entry: ListedEntry): readonly string[] {
  const { sequence, atMs, actor, action, phase, target, reason, details } = entry
  if (phase === 'damaged') return ['?', '', '', '', phase, '', quoted(details.slice(0, 80))]
  const cut = target.slice(0, TARGET_CHARACTERS)
  return [
    String(sequence),
    new Date(atMs).toISOString(),
    actor,
    action,
    phase,
    cut === target ? target : `${cut}...`,
    reason,
  ].map(quoted)
}

function verificationText(verification: LogVerification): string {
  const { intact, entries, lastHash, firstBadLine, problem } = verification
  if (!intact) return `broken: line ${firstBadLine}: ${problem}`
  if (entries === 0) return 'intact: no entry'
  return `intact: ${plural(entries, 'entry', 'entries')}\nlast hash ${lastHash}`
}

function count(text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new InvalidArgumentError('Give a whole number from 1 on.')
}

function hash(text: string): string {
  if (/^[0-9a-f]{64}$/.test(text)) return text
  throw new InvalidArgumentError('Give 64 lower-case hexadecimal digits.')
}
