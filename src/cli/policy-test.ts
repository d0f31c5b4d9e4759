/** `plimsoll policy test`: what a policy would have said of a recorded session. */
import type { Command } from 'commander'
import { SEVERITIES } from '../detect/anomaly.js'
import { anomalyView } from '../detect/anomaly-view.js'
import { ACTIONS } from '../detect/policy.js'
import type { PolicyTest, TestedAnomaly, TestedImage } from '../engine/policy-test.js'
import { quoted } from '../errors.js'
import { command, type Context, jsonOption, printJson, stateOption, storeOf } from './context.js'
import { plural } from './plural.js'
import { table } from './table.js'

/** Answer "no": there are anomalies. */
const HAS_ANOMALIES = 3

interface Flags {
  readonly replay: string
  readonly state?: string
  readonly json?: boolean
}

export function policyTestCommand(context: Context): Command {
  return command('test', 'say which anomalies a policy gives on a recorded trace')
    .argument('<file>', 'the policy')
    .requiredOption('--replay <trace>', 'a trace that `record` saved')
    .addOption(stateOption())
    .addOption(jsonOption())
    .action(async (file: string, flags: Flags) => {
      // What reads policies takes longer to load than most commands take to run.
      const { testPolicy } = await import('../engine/policy-test.js')
      const store = storeOf(flags.state, context)
      const test = await testPolicy({ policyPath: file, tracePath: flags.replay, store })
      if (flags.json === true) printJson(context, testView(test))
      else context.terminal.out(testText(test))
      if (test.anomalies.length > 0) context.status = HAS_ANOMALIES
    })
}

function testView({ images, anomalies }: PolicyTest): unknown {
  return {
    ok: anomalies.length === 0,
    images,
    severities: Object.fromEntries(severityCounts(anomalies)),
    responses: Object.fromEntries(responseCounts(anomalies)),
    anomalies: anomalies.map(({ anomaly, response, isProtected }) => ({
      ...anomalyView(anomaly),
      response,
      isProtected,
    })),
  }
}

function testText({ policy, images, anomalies }: PolicyTest): string {
  const head = `policy ${quoted(policy.path)}, ${plural(policy.compiled.rules.length, 'rule')}\n`
  return `${head}${images.map(imageLine).join('')}${anomaliesText(anomalies)}`
}

const JUDGED_BY: Readonly<Record<TestedImage['judgedBy'], string>> = {
  baseline: 'held to its sealed baseline',
  policy: 'no sealed baseline, judged by the policy alone',
  nothing: 'no sealed baseline, ignored as the policy says',
}

function imageLine({ name, digest, judgedBy, containers }: TestedImage): string {
  const image = digest === '' ? 'an unknown image' : `image ${quoted(name)}`
  return `${image}: ${JUDGED_BY[judgedBy]}; ${plural(containers, 'container')}\n`
}

function anomaliesText(anomalies: readonly TestedAnomaly[]): string {
  if (anomalies.length === 0) return 'no anomaly\n'
  const head = ['SEVERITY', 'WHAT', 'PROGRAM', 'CONTAINER', 'DECIDED BY', 'RESPONSE', 'TIMES']
  const counted = (counts: readonly (readonly [string, number])[]): string =>
    counts
      .filter(([, count]) => count > 0)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')
  return [
    `\n${table(head, anomalies.map(rowOf))}\n`,
    `${plural(anomalies.length, 'anomaly', 'anomalies')}: ${counted(severityCounts(anomalies))}\n`,
    `would be done: ${counted(responseCounts(anomalies))}\n`,
  ].join('')
}

function rowOf({ anomaly, response, isProtected }: TestedAnomaly): readonly string[] {
  const { severity, what, process, workload, decision, count } = anomalyView(anomaly)
  const { layer, rule } = decision
  return [
    severity,
    what,
    process.path || process.exe || '-',
    workload.containerId === ''
      ? '-'
      : quoted(workload.containerName || workload.containerId.slice(0, 12)),
    rule === '' ? layer : `${layer} ${quoted(rule)}`,
    isProtected && response !== 'alert' ? `alert (protected from ${response})` : response,
    String(count),
  ]
}

/** The worst first. */
function severityCounts(anomalies: readonly TestedAnomaly[]): readonly [string, number][] {
  return SEVERITIES.toReversed().map((severity) => [
    severity,
    anomalies.filter(({ anomaly }) => anomaly.severity === severity).length,
  ])
}

/** Of a container that is protected, alerts. */
function responseCounts(anomalies: readonly TestedAnomaly[]): readonly [string, number][] {
  return ACTIONS.toReversed().map((action) => [
    action,
    anomalies.filter(({ response, isProtected }) => (isProtected ? 'alert' : response) === action)
      .length,
  ])
}
