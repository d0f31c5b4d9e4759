/** What `plimsoll watch` asks for, from its options. Pure. */
import type { WatchRequest } from '../client.js'
import type { AnomalyKind, Severity } from '../detect/anomaly.js'
import { plimsoll } from '../gen/plimsoll.js'
import { KIND_CODES, SEVERITY_CODES } from '../service/anomaly-codes.js'

type Filter = plimsoll.v1.AnomalyFilter.$Properties

export interface WatchSelection {
  readonly from?: string
  readonly minSeverity?: Severity
  readonly kind?: readonly AnomalyKind[]
  readonly notKind?: readonly AnomalyKind[]
  readonly image?: readonly string[]
  readonly container?: readonly string[]
  readonly fields?: string
}

/** The request; whether its values mean anything is the service's to say. */
export function watchRequest(selection: WatchSelection): WatchRequest {
  const { from = 'now', fields } = selection
  return {
    ...(from === 'now' ? { now: true } : {}),
    ...(from === 'earliest' ? { earliest: true } : {}),
    ...(from !== 'now' && from !== 'earliest' ? { afterCursor: from } : {}),
    filters: filtersOf(selection),
    ...(fields === undefined ? {} : { readMask: { paths: fieldNames(fields).map(protoPath) } }),
  }
}

/** What is chosen by kind, severity, image and container. */
export function filtersOf({
  minSeverity,
  kind,
  notKind,
  image,
  container,
}: WatchSelection): plimsoll.v1.AnomalyFilters.$Properties {
  const allow: Filter = {
    ...(minSeverity === undefined ? {} : { minSeverity: SEVERITY_CODES.codeOf(minSeverity) }),
    ...(kind === undefined ? {} : { kinds: kind.map((each) => KIND_CODES.codeOf(each)) }),
    ...(image === undefined ? {} : { images: [...image] }),
    ...(container === undefined ? {} : { containers: [...container] }),
  }
  return {
    allow: Object.keys(allow).length === 0 ? [] : [allow],
    deny: notKind === undefined ? [] : [{ kinds: notKind.map((each) => KIND_CODES.codeOf(each)) }],
  }
}

/** Names that differ between the JSON of plimsoll and the messages. */
const RENAMED: Readonly<Record<string, string>> = {
  at: 'first_seen_ms',
  atNs: 'first_seen_boot_ns',
  last: 'last_seen_ms',
}

/** The names in a list with commas. */
export function fieldNames(fields: string): readonly string[] {
  return fields
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}

/** A name of the JSON output, or of the messages already, as the messages have it. */
export function protoPath(name: string): string {
  return RENAMED[name] ?? name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** The other way round. */
export function jsonPath(name: string): string {
  const path = protoPath(name)
  const renamed = Object.entries(RENAMED).find(([, proto]) => proto === path)?.[0]
  return renamed ?? path.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
