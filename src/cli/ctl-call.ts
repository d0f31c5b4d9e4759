/** `plimsoll ctl call SERVICE/METHOD [JSON]`: any method there is, as a program would call it. */
import { text } from 'node:stream/consumers'
import type { Command } from 'commander'
import { failure } from '../errors.js'
import { jsonText } from '../engine/json-text.js'
import type { MethodName, ServiceName } from '../service/client/methods.js'
import { type Context, printJson } from './context.js'
import { asking, type ConnectionFlags, withClient } from './ctl-connection.js'
import { jsonOf, messageFrom } from './ctl-message.js'
import { durationMs, positiveCount } from './duration.js'

interface CallFlags extends ConnectionFlags {
  readonly count?: number
  readonly deadline?: number
}

export function callCommand(context: Context): Command {
  return asking('call', 'call any method of its services, and print the answer as JSON')
    .argument('<method>', 'for example Monitor/GetStats; see proto/plimsoll/v1')
    .argument('[json]', 'the request, fields as in the .proto files; - reads it from stdin', '{}')
    .option('--count <n>', 'of a stream: end after so many answers', positiveCount)
    .option('--deadline <duration>', 'give up after this time (default: 10s)', durationMs)
    .action((method: string, json: string, flags: CallFlags) =>
      runCall(context, method, json, flags),
    )
}

async function runCall(
  context: Context,
  called: string,
  json: string,
  flags: CallFlags,
): Promise<void> {
  const { definitionOf, STREAMS, UNARY } = await import('../service/client/methods.js')
  const { service, name } = methodOf(called, UNARY, STREAMS)
  const request = messageFrom(`${name}Request`, json === '-' ? await text(process.stdin) : json)
  const method = definitionOf(service, name)
  const answerOf = (answer: object): object => jsonOf(`${name}Response`, answer)
  await withClient(context, flags, async (client) => {
    if (!method.responseStream) {
      const options = flags.deadline === undefined ? {} : { deadlineMs: flags.deadline }
      printJson(context, answerOf(await client.call(method, request, options)))
      return
    }
    let left = flags.count ?? Infinity
    for await (const answer of client.stream(method, request)) {
      if (!(await context.terminal.hand(`${jsonText(answerOf(answer))}\n`))) return
      if (--left === 0) return
    }
  })
}

type Names = Readonly<Record<ServiceName, readonly string[]>>

function methodOf(
  called: string,
  unary: Names,
  streams: Names,
): { readonly service: ServiceName; readonly name: MethodName } {
  const [prefix = '', method = ''] = called.split('/', 2)
  const wanted = prefix.replace('plimsoll.v1.', '')
  const all = (Object.keys(unary) as ServiceName[]).flatMap((service) =>
    [...unary[service], ...streams[service]].map((name) => ({ service, name: name as MethodName })),
  )
  const found = all.find(({ service, name }) => service === wanted && name === method)
  if (found !== undefined) return found
  const known = all.map(({ service, name }) => `${service}/${name}`).join(', ')
  throw failure('USAGE', { problem: `${called} is no method; there are ${known}` })
}
