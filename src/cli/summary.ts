/** What was learned, in a few lines for a person or as one value for a program. */
import type { Baseline } from '../baseline/baseline.js'
import { imageKeyOf } from '../baseline/image-identity.js'
import { learningView, type ProgressView } from '../baseline/learning-view.js'
import { quoted } from '../errors.js'
import type { Incompleteness } from '../observation.js'
import { DEFAULT_PROFILE, profileOf } from '../engine/profile.js'
import { comparedToDockerDefault } from '../seccomp/docker-default.js'
import { basisText, expectationText, unitName } from './coverage-text.js'
import type { KnownFloor } from '../seccomp/floor.js'
import { plural } from './plural.js'

export interface Summary {
  readonly image: string
  readonly key: string
  readonly revision: number
  readonly runs: number
  readonly completeness: string
  readonly reasons: readonly Incompleteness[]
  readonly syscalls: number
  readonly probeSyscalls: number
  readonly runtimeSyscalls: number
  readonly programs: number
  readonly connections: number
  readonly listeners: number
  readonly capabilities: number
  readonly uringOps: number
  /** Calls that a filter refused. */
  readonly denied: number
  readonly progress: ProgressView
  /** Items that wait for approval. */
  readonly candidates: readonly string[]
  /** Calls that a profile of it allows, and how many fewer that is than Docker's default; null if it has no profile. */
  readonly profile: { readonly allows: number; readonly fewerThanDocker: number } | null
}

/** `floors` are those that its profile would be built with. */
export function summaryOf(baseline: Baseline, floors: readonly KnownFloor[]): Summary {
  const { state, reasons } = baseline.completeness()
  const syscalls = baseline.syscalls('main').length
  const { progress, candidates } = learningView(baseline)
  return {
    image: baseline.image.name,
    key: imageKeyOf(baseline.image),
    revision: baseline.revision,
    runs: baseline.runCount,
    completeness: state,
    reasons,
    syscalls,
    probeSyscalls: baseline.syscalls('probe').length,
    runtimeSyscalls: baseline.syscalls('runtime').length,
    programs: baseline.execs('main').length,
    connections: baseline.connections('main').length,
    listeners: baseline.listeners('main').length,
    capabilities: baseline.capabilities('main').length,
    uringOps: baseline.uringOps('main').length,
    denied: baseline.denied('main').length,
    progress,
    candidates,
    profile: syscalls === 0 ? null : comparisonOf(baseline, floors),
  }
}

function comparisonOf(baseline: Baseline, floors: readonly KnownFloor[]): Summary['profile'] {
  try {
    const { origins } = profileOf(baseline, { ...DEFAULT_PROFILE, floors })
    const { profileAllows, fewer } = comparedToDockerDefault([...origins.keys()])
    return { allows: profileAllows, fewerThanDocker: fewer }
  } catch {
    // Nothing but calls that no table knows: there is no profile to compare.
    return null
  }
}

/** Lines of a summary, without newlines at their ends. */
export function summaryLines(summary: Summary): readonly string[] {
  const probes = summary.probeSyscalls === 0 ? '' : `, ${summary.probeSyscalls} of its health check`
  const lines = [
    `${quoted(summary.image)}: ${plural(summary.runs, 'run')}, ${summary.completeness}`,
    `  system calls  ${summary.syscalls}${probes} (and ${summary.runtimeSyscalls} of the runtime, kept apart)`,
    `  programs      ${summary.programs}`,
    `  connections   ${summary.connections}, listening on ${summary.listeners}`,
  ]
  if (summary.capabilities > 0) lines.push(`  capabilities  ${summary.capabilities}`)
  if (summary.uringOps > 0) lines.push(`  io_uring      ${plural(summary.uringOps, 'operation')}`)
  if (summary.denied > 0)
    lines.push(`  refused       ${plural(summary.denied, 'call')} by a filter`)
  if (summary.profile) {
    lines.push(
      `  profile       allows ${summary.profile.allows} calls, ` +
        `${summary.profile.fewerThanDocker} fewer than Docker's default`,
    )
  }
  lines.push(...progressLines(summary.progress))
  if (summary.candidates.length > 0) {
    lines.push(
      `  candidates    ${plural(summary.candidates.length, 'candidate')} for approval: ${listed(summary.candidates)}`,
    )
  }
  for (const reason of summary.reasons) lines.push(`  partial       ${reasonText(reason)}`)
  lines.push(`  baseline      ${summary.key.slice(0, 22)} revision ${summary.revision}`)
  return lines
}

function progressLines({
  state,
  unit,
  coverage,
  latest,
  settling,
}: ProgressView): readonly string[] {
  const known = { ...coverage, newPerUnit: coverage.newPerUnit ?? Infinity }
  const name = unitName(unit)
  const lines = [
    `  progress      ${state}: ${expectationText(known, name)}`,
    `                ${basisText(known, name)}`,
  ]
  if (settling === 'unstable') lines.push(`                never settles: ${listed(latest)}`)
  return lines
}

/** The first few, and how many more there are. */
function listed(texts: readonly string[]): string {
  const more = texts.length - LISTED
  return texts.slice(0, LISTED).join(', ') + (more > 0 ? ` and ${more} more` : '')
}

const LISTED = 5

const REASON_TEXT: Readonly<Record<Incompleteness['reason'], string>> = {
  'attached-late': 'it already ran when the probes were attached',
  'lost-events': 'records were lost',
  'map-full': 'a kernel map was full',
  'sensor-restarted': 'the sensor was down',
  truncated: 'paths were too long to carry',
  'malformed-records': 'records could not be read',
  'unresolved-image': 'its image could not be found out',
}

/** One reason with its figures. */
export function reasonText(missed: Incompleteness): string {
  const gap =
    missed.fromMs === undefined || missed.toMs === undefined
      ? ''
      : ` from ${new Date(missed.fromMs).toISOString()} to ${new Date(missed.toMs).toISOString()}`
  const detail = missed.detail ? ` (${quoted(missed.detail)})` : ''
  return `${missed.reason}: ${REASON_TEXT[missed.reason]}${gap}${detail}, ${plural(missed.count, 'time')}`
}
