/** `baseline show` as text: one lineage of a baseline, for a person. Every text in a view is escaped already. */
import { Option } from 'commander'
import { BASELINE_LINEAGES } from '../baseline/baseline.js'
import type {
  BehaviourView,
  CapabilityView,
  EndpointView,
  EvidenceView,
  SyscallView,
  UringOpView,
} from '../baseline/behaviour-view.js'
import type { ItemKind } from '../baseline/item-key.js'
import type { BaselineView } from '../baseline/json-view.js'
import type { Lineage } from '../observation.js'
import { SHORT_HASH } from '../baseline/content-hash.js'
import { basisText, expectationText, unitName } from './coverage-text.js'
import { plural } from './plural.js'
import { resourcesText } from './resources-text.js'
import { sparkline } from './sparkline.js'
import { reasonText } from './summary.js'
import { table } from './table.js'

export function lineageOption(): Option {
  return new Option('--lineage <lineage>', 'whose behaviour to show')
    .choices([...BASELINE_LINEAGES])
    .default('main')
}

/** The text, ending with a newline. */
export function showText(view: BaselineView, lineage: Lineage): string {
  const behaviour = view.lineages[lineage]
  return [
    headOf(view, lineage),
    section('system calls', behaviour.syscalls.length, callTable(behaviour.syscalls)),
    section('arguments', behaviour.arguments.length, argumentTable(behaviour)),
    section('programs', behaviour.execs.length, execTable(behaviour)),
    section('connections', behaviour.connections.length, endpointTable(behaviour.connections)),
    section('listening on', behaviour.listeners.length, endpointTable(behaviour.listeners)),
    laterSection(view, 'capability', 'capabilities', behaviour.capabilities),
    laterSection(view, 'io_uring', 'io_uring operations', behaviour.uringOps),
    section('refused by a filter', behaviour.denied.length, callTable(behaviour.denied)),
  ].join('\n')
}

function headOf(view: BaselineView, lineage: Lineage): string {
  const others = BASELINE_LINEAGES.filter((other) => other !== lineage)
    .map((other) => `${other} ${view.lineages[other].syscalls.length}`)
    .join(', ')
  const reasons = view.completeness.reasons.map(({ reason, count, fromMs, toMs, detail }) =>
    reasonText({
      reason,
      count,
      ...(fromMs === null ? {} : { fromMs }),
      ...(toMs === null ? {} : { toMs }),
      ...(detail === null ? {} : { detail }),
    }),
  )
  const older = view.foldedRuns === null ? '' : ' and older ones'
  return `${[
    `image         ${view.image.name}`,
    `digest        ${view.image.digest}`,
    `entrypoint    ${view.image.entrypoint.join(' ')}`,
    `revision      ${view.revision}, from ${plural(view.runCount, 'run')}${older}`,
    `completeness  ${view.completeness.state}`,
    ...reasons.map((reason) => `              ${reason}`),
    ...learningLines(view),
    ...(view.resources === null ? [] : [`resources     ${resourcesText(view.resources)}`]),
    `lineage       ${lineage} (system calls of others: ${others})`,
  ].join('\n')}\n`
}

function learningLines({
  progress,
  certificate,
  contentHash,
  candidates,
}: BaselineView): readonly string[] {
  const coverage = { ...progress.coverage, newPerUnit: progress.coverage.newPerUnit ?? Infinity }
  const unit = unitName(progress.unit)
  const { runs, runsSeenFromStart, reconciliation, kernels, bpftrace, runtimes } = certificate
  const never =
    reconciliation.neverCounted === 0 ? '' : `, ${reconciliation.neverCounted} announced only`
  return [
    `certificate   ${certificate.state}: ${runsSeenFromStart} of ${plural(runs, 'run')} seen from the start, ` +
      `${reconciliation.counted} calls counted${never}`,
    `              kernel ${kernels.join(', ')}; ${bpftrace.join(', ')}; ${runtimes.join(', ')}; ` +
      `plimsoll ${certificate.plimsoll.join(', ')}`,
    `progress      ${progress.state}: ${expectationText(coverage, unit)}`,
    `              ${basisText(coverage, unit)}`,
    `new by ${unit === 'run' ? 'run   ' : 'window'} ${sparkline(progress.coverage.curve, 60)}`,
    `content       ${contentHash.slice(0, SHORT_HASH)}, ${plural(candidates.length, 'candidate')} for approval`,
  ]
}

function section(title: string, count: number, text: string): string {
  return count === 0 ? `${title}: none\n` : `${title}: ${count}\n${text}`
}

/** Of a kind that older runs did not look for: that nothing is there may mean nothing. */
function laterSection(
  { observableKinds }: BaselineView,
  kind: ItemKind,
  title: string,
  items: readonly (CapabilityView | UringOpView)[],
): string {
  if (observableKinds.includes(kind)) return section(title, items.length, namedTable(items))
  const known = items.length === 0 ? '' : namedTable(items)
  return `${title}: not looked for in every run\n${known}`
}

function namedTable(items: readonly (CapabilityView | UringOpView)[]): string {
  return table(
    ['NR', 'NAME', 'COUNT', 'RUNS', 'PROGRAMS'],
    items.map((item) => [
      String('opcode' in item ? item.opcode : item.capability),
      item.name,
      String(item.count),
      String(item.runs),
      programsOf(item),
    ]),
  )
}

function callTable(calls: readonly SyscallView[]): string {
  return table(
    ['ABI', 'NR', 'NAME', 'COUNT', 'RUNS', 'PROGRAMS'],
    calls.map((call) => [
      call.abi,
      String(call.nr),
      call.name,
      String(call.count),
      String(call.runs),
      programsOf(call),
    ]),
  )
}

function argumentTable(behaviour: BehaviourView): string {
  return table(
    ['ABI', 'CALL', 'ARGUMENT', 'COUNT', 'RUNS', ''],
    behaviour.arguments.map((argument) => [
      argument.abi,
      argument.name,
      argument.label,
      String(argument.count),
      String(argument.runs),
      argument.isComplete ? '' : 'and others',
    ]),
  )
}

function execTable(behaviour: BehaviourView): string {
  return table(
    ['PATH', 'FILE', 'COUNT', 'RUNS', 'BY', 'MARKS'],
    behaviour.execs.map((exec) => [
      exec.path,
      exec.exe,
      String(exec.count),
      String(exec.runs),
      programsOf(exec),
      [exec.upper && 'written-later', exec.fileless && 'fileless', exec.truncated && 'cut']
        .filter(Boolean)
        .join(' '),
    ]),
  )
}

function endpointTable(endpoints: readonly EndpointView[]): string {
  return table(
    ['PROTOCOL', 'ADDRESS', 'PORT', 'COUNT', 'RUNS', 'PROGRAMS', 'SOURCE'],
    endpoints.map((endpoint) => [
      endpoint.protocol,
      endpoint.address,
      endpoint.port === 0 ? '' : String(endpoint.port),
      String(endpoint.count),
      String(endpoint.runs),
      programsOf(endpoint),
      endpoint.source,
    ]),
  )
}

function programsOf(evidence: EvidenceView): string {
  return evidence.programs.join(', ') + (evidence.morePrograms ? ', ...' : '')
}
