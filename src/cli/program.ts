/** All commands put together, and the one place where errors become messages and exit codes. */
import { Command, CommanderError } from 'commander'
import { asPlimsollError } from '../errors.js'
import { VERSION } from '../version.js'
import { anomalyCommand } from './anomaly.js'
import { applyCommand } from './apply.js'
import { auditCommand } from './audit.js'
import { baselineCommand } from './baseline.js'
import { calibrateCommand } from './calibrate.js'
import { certsCommand } from './certs.js'
import type { Context } from './context.js'
import { ctlCommand } from './ctl.js'
import { doctorCommand } from './doctor.js'
import { enforceCommand } from './enforce.js'
import { incidentCommand } from './incident.js'
import { learnCommand } from './learn.js'
import { policyCommand } from './policy.js'
import { profileCommand } from './profile.js'
import { recordCommand } from './record.js'
import { replayCommand } from './replay.js'
import type { Terminal } from './terminal.js'
import { watchCommand } from './watch.js'

/** Runs one command line (without node and script) and returns the exit status. Never throws. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const context: Context = { terminal, status: 0 }
  const program = new Command('plimsoll')
    .description(
      'Learns which system calls, programs and connections a container image really uses, and holds it to them.',
    )
    .version(VERSION)
    .option('--debug', 'print stack traces')
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.say(text.trimEnd()),
    })
    .exitOverride()
    .enablePositionalOptions()
    .showHelpAfterError('See plimsoll --help.')
  for (const command of [
    doctorCommand(context),
    learnCommand(context),
    recordCommand(context),
    replayCommand(context),
    baselineCommand(context),
    profileCommand(context),
    applyCommand(context),
    policyCommand(context),
    calibrateCommand(context),
    enforceCommand(context),
    anomalyCommand(context),
    incidentCommand(context),
    watchCommand(context),
    ctlCommand(context),
    auditCommand(context),
    certsCommand(context),
  ]) {
    program.addCommand(inheriting(command, program))
  }
  try {
    await program.parseAsync([...args], { from: 'user' })
    return context.status
  } catch (thrown) {
    // commander has printed its own message; help and version are no failures.
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2
    const error = asPlimsollError(thrown)
    terminal.say(`plimsoll: ${error.message}`)
    terminal.say(`hint: ${error.hint}`)
    if (program.opts()['debug'] === true) terminal.say(stackOf(thrown))
    return error.exit
  }
}

/** Commands made apart do not inherit how errors are handled. */
function inheriting(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent)
  for (const sub of command.commands) inheriting(sub, command)
  return command
}

function stackOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  const cause = thrown.cause === undefined ? '' : `\ncaused by: ${stackOf(thrown.cause)}`
  return `${thrown.stack ?? thrown.message}${cause}`
}
