/** `plimsoll watch`: what a running plimsoll finds, as it finds it, on a terminal, to a program, or into a file that forgets nothing. */
import { type Command, Option } from 'commander'
import type { PlimsollClient } from '../client.js'
import { ANOMALY_KINDS, SEVERITIES } from '../detect/anomaly.js'
import { failure } from '../errors.js'
import type { Context } from './context.js'
import { asking, type ConnectionFlags, withClient } from './ctl-connection.js'
import { positiveCount } from './duration.js'
import { watchNotices } from './watch-notices.js'
import { type WatchOutput, watchOutput } from './watch-output.js'
import { watchRequest, type WatchSelection } from './watch-request.js'

export interface WatchFlags extends ConnectionFlags, WatchSelection {
  readonly cursorFile?: string
  readonly out?: string
  readonly heartbeat?: boolean
  readonly count?: number
  readonly reconnect: boolean
}

const STOPPING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export function watchCommand(context: Context): Command {
  return asking('watch', 'follow what a running plimsoll finds, across restarts')
    .option('--from <place>', 'now, earliest, or a cursor to go on after', 'now')
    .option('--cursor-file <file>', 'remember how far it came, and go on from there the next time')
    .option(
      '--out <file>',
      'append JSON lines to this file instead, each event exactly once, and go on after its last line the next time',
    )
    .addOption(
      new Option('--min-severity <severity>', 'anomalies from this severity up').choices(
        SEVERITIES,
      ),
    )
    .addOption(new Option('--kind <kind...>', 'anomalies of these kinds').choices(ANOMALY_KINDS))
    .addOption(new Option('--not-kind <kind...>', 'none of these kinds').choices(ANOMALY_KINDS))
    .option('--image <pattern...>', 'anomalies of these images: names with *, or digests')
    .option('--container <pattern...>', 'anomalies of these containers: names with *, or ids')
    .option(
      '--fields <names>',
      'only these fields, as --json names them: id,what,workload.imageName',
    )
    .option('--heartbeat', 'show signs of life, too')
    .option('--count <n>', 'end after so many anomalies', positiveCount)
    .option('--no-reconnect', 'end when the connection fails, instead of trying again')
    .action((flags: WatchFlags) => runWatch(context, flags))
}

async function runWatch(context: Context, flags: WatchFlags): Promise<void> {
  if (flags.out !== undefined && flags.cursorFile !== undefined) {
    throw failure('USAGE', { problem: '--out keeps its place itself: leave out --cursor-file' })
  }
  const stop = new AbortController()
  const onSignal = (): void => stop.abort()
  for (const signal of STOPPING) process.on(signal, onSignal)
  try {
    await withClient(context, flags, async (client) => {
      const output = await watchOutput(context.terminal, flags)
      try {
        await follow(context, client, flags, output, stop.signal)
      } finally {
        await output.close()
      }
    })
  } finally {
    for (const signal of STOPPING) process.off(signal, onSignal)
  }
}

async function follow(
  { terminal }: Context,
  client: PlimsollClient,
  flags: WatchFlags,
  output: WatchOutput,
  signal: AbortSignal,
): Promise<void> {
  const notices = watchNotices(terminal)
  let begun: Promise<void> | undefined
  let left = flags.count ?? Infinity
  const events = client.watch(output.from(watchRequest(flags)), {
    signal,
    reconnect: flags.reconnect,
    heartbeats: flags.heartbeat === true,
    onState: (state) => {
      notices.connection(state)
      if (state.kind !== 'connected' || begun !== undefined) return
      begun = output.begin(state.cursor)
      // Said where it is waited for.
      begun.catch(() => undefined)
    },
  })
  for await (const event of events) {
    await begun
    notices.event(event)
    if (!(await output.write(event))) return
    if (event.anomaly != null && --left === 0) return
  }
  await begun
}
