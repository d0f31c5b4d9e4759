/** `plimsoll ctl respond` and `release`: act on a container, and let it go again. The status is 3 if it was refused. */
import { randomUUID } from 'node:crypto'
import { type Command, Option } from 'commander'
import type { ResponseOf } from '../client.js'
import { type Context, printJson } from './context.js'
import { asking, type ConnectionFlags, grpcStatusOf, withClient } from './ctl-connection.js'
import { cell } from './ctl-text.js'

/** In the order of their numbers, from 1. */
const RESPONSES = ['freeze', 'isolate', 'kill'] as const

/** Evidence of a large container takes its time. */
const DEADLINE_MS = 300_000

interface RespondFlags extends ConnectionFlags {
  readonly action: (typeof RESPONSES)[number]
  readonly reason: string
  readonly key?: string
  readonly dryRun?: boolean
  readonly thaw?: boolean
  readonly incident?: string
}

export function respondCommand(context: Context): Command {
  return asking('respond', 'freeze, isolate or kill a container')
    .argument('<container>', 'its name, its id, or at least 12 digits of it')
    .addOption(
      new Option('--action <action>', 'what to do').choices(RESPONSES).makeOptionMandatory(),
    )
    .requiredOption('--reason <text>', 'why, for the operator log')
    .option('--key <text>', 'the same request with the same key is done once (default: a new one)')
    .option('--dry-run', 'say what would be done, and do nothing')
    .option('--thaw', 'of isolate: let it go on without its network once the evidence is written')
    .option('--incident <id>', 'where it belongs to (default: an incident of its own)')
    .action((container: string, flags: RespondFlags) => runRespond(context, container, flags))
}

async function runRespond(context: Context, container: string, flags: RespondFlags): Promise<void> {
  const { action, reason, key = randomUUID() } = flags
  const answer = await withClient(context, flags, ({ control }) =>
    control
      .respond(
        {
          container,
          action: RESPONSES.indexOf(action) + 1,
          reason,
          idempotencyKey: key,
          dryRun: flags.dryRun === true,
          thaw: flags.thaw === true,
          incident: flags.incident ?? '',
        },
        { deadlineMs: DEADLINE_MS },
      )
      .catch((thrown: unknown) => {
        if (isUncertain(thrown)) {
          context.terminal.say(
            `plimsoll: it is not known whether it was done; the same command with --key ${key} does it once`,
          )
        }
        throw thrown
      }),
  )
  if (flags.json === true) printJson(context, { ...answer, idempotencyKey: key })
  else context.terminal.out(respondText(answer))
  context.status = STATUS[answer.result?.outcome ?? ''] ?? 0
}

/** `done`, `already` and `dry-run` are what was asked for. */
const STATUS: Readonly<Record<string, number>> = { refused: 3, limited: 3, failed: 1, partly: 1 }

/** The connection broke, or the time was over: UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED. */
function isUncertain(thrown: unknown): boolean {
  return [1, 4, 14].includes(grpcStatusOf(thrown))
}

function respondText({ result, repeatedRequest }: ResponseOf<'Respond'>): string {
  const { action, outcome, containerId, detail, incident, steps, directory } = result ?? {}
  const repeated = repeatedRequest === true ? ' (done before, with this key)' : ''
  const lines = [
    `${cell(action)} ${cell(containerId).slice(0, 12)}: ${cell(outcome)}${repeated}${detail ? `: ${cell(detail)}` : ''}`,
    `incident ${cell(incident)}${directory ? `; evidence in ${cell(directory)}` : ''}`,
    ...(steps ?? []).map(
      (each) =>
        `  ${cell(each.step)}: ${cell(each.outcome)}${each.detail ? `: ${cell(each.detail)}` : ''} (${(each.tookMs ?? 0).toFixed(1)} ms)`,
    ),
  ]
  return `${lines.join('\n')}\n`
}

export function releaseCommand(context: Context): Command {
  return asking('release', 'restore the network of an isolated container and thaw it')
    .argument('<incident>', 'its id, or the beginning of it')
    .requiredOption('--reason <text>', 'why, for the operator log')
    .action(async (incident: string, flags: ConnectionFlags & { readonly reason: string }) => {
      const answer = await withClient(context, flags, ({ control }) =>
        control.release({ incident, reason: flags.reason }, { deadlineMs: DEADLINE_MS }),
      )
      if (flags.json === true) printJson(context, answer)
      else {
        const details = (answer.details ?? []).map((each) => `  ${cell(each)}\n`).join('')
        context.terminal.out(`${cell(answer.incident)}: ${cell(answer.outcome)}\n${details}`)
      }
      if (answer.outcome === 'partly') context.status = 1
    })
}
