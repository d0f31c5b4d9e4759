/** `plimsoll ctl status`: whether a running plimsoll is well, and what it has seen. Its status is 3 if it does not see or keep all. */
import type { Command } from 'commander'
import type { PlimsollClient, ResponseOf } from '../client.js'
import { KIND_CODES, SEVERITY_CODES } from '../service/anomaly-codes.js'
import { type Context, printJson } from './context.js'
import { asking, type ConnectionFlags, grpcStatusOf, withClient } from './ctl-connection.js'
import { cell, time } from './ctl-text.js'
import { plural } from './plural.js'
import { stateProblem } from './watch-notices.js'

const MONITOR = 'plimsoll.v1.Monitor'

export function statusCommand(context: Context): Command {
  return asking('status', 'whether it is well, and what it has seen').action(
    async (flags: ConnectionFlags) => {
      const { stats, health } = await withClient(context, flags, async (client) => ({
        stats: await client.monitor.getStats(),
        health: { server: await healthOf(client, ''), monitor: await healthOf(client, MONITOR) },
      }))
      const problem = stateProblem(stats.state ?? {})
      if (flags.json === true) printJson(context, { health, problem, ...named(stats) })
      else context.terminal.out(statusText(stats, health.monitor, problem))
      if (problem !== '') context.status = 3
    },
  )
}

/** A service without the health service is no failure. */
async function healthOf(client: PlimsollClient, service: string): Promise<string> {
  try {
    return (await client.health(service)).toLowerCase()
  } catch (thrown) {
    const status = grpcStatusOf(thrown)
    if (status === 12) return 'not offered'
    if (status === 5) return 'service_unknown'
    throw thrown
  }
}

function named(stats: ResponseOf<'GetStats'>): object {
  return {
    ...stats,
    anomalies: (stats.anomalies ?? []).map(({ kind, severity, count }) => ({
      kind: KIND_CODES.wordOf(kind),
      severity: SEVERITY_CODES.wordOf(severity),
      count: count ?? 0,
    })),
  }
}

function statusText(stats: ResponseOf<'GetStats'>, health: string, problem: string): string {
  const { state } = stats
  const anomalies = stats.anomalies ?? []
  const total = anomalies.reduce((sum, { count }) => sum + (count ?? 0), 0)
  const losses = (state?.losses ?? []).map(({ reason, count }) => `${cell(reason)} ${count ?? 0}`)
  const lines = [
    `plimsoll ${cell(stats.version)} on ${cell(stats.node)}, since ${time(stats.startedMs)}; health: ${health}`,
    problem === '' ? 'everything is seen and kept' : problem,
    `watches    ${plural(state?.containersWatched ?? 0, 'container')}, holds ${plural(state?.imagesHeld ?? 0, 'image')}`,
    `judged     ${plural(stats.observations ?? 0, 'observation')}, ${plural(total, 'anomaly', 'anomalies')}`,
    ...anomalies.map(
      ({ kind, severity, count }) =>
        `           ${count ?? 0} ${SEVERITY_CODES.wordOf(severity)} ${KIND_CODES.wordOf(kind)}`,
    ),
    `lost       ${losses.length === 0 ? 'nothing' : losses.join(', ')}`,
    `journal    ${cell(stats.firstCursor)} to ${cell(stats.lastCursor)}, ${mebibytes(stats.journalBytes)}`,
    `streams    ${plural(stats.subscribers ?? 0, 'client')}; memory ${mebibytes(stats.memoryBytes)}`,
  ]
  return `${lines.join('\n')}\n`
}

function mebibytes(bytes: number | null | undefined): string {
  return `${((bytes ?? 0) / 2 ** 20).toFixed(1)} MiB`
}
