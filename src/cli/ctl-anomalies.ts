/** `plimsoll ctl anomalies`, `anomaly` and `timeline`: what a running plimsoll has found, from its journal. */
import { type Command, Option } from 'commander'
import { ANOMALY_KINDS, SEVERITIES } from '../detect/anomaly.js'
import type { AnomalyView } from '../detect/anomaly-view.js'
import { failure, quoted } from '../errors.js'
import { LINEAGE_CODES } from '../service/anomaly-codes.js'
import { anomalyViewOf } from '../service/anomaly-message.js'
import { anomalyText } from './anomaly-text.js'
import { type Context, printJson } from './context.js'
import { asking, type ConnectionFlags, withClient } from './ctl-connection.js'
import { cell, time } from './ctl-text.js'
import { positiveCount } from './duration.js'
import { table } from './table.js'
import { filtersOf, type WatchSelection } from './watch-request.js'

interface ListFlags extends ConnectionFlags, WatchSelection {
  readonly limit: number
  readonly latest?: boolean
}

const LIMIT = 1000
const PAGE = 500

export function anomaliesCommand(context: Context): Command {
  return asking('anomalies', 'list what its journal keeps, the latest last')
    .addOption(new Option('--min-severity <severity>', 'from this severity up').choices(SEVERITIES))
    .addOption(new Option('--kind <kind...>', 'only these kinds').choices(ANOMALY_KINDS))
    .addOption(new Option('--not-kind <kind...>', 'none of these kinds').choices(ANOMALY_KINDS))
    .option('--image <pattern...>', 'only of these images: names with *, or digests')
    .option('--container <pattern...>', 'only of these containers: names with *, or ids')
    .option('--limit <n>', 'at most so many', positiveCount, LIMIT)
    .option('--latest', 'the latest first')
    .action(async (flags: ListFlags) => {
      const views = await withClient(context, flags, async ({ monitor }) => {
        const found: AnomalyView[] = []
        let pageToken = ''
        do {
          const page = await monitor.listAnomalies({
            filters: filtersOf(flags),
            pageSize: Math.min(PAGE, flags.limit - found.length),
            pageToken,
            descending: flags.latest === true,
          })
          found.push(...(page.anomalies ?? []).map(anomalyViewOf))
          pageToken = page.nextPageToken ?? ''
        } while (pageToken !== '' && found.length < flags.limit)
        return found
      })
      if (flags.json === true) printJson(context, views)
      else context.terminal.out(table(HEAD, views.map(rowOf)))
    })
}

const HEAD = ['ID', 'AT', 'SEVERITY', 'WHAT', 'CONTAINER', 'COUNT', 'INCIDENT']

function rowOf({ id, at, severity, what, workload, count, incident }: AnomalyView): string[] {
  const container = workload.containerName || workload.containerId.slice(0, 12)
  return [id, at, severity, what, container, String(count), incident].map(quoted)
}

export function anomalyCommand(context: Context): Command {
  return asking('anomaly', 'show one anomaly with its evidence and what went before')
    .argument('<id>', 'as `ctl anomalies` or `watch` shows it')
    .action(async (id: string, flags: ConnectionFlags) => {
      const { anomaly } = await withClient(context, flags, ({ monitor }) =>
        monitor.getAnomaly({ id }),
      )
      const view = anomalyViewOf(anomaly ?? {})
      if (flags.json === true) printJson(context, view)
      else context.terminal.out(anomalyText(view))
    })
}

interface TimelineFlags extends ConnectionFlags {
  readonly container?: string
  readonly incident?: string
  readonly limit?: number
}

export function timelineCommand(context: Context): Command {
  return asking('timeline', 'what a container did for the first time, oldest first')
    .option('--container <ref>', 'a container that is watched: its name or id')
    .option('--incident <id>', 'or all anomalies of an incident')
    .option('--limit <n>', 'the latest so many', positiveCount)
    .action(async (flags: TimelineFlags) => {
      const { container, incident, limit = 0 } = flags
      if ((container === undefined) === (incident === undefined)) {
        throw failure('USAGE', { problem: 'give one of --container and --incident' })
      }
      const target = container === undefined ? { incident: incident ?? '' } : { container }
      const { entries, anomalyIds } = await withClient(context, flags, ({ monitor }) =>
        monitor.getTimeline({ ...target, limit }),
      )
      const rows = (entries ?? []).map(({ atMs, pid, lineage, what }) => ({
        at: time(atMs),
        pid: pid ?? 0,
        lineage: LINEAGE_CODES.wordOf(lineage),
        what: what ?? '',
      }))
      if (flags.json === true) printJson(context, { entries: rows, anomalyIds: anomalyIds ?? [] })
      else {
        const cells = rows.map(({ at, pid, lineage, what }) => [
          at,
          String(pid),
          lineage,
          cell(what),
        ])
        context.terminal.out(table(['AT', 'PID', 'LINEAGE', 'WHAT'], cells))
      }
    })
}
