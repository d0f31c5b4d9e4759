/** How commands reach a running plimsoll: options for where it is, and failures in the words of the catalogue. */
import type { Command } from 'commander'
import type { PlimsollClient, PlimsollClientError } from '../client.js'
import { type ErrorCode, ERRORS } from '../error-catalogue.js'
import { failure, PlimsollError } from '../errors.js'
import { command, type Context, jsonOption, stateDirectory, stateOption } from './context.js'

export interface ConnectionFlags {
  readonly address?: string
  readonly state?: string
  readonly tlsCa?: string
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly serverName?: string
  readonly json?: boolean
}

/** The socket of `plimsoll enforce` in its state directory. */
const SOCKET = 'plimsoll.sock'

/** A command that asks a running plimsoll, with the options for that and `--json`. */
export function asking(name: string, description: string): Command {
  return command(name, description)
    .option(
      '--address <address>',
      `unix:PATH or tcp:HOST:PORT of a running plimsoll (default: $PLIMSOLL_ADDRESS, ${SOCKET} in the state directory)`,
    )
    .option('--tls-ca <file>', 'over TCP: the CA that its certificate comes from')
    .option('--tls-cert <file>', 'over TCP: your certificate')
    .option('--tls-key <file>', 'over TCP: the key of your certificate')
    .option('--server-name <name>', 'over TCP: the name in its certificate, if it is not the host')
    .addOption(stateOption())
    .addOption(jsonOption())
}

/** What `work` resolves to; it gets a client, which is closed afterwards. Failures of the client become those of plimsoll. */
export async function withClient<Result>(
  context: Context,
  flags: ConnectionFlags,
  work: (client: PlimsollClient) => Promise<Result>,
): Promise<Result> {
  // Loading gRPC takes longer than most commands do.
  const { connect, PlimsollClientError } = await import('../client.js')
  let client: PlimsollClient | undefined
  try {
    const tls = tlsOf(flags)
    client = connect({
      address: addressOf(context, flags),
      ...(tls === undefined ? {} : { tls }),
    })
    return await work(client)
  } catch (thrown) {
    throw thrown instanceof PlimsollClientError ? asFailure(thrown) : thrown
  } finally {
    client?.close()
  }
}

function addressOf({ terminal }: Context, { address, state }: ConnectionFlags): string {
  if (address !== undefined) return address
  // A state directory that is named means the plimsoll that works with it.
  if (state === undefined && terminal.env['PLIMSOLL_ADDRESS'])
    return terminal.env['PLIMSOLL_ADDRESS']
  return `unix:${stateDirectory(state, terminal.env)}/${SOCKET}`
}

type Tls = { ca: string; cert: string; key: string; serverName?: string }

function tlsOf({
  tlsCa: ca,
  tlsCert: cert,
  tlsKey: key,
  serverName,
}: ConnectionFlags): Tls | undefined {
  if (ca === undefined && cert === undefined && key === undefined) return undefined
  if (ca === undefined || cert === undefined || key === undefined) {
    throw failure('USAGE', { problem: 'give --tls-ca, --tls-cert and --tls-key together' })
  }
  return { ca, cert, key, ...(serverName === undefined ? {} : { serverName }) }
}

/** The error that the command line knows how to say. */
export function asFailure(error: PlimsollClientError): PlimsollError {
  if (!Object.hasOwn(ERRORS, error.code)) {
    const problem = error.message === '' ? error.code : error.message
    return failure('CALL_FAILED', { problem, code: error.code }, error)
  }
  return new PlimsollError(error.code as ErrorCode, error.message, hintOf(error), error)
}

/** The status of gRPC that a call failed with, by its number; 0 for anything else that was thrown. */
export function grpcStatusOf(thrown: unknown): number {
  if (!(thrown instanceof Error) || !('grpc' in thrown)) return 0
  return typeof thrown.grpc === 'number' ? thrown.grpc : 0
}

function hintOf({ hint, code }: PlimsollClientError): string {
  return hint === '' ? `docs/service.md says what ${code} means.` : hint
}
