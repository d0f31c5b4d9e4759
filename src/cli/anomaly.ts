/** `plimsoll anomaly ...`: look at what enforcement found. */
import { type Command, Option } from 'commander'
import { ANOMALY_KINDS, SEVERITIES, type Severity } from '../detect/anomaly.js'
import type { AnomalyView } from '../detect/anomaly-view.js'
import { jsonText } from '../engine/json-text.js'
import { failure, quoted } from '../errors.js'
import { anomalyText } from './anomaly-text.js'
import {
  command,
  type Context,
  jsonOption,
  printJson,
  stateDirectory,
  stateOption,
} from './context.js'
import { table } from './table.js'

interface ListFlags {
  readonly state?: string
  readonly json?: boolean
  readonly incident?: string
  readonly kind?: readonly string[]
  readonly minSeverity?: Severity
}

export function anomalyCommand(context: Context): Command {
  return command('anomaly', 'look at what `enforce` found')
    .addCommand(list(context))
    .addCommand(show(context))
}

function list(context: Context): Command {
  return command('ls', 'list anomalies, the latest last')
    .option('--incident <id>', 'only those of this incident')
    .addOption(new Option('--kind <kind...>', 'only these kinds').choices(ANOMALY_KINDS))
    .addOption(
      new Option('--min-severity <severity>', 'only from this severity up').choices(SEVERITIES),
    )
    .addOption(stateOption())
    .addOption(jsonOption())
    .action(async (flags: ListFlags) => {
      const { keptAnomalies } = await import('../engine/kept-anomalies.js')
      const state = stateDirectory(flags.state, context.terminal.env)
      const anomalies = keptAnomalies(state, (anomaly) => isWanted(flags, anomaly))
      if (flags.json === true) await printJsonList(context, anomalies)
      else await printTable(context, anomalies)
    })
}

function isWanted({ incident, kind, minSeverity }: ListFlags, anomaly: AnomalyView): boolean {
  return (
    (incident === undefined || anomaly.incident === incident) &&
    (kind === undefined || kind.includes(anomaly.kind)) &&
    (minSeverity === undefined ||
      SEVERITIES.findIndex((each) => each === anomaly.severity) >= SEVERITIES.indexOf(minSeverity))
  )
}

/** As `printJson` prints an array, one after the other. */
async function printJsonList(context: Context, values: AsyncIterable<object>): Promise<void> {
  const { terminal } = context
  let isFirst = true
  for await (const value of values) {
    const text = jsonText(value, 2).replaceAll('\n', '\n  ')
    terminal.out(`${isFirst ? '[' : ','}\n  ${text}`)
    isFirst = false
  }
  terminal.out(isFirst ? '[]\n' : '\n]\n')
}

async function printTable(context: Context, anomalies: AsyncIterable<AnomalyView>): Promise<void> {
  const rows: (readonly string[])[] = []
  for await (const anomaly of anomalies) rows.push(rowOf(anomaly))
  context.terminal.out(table(HEAD, rows))
}

const HEAD = ['ID', 'AT', 'SEVERITY', 'WHAT', 'PROGRAM', 'CONTAINER', 'COUNT', 'INCIDENT']

function rowOf(anomaly: AnomalyView): readonly string[] {
  const { process, workload } = anomaly
  return [
    anomaly.id,
    anomaly.at,
    anomaly.severity,
    anomaly.what,
    process.path === '' ? process.exe : process.path,
    quoted(workload.containerName || workload.containerId.slice(0, 12)),
    String(anomaly.count),
    anomaly.incident,
  ]
}

function show(context: Context): Command {
  return command('show', 'show one anomaly with its evidence and what went before')
    .argument('<id>', 'as `anomaly ls` shows it')
    .addOption(stateOption())
    .addOption(jsonOption())
    .action(async (id: string, flags: { state?: string; json?: boolean }) => {
      const { keptAnomaly } = await import('../engine/kept-anomalies.js')
      const found = await keptAnomaly(stateDirectory(flags.state, context.terminal.env), id)
      if (found === undefined) throw failure('ANOMALY_NOT_FOUND', { id })
      if (flags.json === true) printJson(context, found)
      else context.terminal.out(anomalyText(found))
    })
}
