/** `plimsoll ctl policy`: the rules of a running plimsoll, read and replaced. */
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { asProblem, failure, quoted } from '../errors.js'
import { command, type Context, printJson } from './context.js'
import { asking, type ConnectionFlags, withClient } from './ctl-connection.js'
import { plural } from './plural.js'

interface SetFlags extends ConnectionFlags {
  readonly reason: string
  readonly expect?: string
  readonly dryRun?: boolean
}

export function policyCommand(context: Context): Command {
  return command('policy', 'its rules').addCommand(get(context)).addCommand(set(context))
}

function get(context: Context): Command {
  return asking('get', 'print the policy in force').action(async (flags: ConnectionFlags) => {
    const policy = await withClient(context, flags, ({ control }) => control.getPolicy())
    if (flags.json === true) printJson(context, policy)
    else {
      context.terminal.say(
        `plimsoll: ${quoted(policy.path ?? '')}, SHA-256 ${quoted(policy.sha256 ?? '')}`,
      )
      context.terminal.out(policy.yaml ?? '')
    }
  })
}

function set(context: Context): Command {
  return asking('set', 'put another policy in force')
    .argument('<file>', 'the policy, YAML')
    .requiredOption('--reason <text>', 'why, for the operator log')
    .option('--expect <sha256>', 'only if this policy is in force, as `get` says it')
    .option('--dry-run', 'check it, say what it would allow, and change nothing')
    .action(async (file: string, flags: SetFlags) => {
      const yaml = await readFile(file, 'utf8').catch((thrown: unknown) => {
        throw failure('FILE_UNREADABLE', { path: file, problem: asProblem(thrown) }, thrown)
      })
      const answer = await withClient(context, flags, ({ control }) =>
        control.setPolicy({
          yaml,
          reason: flags.reason,
          expectedSha256: flags.expect ?? '',
          dryRun: flags.dryRun === true,
        }),
      )
      if (flags.json === true) {
        printJson(context, answer)
        return
      }
      const { terminal } = context
      for (const warning of answer.warnings ?? []) terminal.say(`warning: ${quoted(warning)}`)
      const allowed = answer.allowedCount ?? 0
      const ids = (answer.allowedAnomalies ?? []).map(quoted).join(' ')
      terminal.out(
        `${answer.applied === true ? 'in force' : 'not applied'}: SHA-256 ${quoted(answer.sha256 ?? '')}\n` +
          `it allows ${plural(allowed, 'kept anomaly', 'kept anomalies')}${ids === '' ? '' : `: ${ids}`}\n`,
      )
    })
}
