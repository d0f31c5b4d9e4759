/** `plimsoll doctor`: what the sensor needs, what is there, and what to do about the rest. */
import { spawnSync } from 'node:child_process'
import type { Command } from 'commander'
import { hostChecks } from '../engine/host.js'
import { quoted } from '../errors.js'
import type { Check } from '../sensor/preflight.js'
import { command, type Context, jsonOption, printJson } from './context.js'

/** Answer "no": this host cannot run the sensor. */
const NOT_READY = 3

export function doctorCommand(context: Context): Command {
  return command('doctor', 'check whether this host can run the sensor')
    .option('--fix', 'mount and install what is missing (as root)')
    .addOption(jsonOption())
    .action(async (flags: { fix?: boolean; json?: boolean }) => {
      let checks = await hostChecks(context.terminal.env)
      if (flags.fix === true && mend(context, checks)) {
        checks = await hostChecks(context.terminal.env)
      }
      if (flags.json === true) {
        printJson(context, { ready: checks.every((check) => check.ok), checks })
      } else {
        for (const check of checks) context.terminal.out(lineOf(check))
      }
      if (!checks.every((check) => check.ok)) context.status = NOT_READY
    })
}

/** Runs the remedies that are commands; true if any was run. */
function mend(context: Context, checks: readonly Check[]): boolean {
  let ran = false
  for (const { ok, fix, name } of checks) {
    const [program, ...args] = fix ?? []
    if (ok || program === undefined) continue
    context.terminal.say(`plimsoll: ${name}: ${[program, ...args].join(' ')}`)
    // Its output is for the person who asked; stdout stays for the result.
    const { status } = spawnSync(program, args, { stdio: ['ignore', 2, 2] })
    if (status !== 0) context.terminal.say(`plimsoll: that failed with status ${status ?? 'none'}`)
    ran = true
  }
  return ran
}

function lineOf({ name, ok, found, remedy, unseen }: Check): string {
  const word = ok ? (unseen === undefined ? 'ok' : 'part') : 'FAIL'
  const line = `${word.padEnd(4)}  ${name.padEnd(13)}  ${quoted(found)}\n`
  if (!ok) return `${line}      ${remedy}\n`
  return unseen === undefined ? line : `${line}      Not seen: ${unseen}. ${remedy}\n`
}
