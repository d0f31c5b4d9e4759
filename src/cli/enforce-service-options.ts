/** The options of `enforce` by which other programs are let in: where it listens, sinks, metrics, what the journal keeps. */
import { type Command, Option } from 'commander'
import { LOG_FORMATS, type LogFormat } from '../engine/log-format.js'
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

function repeated(text: string, known: readonly string[]): readonly string[] {
  return [...known, text]
}
