/** What the options of `enforce` for other programs mean. Whoever imports this file loads what parses and logs with it. */
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { EnforceServiceOptions } from '../engine/enforce-service.js'
import { openLog } from '../engine/log.js'
import { PlimsollError, quoted } from '../errors.js'
import { type ListenAddress, parseListenAddress } from '../service/listen-address.js'
import { parseMetricsAddress } from '../service/metrics/metrics-address.js'
import { parseSinkSpecs } from '../service/sinks/sink-spec.js'
import { type Context, operatorLogOf, stateDirectory, storeOf } from './context.js'
import type { ServiceFlags } from './enforce-service-options.js'

/** The socket in the state directory, on which `enforce` always listens: for root alone. */
export function ownSocket(stateDirectory: string): string {
  return join(stateDirectory, 'plimsoll.sock')
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
