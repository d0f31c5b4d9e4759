/** `plimsoll enforce`: hold containers to their sealed baselines, say what leaves them, and act where that was asked for. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { SEVERITIES, type Severity } from '../detect/anomaly.js'
import { type Action, ACTIONS, type Policy, UNKNOWN_IMAGES } from '../detect/policy.js'
import { openNotifier } from '../engine/notify.js'
import { toldBoth } from '../engine/told-both.js'
import { failure } from '../errors.js'
import { command, type Context, jsonOption, stateOption } from './context.js'
import { durationMs } from './duration.js'
import { enforcementEvents } from './enforce-events.js'
import { type ServiceFlags, withServiceOptions } from './enforce-service-options.js'

interface EnforceFlags extends ServiceFlags {
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
  const enforce = command(
    'enforce',
    'hold containers to their sealed baselines, and say what leaves them',
  )
    .option('--all', 'watch every container that runs or starts')
    .option('--image <ref>', 'watch containers of this image')
    .option('--container <name>', 'watch the container of this name or id')
    .option(
      '--policy <file>',
      'rules above the baselines (default: policy.yaml in the state directory, else the one that ships)',
    )
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
  return withServiceOptions(enforce)
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
  // Loading yaml, zod and grpc takes longer than most commands do.
  const { serviceOptionsOf } = await import('./enforce-serving.js')
  const serving = serviceOptionsOf(context, flags)
  const { log, stateDirectory: state, store, recorder } = serving
  const stop = new AbortController()
  const onSignal = (): void => stop.abort()
  for (const signal of STOPPING) process.on(signal, onSignal)
  let timer: NodeJS.Timeout | undefined
  const { enforceContainers } = await import('../engine/enforce.js')
  const { logEvents } = await import('../engine/log-events.js')
  const { EnforceService } = await import('../engine/enforce-service.js')
  const { DEFAULT_SPOOL } = await import('../engine/unapplied-spool.js')
  try {
    const service = await EnforceService.open(serving)
    const notifier = openNotifier({
      env: terminal.env,
      pid: process.pid,
      isAlive: () => service.isAlive,
      failed: (problem) =>
        log.warn('service.notify', { msg: `the service manager is not told anything: ${problem}` }),
    })
    stop.signal.addEventListener('abort', () => {
      service.ending()
      notifier.stopping()
    })
    // A log in JSON has it all: a service whose two outputs are collected in one place would tell everything twice.
    const isLogged = flags.log === 'json'
    const view = enforcementEvents(
      isLogged ? { ...terminal, say: () => undefined, progress: () => undefined } : terminal,
      flags.json === true || (!isLogged && !terminal.isWatched),
      () => {
        notifier.ready()
        if (flags.for !== undefined) timer ??= setTimeout(onSignal, flags.for)
      },
    )
    try {
      await enforceContainers({
        env: terminal.env,
        stateDirectory: state,
        store,
        selection: { all, image, container },
        policyPath: flags.policy,
        unknown: flags.unknown,
        on: flags.on,
        dryRun: flags.dryRun === true,
        afterwards: flags.thaw === true ? 'thaw' : 'keep-frozen',
        spool: flags.spool ?? DEFAULT_SPOOL,
        events: service.heard(isLogged ? toldBoth(view.events, logEvents(log)) : view.events),
        stop: stop.signal,
        onReload: (reload) => {
          const onHangUp = (): void => {
            notifier.reloading()
            service.reload()
            reload()
            notifier.ready()
          }
          process.on('SIGHUP', onHangUp)
          return () => void process.off('SIGHUP', onHangUp)
        },
        recorder,
        service,
      })
      view.ended()
    } finally {
      await service.stop()
      await notifier.close()
    }
  } finally {
    clearTimeout(timer)
    for (const signal of STOPPING) process.off(signal, onSignal)
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
