/** `plimsoll enforce`: hold containers to their sealed baselines, say what leaves them, and act where that was asked for. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { SEVERITIES, type Severity } from '../detect/anomaly.js'
import { type Action, ACTIONS, type Policy, UNKNOWN_IMAGES } from '../detect/policy.js'
import { AnomalyLog } from '../engine/anomaly-log.js'
import { failure } from '../errors.js'
import {
  command,
  type Context,
  jsonOption,
  stateDirectory,
  stateOption,
  storeOf,
} from './context.js'
import { durationMs } from './duration.js'
import { enforcementEvents } from './enforce-events.js'

interface EnforceFlags {
  readonly state?: string
  readonly all?: boolean
  readonly image?: string
  readonly container?: string
  readonly policy?: string
  readonly on: ReadonlyMap<Severity, Action>
  readonly dryRun?: boolean
  readonly thaw?: boolean
  readonly unknown?: Policy['unknownImages']
  readonly for?: number
  readonly spool?: string
  readonly json?: boolean
}

const STOPPING = ['SIGINT', 'SIGTERM'] as const

export function enforceCommand(context: Context): Command {
  return command('enforce', 'hold containers to their sealed baselines, and say what leaves them')
    .option('--all', 'watch every container that runs or starts')
    .option('--image <ref>', 'watch containers of this image')
    .option('--container <name>', 'watch the container of this name or id')
    .option('--policy <file>', 'rules above the baselines (default: the policy that ships)')
    .option(
      '--on <severity=action>',
      `what to do from a severity up: ${ACTIONS.join(', ')}, e.g. --on critical=isolate; may be repeated`,
      withResponse,
      new Map<Severity, Action>(),
    )
    .option('--dry-run', 'say what would be done, and do nothing')
    .option(
      '--thaw',
      'let an isolated container go on without its network, once the evidence is written',
    )
    .addOption(
      new Option(
        '--unknown <what>',
        'images without a sealed baseline: learn, alert or ignore (default: what the policy says)',
      ).choices(UNKNOWN_IMAGES),
    )
    .option('--for <duration>', 'stop after this time, e.g. 60s or 10m', durationMs)
    .addOption(new Option('--spool <file>', 'where hooks leave their notes').hideHelp())
    .addOption(stateOption())
    .addOption(jsonOption())
    .action((flags: EnforceFlags) => runEnforcement(context, flags))
}

async function runEnforcement(context: Context, flags: EnforceFlags): Promise<void> {
  const { all = false, image = '', container = '' } = flags
  if ([all, image !== '', container !== ''].filter(Boolean).length !== 1) {
    throw failure('USAGE', { problem: 'give one of --all, --image and --container' })
  }
  const { terminal } = context
  const state = stateDirectory(flags.state, terminal.env)
  const stop = new AbortController()
  const onSignal = (): void => stop.abort()
  for (const signal of STOPPING) process.on(signal, onSignal)
  const log = await AnomalyLog.open(state)
  let timer: NodeJS.Timeout | undefined
  const view = enforcementEvents(terminal, log, flags.json === true || !terminal.isWatched, () => {
    if (flags.for !== undefined) timer ??= setTimeout(onSignal, flags.for)
  })
  // Loading yaml and zod takes longer than most commands do.
  const { enforceContainers } = await import('../engine/enforce.js')
  const { DEFAULT_SPOOL } = await import('../engine/unapplied-spool.js')
  try {
    await enforceContainers({
      env: terminal.env,
      stateDirectory: state,
      store: storeOf(flags.state, context),
      selection: { all, image, container },
      policyPath: flags.policy,
      unknown: flags.unknown,
      on: flags.on,
      dryRun: flags.dryRun === true,
      afterwards: flags.thaw === true ? 'thaw' : 'keep-frozen',
      spool: flags.spool ?? DEFAULT_SPOOL,
      events: view.events,
      stop: stop.signal,
      onReload: (reload) => {
        process.on('SIGHUP', reload)
        return () => void process.off('SIGHUP', reload)
      },
    })
    view.ended()
  } finally {
    clearTimeout(timer)
    for (const signal of STOPPING) process.off(signal, onSignal)
    await log.close()
  }
}

/** `critical=isolate`: from that severity up, so that the worse never get less. */
function withResponse(
  text: string,
  known: ReadonlyMap<Severity, Action>,
): ReadonlyMap<Severity, Action> {
  const [name, wanted] = text.split('=', 2)
  const from = SEVERITIES.findIndex((severity) => severity === name)
  const action = ACTIONS.find((each) => each === wanted)
  if (from < 0 || action === undefined) {
    throw new InvalidArgumentError(
      `Give a severity (${SEVERITIES.join(', ')}) and an action (${ACTIONS.join(', ')}), such as critical=isolate.`,
    )
  }
  const responses = new Map(known)
  for (const severity of SEVERITIES.slice(from)) {
    const before = ACTIONS.indexOf(responses.get(severity) ?? 'alert')
    if (ACTIONS.indexOf(action) >= before) responses.set(severity, action)
  }
  return responses
}
