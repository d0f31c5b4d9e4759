/** The options of `enforce` by which other programs are let in: where it listens, sinks, metrics, what the journal keeps. */
import { hostname } from 'node:os'
import { join } from 'node:path'
import { type Command, Option } from 'commander'
import type { EnforceServiceOptions } from '../engine/enforce-service.js'
import { LOG_FORMATS, type LogFormat, openLog } from '../engine/log.js'
import { PlimsollError, quoted } from '../errors.js'
import { type ListenAddress, parseListenAddress } from '../service/listen-address.js'
import { parseMetricsAddress } from '../service/metrics/metrics-address.js'
import { parseSinkSpecs } from '../service/sinks/sink-spec.js'
import { type Context, operatorLogOf, stateDirectory, storeOf } from './context.js'
import { durationMs, sizeBytes } from './duration.js'

export interface ServiceFlags {
  readonly state?: string
  readonly listen: readonly string[]
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly tlsCa?: string
  readonly roles?: string
  readonly sink: readonly string[]
  readonly metrics?: string
  readonly keepFor?: number
  readonly keepSize?: number
  readonly log: LogFormat
}

/** The socket in the state directory, on which `enforce` always listens: for root alone. */
export function ownSocket(stateDirectory: string): string {
  return join(stateDirectory, 'plimsoll.sock')
}

/** Adds the options. */
export function withServiceOptions(command: Command): Command {
  return command
    .option(
      '--listen <address>',
      'also serve gRPC on unix:PATH[,role=ROLE,mode=0660,group=NAME] or tcp:HOST:PORT; may be repeated',
      repeated,
      [],
    )
    .option('--tls-cert <file>', 'certificate of the service, for tcp addresses that name none')
    .option('--tls-key <file>', 'its key')
    .option('--tls-ca <file>', 'CA of the certificates of clients')
    .option('--roles <file>', 'which certificates have which role')
    .option(
      '--sink <sink>',
      "deliver anomalies: 'file:PATH', 'http:URL', 'syslog:tcp:HOST:PORT', with ;KEY=VALUE; may be repeated",
      repeated,
      [],
    )
    .option('--metrics <address>', 'serve Prometheus metrics and health on HOST:PORT or unix:PATH')
    .option('--keep-for <duration>', 'how long the journal keeps events (default: 30d)', durationMs)
    .option('--keep-size <size>', 'how much it keeps (default: 512MiB)', sizeBytes)
    .addOption(
      new Option('--log <format>', 'what is said on standard error')
        .choices(LOG_FORMATS)
        .default('text'),
    )
}

/** What the flags mean. Throws `LISTEN_ADDRESS`, `LISTEN_NO_TCP`, `BAD_SINK`, `METRICS_ADDRESS`, before anything is begun. */
export function serviceOptionsOf(context: Context, flags: ServiceFlags): EnforceServiceOptions {
  const { terminal } = context
  const cwd = process.cwd()
  const state = stateDirectory(flags.state, terminal.env)
  const { tlsCert: cert, tlsKey: key, tlsCa: ca, roles } = flags
  const tls = Object.fromEntries(
    Object.entries({ cert, key, ca, roles }).filter(([, file]) => file !== undefined),
  )
  const listen = flags.listen.map((text) => parseListenAddress(text, cwd, tls))
  const { metrics, keepFor, keepSize } = flags
  return {
    stateDirectory: state,
    store: storeOf(flags.state, context),
    listen: [...ownAddress(state, cwd, (line) => terminal.say(line)), ...listen],
    sinks: parseSinkSpecs(flags.sink, cwd),
    metrics: metrics === undefined ? undefined : parseMetricsAddress(metrics, cwd),
    retention: {
      ...(keepFor === undefined ? {} : { maxAgeMs: keepFor }),
      ...(keepSize === undefined ? {} : { maxBytes: keepSize }),
    },
    node: hostname(),
    recorder: operatorLogOf(flags.state, context),
    log: openLog({
      format: flags.log,
      nowMs: () => Date.now(),
      ...(flags.log === 'text'
        ? { write: (line: string): void => terminal.say(line.trimEnd()) }
        : {}),
    }),
  }
}

/** None where the path of the state directory leaves no room for a socket. */
function ownAddress(
  state: string,
  cwd: string,
  say: (line: string) => void,
): readonly ListenAddress[] {
  try {
    return [parseListenAddress(`unix:${ownSocket(state).replaceAll(',', '\\,')}`, cwd)]
  } catch (thrown) {
    if (!(thrown instanceof PlimsollError)) throw thrown
    say(`plimsoll: not listening in the state directory: ${quoted(thrown.message)}`)
    return []
  }
}

function repeated(text: string, known: readonly string[]): readonly string[] {
  return [...known, text]
}
