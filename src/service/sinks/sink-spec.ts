/**
 * A sink as a user writes it:
 *
 *   TYPE:TARGET[;KEY=VALUE ...]     file:/var/log/plimsoll.jsonl;max=64MiB;keep=8
 *                                   http:https://siem.example/hook;format=falco;min-severity=high
 *                                   syslog:tcp:loghost:601;facility=local0
 *
 * A semicolon always ends the target; in a URL it can be written %3B. Pure: no file is looked at.
 */
import { createHash } from 'node:crypto'
import { ANOMALY_KINDS, SEVERITIES } from '../../detect/anomaly.js'
import { failure } from '../../errors.js'
import { plimsoll } from '../../gen/plimsoll.js'
import type { TlsFiles } from './credentials.js'
import { pathOf, type Refuse, SinkOptions } from './sink-options.js'
import { parseSyslogAddress, type SyslogAddress } from './syslog-address.js'

export const HTTP_FORMATS = ['ndjson', 'json', 'falco'] as const
export type HttpFormat = (typeof HTTP_FORMATS)[number]

export const SYSLOG_FORMATS = ['text', 'json'] as const
export type SyslogFormat = (typeof SYSLOG_FORMATS)[number]

/** RFC 5424, table 1; the index is the number. */
export const FACILITIES = [
  'kern',
  'user',
  'mail',
  'daemon',
  'auth',
  'syslog',
  'lpr',
  'news',
  'uucp',
  'cron',
  'authpriv',
  'ftp',
  'ntp',
  'audit',
  'alert',
  'clock',
  'local0',
  'local1',
  'local2',
  'local3',
  'local4',
  'local5',
  'local6',
  'local7',
] as const
export type Facility = (typeof FACILITIES)[number]

export interface SinkSpec {
  /** Unique; the sink's position is kept under it. */
  readonly name: string
  readonly target: TargetSpec
  /** Which anomalies; undefined: all. */
  readonly filters: plimsoll.v1.AnomalyFilters.$Properties | undefined
  /** Where it starts if it is new. */
  readonly from: 'now' | 'earliest'
  /** How many events it may be behind. */
  readonly queue: number
}

export type TargetSpec = FileSpec | HttpSpec | SyslogSpec

export interface FileSpec {
  readonly type: 'file'
  readonly path: string
  readonly maxBytes: number
  readonly keep: number
  readonly mode: number
}

export interface HttpSpec {
  readonly type: 'http'
  readonly url: URL
  readonly format: HttpFormat
  readonly headerFile: string | undefined
  readonly tls: TlsFiles
  readonly timeoutMs: number
}

export interface SyslogSpec {
  readonly type: 'syslog'
  readonly address: SyslogAddress
  readonly format: SyslogFormat
  readonly facility: Facility
  readonly appName: string
  readonly tls: TlsFiles
  readonly timeoutMs: number
}

const TYPES = ['file', 'http', 'syslog'] as const
const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/
const TEXT_LIMIT = 4096
const DEFAULT_QUEUE = 100_000
const DEFAULT_TIMEOUT_MS = 10_000

/** The sinks that the texts mean. Throws `BAD_SINK`, also for two of one name and for two that write one file. */
export function parseSinkSpecs(texts: readonly string[], cwd?: string): readonly SinkSpec[] {
  const specs: SinkSpec[] = []
  for (const text of texts) {
    const spec = parseSinkSpec(text, cwd)
    const refuse = refusal(text)
    if (specs.some(({ name }) => name === spec.name)) {
      throw refuse(`another sink is called ${spec.name}; give each a name=`)
    }
    if (specs.some(({ target }) => isSameFile(target, spec.target))) {
      throw refuse('another sink writes that file')
    }
    specs.push(spec)
  }
  return specs
}

/** The sink that the text means; paths that are relative are below `cwd`, or refused without one. Throws `BAD_SINK`. */
export function parseSinkSpec(text: string, cwd?: string): SinkSpec {
  const refuse = refusal(text)
  if (text.length > TEXT_LIMIT) throw refuse('it is too long')
  const [head = '', ...parts] = text.split(';')
  const [type, written] = /^https?:\/\//i.test(head) ? ['http', head] : divided(head)
  const known = TYPES.find((each) => each === type)
  if (known === undefined) throw refuse(`it does not begin with one of ${TYPES.join(':, ')}:`)
  const options = new SinkOptions(
    parts.filter((part) => part.trim() !== ''),
    refuse,
    cwd,
  )
  const name = options.text('name') ?? `${known}-${shortHash(written)}`
  if (!NAME.test(name)) throw refuse('name is not made of a-z, 0-9, dot, dash and underscore')
  const common = {
    name,
    filters: filtersOf(options),
    from: options.choice('from', ['now', 'earliest']) ?? 'now',
    queue: options.integer('queue', 1, 100_000_000) ?? DEFAULT_QUEUE,
  } as const
  const target = targetOf(known, written, options, refuse, cwd)
  options.end(known)
  return { ...common, target }
}

