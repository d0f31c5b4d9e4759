/** All commands put together, and the one place where errors become messages and exit codes. */
import { Command, CommanderError } from 'commander'
import { asPlimsollError } from '../errors.js'
import { VERSION } from '../version.js'
import type { Context } from './context.js'
import type { Terminal } from './terminal.js'

type Loader = () => Promise<(context: Context) => Command>

/** All commands, in the order in which help lists them. */
const COMMANDS: Readonly<Record<string, Loader>> = {
  doctor: async () => (await import('./doctor.js')).doctorCommand,
  learn: async () => (await import('./learn.js')).learnCommand,
  record: async () => (await import('./record.js')).recordCommand,
  replay: async () => (await import('./replay.js')).replayCommand,
  baseline: async () => (await import('./baseline.js')).baselineCommand,
  profile: async () => (await import('./profile.js')).profileCommand,
  apply: async () => (await import('./apply.js')).applyCommand,
  policy: async () => (await import('./policy.js')).policyCommand,
  calibrate: async () => (await import('./calibrate.js')).calibrateCommand,
  enforce: async () => (await import('./enforce.js')).enforceCommand,
  anomaly: async () => (await import('./anomaly.js')).anomalyCommand,
  incident: async () => (await import('./incident.js')).incidentCommand,
  watch: async () => (await import('./watch.js')).watchCommand,
  ctl: async () => (await import('./ctl.js')).ctlCommand,
  audit: async () => (await import('./audit.js')).auditCommand,
  certs: async () => (await import('./certs.js')).certsCommand,
}

/** The command that is asked for: to load them all takes twice as long. All where none is named, for help and advice. */
function loadersFor(args: readonly string[]): readonly Loader[] {
  const name = args.find((arg) => !arg.startsWith('-')) ?? ''
  const loader = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  return loader === undefined ? Object.values(COMMANDS) : [loader]
}

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
  for (const load of loadersFor(args)) {
    program.addCommand(inheriting((await load())(context), program))
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
