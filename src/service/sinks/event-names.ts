/** What events have in common in all formats: names of enum values, times, and how grave an event is. Pure. */
import { plimsoll } from '../../gen/plimsoll.js'
import type { SinkMessage } from './target.js'

/** The name of a value as JSON has it: `GAP_CAUSE_SINK` without its prefix is `sink`. `unknown` for one that has no name. */
export function nameOf(
  names: Readonly<Record<number, string>>,
  value: number | null | undefined,
  prefix: string,
): string {
  const name = names[value ?? 0]
  return name === undefined || value == null || value === 0
    ? 'unknown'
    : name.slice(prefix.length).toLowerCase()
}

export function kindName(kind: plimsoll.v1.AnomalyKind | null | undefined): string {
  return nameOf(plimsoll.v1.AnomalyKind, kind, 'ANOMALY_KIND_')
}

export function severityName(severity: plimsoll.v1.Severity | null | undefined): string {
  return nameOf(plimsoll.v1.Severity, severity, 'SEVERITY_')
}

/** ISO 8601, UTC, of milliseconds since the epoch. */
export function isoTime(atMs: { toString(): string } | null | undefined): string {
  return new Date(Number(atMs ?? 0)).toISOString()
}

/** As MSGID of syslog and as `type` of JSON have it. */
export function typeOf({ anomaly, gap, baselineChange, actionResult }: SinkMessage): string {
  if (anomaly != null) return 'anomaly'
  if (gap != null) return 'gap'
  if (baselineChange != null) return 'baseline_change'
  return actionResult != null ? 'action_result' : 'unknown'
}

const CRITICAL = 2
const ERROR = 3
const WARNING = 4
const NOTICE = 5
const INFORMATIONAL = 6

/** By `Severity`. */
const LEVELS = [NOTICE, INFORMATIONAL, NOTICE, WARNING, ERROR, CRITICAL]

/**
 * How grave an event is, as a severity of syslog (RFC 5424, 6.2.1): critical 2, high 3, medium 4, low 5, info 6; a gap 4, an
 * action that was not done 3, everything else 5. Emergency, Alert and Debug are never used.
 */
export function syslogSeverityOf({ anomaly, gap, actionResult }: SinkMessage): number {
  if (anomaly != null) return LEVELS[anomaly.severity ?? 0] ?? NOTICE
  if (gap != null) return WARNING
  return /^(?:failed|partly)$/.test(actionResult?.outcome ?? '') ? ERROR : NOTICE
}