function targetOf(
  type: (typeof TYPES)[number],
  written: string,
  options: SinkOptions,
  refuse: Refuse,
  cwd: string | undefined,
): TargetSpec {
  switch (type) {
    case 'file':
      return {
        type,
        path: pathOf('its path', written, cwd, refuse),
        maxBytes: options.bytes('max', 1024, 2 ** 40) ?? 64 * 2 ** 20,
        keep: options.integer('keep', 0, 1000) ?? 8,
        mode: options.mode('mode') ?? 0o600,
      }
    case 'http': {
      const url = urlOf(written, refuse)
      return {
        type,
        url,
        format: options.choice('format', HTTP_FORMATS) ?? 'ndjson',
        headerFile: options.path('header-file'),
        tls: url.protocol === 'https:' ? tlsOf(options, refuse) : NO_TLS,
        timeoutMs: timeoutOf(options),
      }
    }
    case 'syslog': {
      const address = parseSyslogAddress(written, cwd, refuse)
      return {
        type,
        address,
        format: options.choice('format', SYSLOG_FORMATS) ?? 'text',
        facility: options.choice('facility', FACILITIES) ?? 'daemon',
        appName: appNameOf(options, refuse),
        tls: address.transport === 'tls' ? tlsOf(options, refuse) : NO_TLS,
        timeoutMs: timeoutOf(options),
      }
    }
  }
}

const NO_TLS: TlsFiles = { ca: undefined, cert: undefined, key: undefined }

function tlsOf(options: SinkOptions, refuse: Refuse): TlsFiles {
  const [ca, cert, key] = [options.path('ca'), options.path('cert'), options.path('key')]
  if ((cert === undefined) !== (key === undefined)) throw refuse('cert and key belong together')
  return { ca, cert, key }
}

function timeoutOf(options: SinkOptions): number {
  return options.durationMs('timeout', 100, 300_000) ?? DEFAULT_TIMEOUT_MS
}

/** APP-NAME of RFC 5424; without the colon and brackets that would end a tag of the older form. */
function appNameOf(options: SinkOptions, refuse: Refuse): string {
  const name = options.text('app-name') ?? 'plimsoll'
  if (!/^[A-Za-z0-9._/-]{1,48}$/.test(name)) {
    throw refuse('app-name is not 1 to 48 letters, digits, dots, dashes, underscores and slashes')
  }
  return name
}

function urlOf(written: string, refuse: Refuse): URL {
  const url = URL.canParse(written) ? new URL(written) : undefined
  if (url === undefined) throw refuse('its URL is none')
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw refuse('its URL does not begin with https:// or http://')
  }
  if (url.username !== '' || url.password !== '') {
    throw refuse(
      'a password in a URL is seen by all; put an Authorization header into header-file=',
    )
  }
  url.hash = ''
  return url
}

function filtersOf(options: SinkOptions): plimsoll.v1.AnomalyFilters.$Properties | undefined {
  const severity = options.choice('min-severity', SEVERITIES)
  const kinds = options.list('kind')
  const images = options.list('image')
  if (severity === undefined && kinds.length === 0 && images.length === 0) return undefined
  const kindOf = kindNumbers(options, kinds)
  return {
    allow: [
      {
        ...(severity === undefined ? {} : { minSeverity: SEVERITIES.indexOf(severity) + 1 }),
        ...(kinds.length === 0 ? {} : { kinds: kindOf }),
        ...(images.length === 0 ? {} : { images: [...images] }),
      },
    ],
  }
}

/** Both lists have the order of the enumerations in `anomaly.proto`, which begin with a value for none. */
function kindNumbers(options: SinkOptions, kinds: readonly string[]): plimsoll.v1.AnomalyKind[] {
  return kinds.map((kind) => ANOMALY_KINDS.indexOf(options.word('kind', kind, ANOMALY_KINDS)) + 1)
}

function divided(head: string): readonly [string, string] {
  const colon = head.indexOf(':')
  return [head.slice(0, Math.max(0, colon)), head.slice(colon + 1)]
}

function isSameFile(one: TargetSpec, other: TargetSpec): boolean {
  return one.type === 'file' && other.type === 'file' && one.path === other.path
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}

/** Errors name the sink as it was written, but for what may be a password. */
function refusal(text: string): Refuse {
  const sink = text.replace(/\/\/[^/@;]*@/g, '//***@').slice(0, 200)
  return (problem) => failure('BAD_SINK', { sink, problem })
}
