/**
 * An event as a Falco alert, so that what takes Falco's (falcosidekick and what is behind it) takes ours. Fields as
 * `FalcoPayload` in https://github.com/falcosecurity/falcosidekick/blob/master/types/types.go has them; its `Check` refuses
 * alerts without priority, rule, time or output_fields. Pure.
 *
 * Priorities are spelled as in types/priority.go there, which reads `Info` as no priority at all.
 */
import type { plimsoll } from '../../gen/plimsoll.js'
import { safeJson } from './event-json.js'
import { isoTime, kindName, syslogSeverityOf, typeOf } from './event-names.js'
import { eventText } from './event-text.js'
import type { SinkMessage } from './target.js'

export interface FalcoAlert {
  readonly output: string
  readonly priority: string
  readonly rule: string
  /** RFC 3339 with nanoseconds. */
  readonly time: string
  readonly source: 'plimsoll'
  readonly hostname: string
  readonly tags: readonly string[]
  readonly output_fields: Readonly<Record<string, string | number>>
}

/** By severity of syslog, from which Falco has them. */
const PRIORITIES = [
  'Emergency',
  'Alert',
  'Critical',
  'Error',
  'Warning',
  'Notice',
  'Informational',
  'Debug',
] as const

/** Names of rules, for routing; they stay as they are. */
const RULES: Readonly<Record<string, string>> = {
  syscall: 'System call outside of baseline',
  argument: 'System call argument outside of baseline',
  abi: 'System call ABI outside of baseline',
  exec: 'Program outside of baseline',
  drift: 'Program written after container start',
  fileless: 'Program without a file',
  connect: 'Connection outside of baseline',
  listen: 'Listener outside of baseline',
  capability: 'Capability outside of baseline',
  io_uring: 'io_uring operation outside of baseline',
  denied: 'System call refused by seccomp profile',
  sensor: 'Loss of sight',
  resource: 'Resource use outside of baseline',
  gap: 'Events are missing',
  baseline_change: 'Baseline changed',
  action_result: 'Response to an incident',
}

/** Of each kind that is one system call whatever the subject says. */
const EVENT_TYPES: Readonly<Record<string, string>> = {
  exec: 'execve',
  drift: 'execve',
  fileless: 'execve',
  connect: 'connect',
  listen: 'listen',
}

/** The alert of a host called `node`. */
export function falcoAlert(message: SinkMessage, node: string): FalcoAlert {
  const { anomaly } = message
  const name = anomaly == null ? typeOf(message) : kindName(anomaly.kind)
  const atMs = anomaly == null ? message.atMs : (anomaly.lastSeenMs ?? anomaly.firstSeenMs)
  return {
    output: eventText(message),
    priority: PRIORITIES[syslogSeverityOf(message)] ?? 'Notice',
    rule: RULES[name] ?? `plimsoll ${name}`,
    time: isoTime(atMs).replace('Z', '000000Z'),
    source: 'plimsoll',
    hostname: node,
    tags: ['container', 'plimsoll', name, ...(anomaly?.attack ?? [])],
    output_fields: anomaly == null ? otherFields(message) : anomalyFields(anomaly, message),
  }
}

/** The alert on one line. */
export function falcoJson(message: SinkMessage, node: string): string {
  return safeJson(falcoAlert(message, node))
}

type Field = string | number | null | undefined

function anomalyFields(
  {
    id,
    incident,
    kind,
    state,
    what,
    count,
    workload,
    process,
    subject,
  }: plimsoll.v1.Anomaly.$Properties,
  { cursor }: SinkMessage,
): Readonly<Record<string, string | number>> {
  const image = imageParts(workload?.imageName ?? '')
  return present({
    'container.id': workload?.containerId?.slice(0, 12),
    'container.full_id': workload?.containerId,
    'container.name': workload?.containerName,
    'container.type': workload?.runtime,
    'container.image.repository': image.repository,
    'container.image.tag': image.tag,
    'container.image.digest': workload?.imageDigest,
    'proc.name': process?.comm,
    'proc.exepath': process?.path || process?.exe,
    'proc.pid': process?.pid || undefined,
    'proc.ppid': process?.ppid || undefined,
    'user.uid': process?.uid,
    'evt.type': subject?.syscall || EVENT_TYPES[kindName(kind)],
    'plimsoll.id': id,
    'plimsoll.incident': incident,
    'plimsoll.kind': kindName(kind),
    'plimsoll.state': state === 2 ? 'repeated' : 'new',
    'plimsoll.what': what,
    'plimsoll.count': Number(count ?? 1),
    'plimsoll.cursor': cursor,
  })
}

function otherFields({
  cursor,
  gap,
  baselineChange,
  actionResult,
}: SinkMessage): Readonly<Record<string, string | number>> {
  return present({
    'plimsoll.cursor': cursor,
    'plimsoll.gap.count': gap == null ? undefined : Number(gap.count ?? 0),
    'plimsoll.gap.from': gap == null ? undefined : Number(gap.fromSequence ?? 0),
    'plimsoll.gap.to': gap == null ? undefined : Number(gap.toSequence ?? 0),
    'plimsoll.image': baselineChange?.imageName,
    'plimsoll.change': baselineChange?.what,
    'plimsoll.actor': baselineChange?.actor ?? actionResult?.actor,
    'plimsoll.action': actionResult?.action,
    'plimsoll.outcome': actionResult?.outcome,
    'plimsoll.incident': actionResult?.incident,
    'container.id': actionResult?.containerId?.slice(0, 12),
  })
}

function present(
  fields: Readonly<Record<string, Field>>,
): Readonly<Record<string, string | number>> {
  const set: Record<string, string | number> = {}
  for (const [key, value] of Object.entries(fields)) {
    if (value != null && value !== '') set[key] = value
  }
  return set
}

/** `registry:5000/team/web:1.0` in its parts; a digest behind the name is none of them. */
function imageParts(name: string): { readonly repository: string; readonly tag: string } {
  const [, repository = '', tag = ''] = /^([^@]*?)(?::([^:/@]+))?(?:@.*)?$/.exec(name) ?? []
  return { repository, tag }
}
