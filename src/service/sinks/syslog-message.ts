/**
 * An event as a message of syslog, RFC 5424, and as the local form that is written to /dev/log. Pure.
 *
 *   <131>1 2026-01-02T03:04:05.678Z host-1 plimsoll - ANOMALY [plimsoll@32473 id="..." kind="exec" ...] high exec anomaly ...
 *
 * 32473 is the enterprise number that RFC 5612 sets aside for documentation: plimsoll has none of its own. There is no byte
 * order mark before the message, since what receives it would show it; the text is UTF-8.
 */
import { quoted } from '../../errors.js'
import { eventObject, safeJson } from './event-json.js'
import { isoTime, kindName, severityName, syslogSeverityOf, typeOf } from './event-names.js'
import { eventText } from './event-text.js'
import { FACILITIES, type Facility, type SyslogFormat } from './sink-spec.js'
import type { AnomalyEncoder, SinkMessage } from './target.js'

export const SD_ID = 'plimsoll@32473'

export interface SyslogForm {
  readonly facility: Facility
  readonly appName: string
  readonly format: SyslogFormat
  readonly node: string
  readonly view: AnomalyEncoder
  /** Bytes that a message has at most. */
  readonly limit: number
}

/** The message of RFC 5424, not framed. */
export function syslogMessage(message: SinkMessage, form: SyslogForm): string {
  const { node, appName, limit } = form
  const type = typeOf(message).toUpperCase()
  const header = `<${priorityOf(message, form)}>1 ${isoTime(message.atMs)} ${hostname(node)} ${appName} - ${type} ${structuredData(message)} `
  return header + body(message, form, limit - Buffer.byteLength(header))
}

/** For a line of logger(1), which adds time and tag: priority, structured data, and the message. */
export function localLine(message: SinkMessage, form: SyslogForm): string {
  const data = form.format === 'json' ? '' : `${structuredData(message)} `
  const room = form.limit - Buffer.byteLength(data) - LOCAL_HEADER_BYTES
  return `<${priorityOf(message, form)}>${data}${body(message, form, room)}`
}

/** What logger(1) puts before a line: `<PRI>Mmm dd hh:mm:ss TAG: `. */
const LOCAL_HEADER_BYTES = 96

function priorityOf(message: SinkMessage, { facility }: SyslogForm): number {
  return FACILITIES.indexOf(facility) * 8 + syslogSeverityOf(message)
}

/** Words or JSON. JSON that is too long comes without its timeline, and if need be words instead; words are cut. */
function body(message: SinkMessage, { format, node, view }: SyslogForm, room: number): string {
  if (format === 'json') {
    const event = eventObject(message, node, view)
    const whole = safeJson(event)
    if (Buffer.byteLength(whole) <= room) return whole
    const short = safeJson({ ...event, timeline: [], timelineLeftOut: true })
    if (Buffer.byteLength(short) <= room) return short
  }
  return cut(eventText(message), room)
}

const MARK = ' [cut]'

/** The text, or as much of it as there is room for, with a mark. */
export function cut(text: string, bytes: number): string {
  const buffer = Buffer.from(text)
  if (buffer.length <= bytes) return text
  let end = Math.max(0, bytes - MARK.length)
  // Not in the middle of a character.
  while (end > 0 && ((buffer[end] ?? 0) & 0xc0) === 0x80) end--
  return buffer.toString('utf8', 0, end) + MARK
}

function structuredData({
  cursor,
  anomaly,
  gap,
  baselineChange,
  actionResult,
}: SinkMessage): string {
  const { workload } = anomaly ?? {}
  const fields: readonly (readonly [string, string | null | undefined])[] = [
    ['cursor', cursor],
    ['id', anomaly?.id],
    ['incident', anomaly?.incident ?? actionResult?.incident],
    ['kind', anomaly == null ? undefined : kindName(anomaly.kind)],
    ['severity', anomaly == null ? undefined : severityName(anomaly.severity)],
    ['image', workload?.imageName || workload?.imageDigest || baselineChange?.imageName],
    ['container', workload?.containerId || actionResult?.containerId],
    ['name', workload?.containerName],
    ['count', gap == null ? undefined : String(Number(gap.count ?? 0))],
  ]
  const set = fields.flatMap(([name, value]) =>
    value == null || value === '' ? [] : [` ${name}="${parameter(value)}"`],
  )
  return set.length === 0 ? '-' : `[${SD_ID}${set.join('')}]`
}

/** Names and images are short; what is longer is none. */
const PARAMETER_BYTES = 512

/** RFC 5424, 6.3.3: a backslash before `"`, `\` and `]`. */
function parameter(value: string): string {
  return cut(quoted(value), PARAMETER_BYTES).replaceAll(/["\\\]]/g, (char) => `\\${char}`)
}

/** RFC 5424, 6.2.4: at most 255 printable ASCII characters. */
function hostname(node: string): string {
  return node.replaceAll(/[^!-~]/g, '').slice(0, 255) || '-'
}
