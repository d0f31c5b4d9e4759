/** `plimsoll policy ...`: say what is wrong with a policy, show what one says, and try it on a trace. */
import type { Command } from 'commander'
import { quoted } from '../errors.js'
import { command, type Context, jsonOption, printJson } from './context.js'
import { plural } from './plural.js'
import { policyTestCommand } from './policy-test.js'

/** Answer "no": the policy has errors. */
const HAS_ERRORS = 3

interface Flags {
  readonly json?: boolean
}

export function policyCommand(context: Context): Command {
  return command('policy', 'check a policy, show what it says, and try it on a trace')
    .addCommand(check(context))
    .addCommand(show(context))
    .addCommand(policyTestCommand(context))
}

function check(context: Context): Command {
  return command('check', 'say everything that is wrong with a policy, with line and field')
    .argument('<file>', 'the policy')
    .addOption(jsonOption())
    .action(async (file: string, flags: Flags) => {
      // What reads policies takes longer to load than most commands take to run.
      const { checkPolicy } = await import('../engine/policy-file.js')
      const { problemText } = await import('../detect/policy-problem.js')
      const { policy, problems } = await checkPolicy(file)
      const count =
        policy === undefined ? 0 : policy.hardDeny.length + policy.deny.length + policy.allow.length
      if (flags.json === true) {
        printJson(context, { ok: policy !== undefined, rules: count, problems })
      } else {
        for (const problem of problems) {
          const text = `${file}:${problem.line === 0 ? ' ' : ''}${problemText(problem)}`
          context.terminal.out(`${problem.severity}: ${quoted(text)}\n`)
        }
        context.terminal.out(
          policy === undefined
            ? `not usable: ${plural(problems.length, 'error')}\n`
            : `ok: ${plural(count, 'rule')}${problems.length === 0 ? '' : `, ${plural(problems.length, 'warning')}`}\n`,
        )
      }
      if (policy === undefined) context.status = HAS_ERRORS
    })
}

function show(context: Context): Command {
  return command('show', 'show a policy as it takes effect: its rules in the order they are asked')
    .argument('[file]', 'the policy (default: the one that ships)')
    .addOption(jsonOption())
    .action(async (file: string | undefined, flags: Flags) => {
      const { loadPolicy } = await import('../engine/policy-file.js')
      const { policyText, policyView } = await import('./policy-text.js')
      const { policy, compiled } = await loadPolicy(file)
      if (flags.json === true) printJson(context, policyView(policy, compiled))
      else context.terminal.out(policyText(policy, compiled))
    })
}
