/**
 * Where the service listens, as a user writes it:
 *
 *   unix:PATH[,role=ROLE][,mode=0660][,group=NAME][,reflection=off]
 *   tcp:HOST:PORT,cert=FILE,key=FILE,ca=FILE,roles=FILE[,crl=FILE][,reflection=on]
 *
 * A comma in a path is written `\,`. Over TCP anyone who reaches the port could read what a host runs, so that there is no TCP
 * without TLS; abstract sockets have no permissions and are not offered. Pure.
 */
import { dirname, resolve } from 'node:path'
import { failure } from '../errors.js'
import { type Role, roleOf, ROLES } from './caller.js'
import { type ListenParts, splitListen } from './listen-options.js'
import type { TlsFiles } from './tls-files.js'

/** A unix socket. Whoever may open it has its role. */
export interface UnixAddress {
  readonly kind: 'unix'
  /** Absolute, without control characters, short enough to be bound. */
  readonly path: string
  readonly role: Role
  readonly mode: number
  /** Name or number of the group that the socket is given to. */
  readonly group?: string
  readonly reflection: boolean
}

/** A port, over TLS. */
export interface TcpAddress {
  readonly kind: 'tcp'
  /** Without brackets. */
  readonly host: string
  /** 0 for any that is free. */
  readonly port: number
  readonly tls: TlsFiles
  readonly reflection: boolean
}

export type ListenAddress = UnixAddress | TcpAddress

/** Files that are meant where an address over TCP names none; relative to the working directory. */
export type TlsDefaults = Partial<TlsFiles>

/** `sun_path` has 108 bytes, the last of which is a NUL (include/uapi/linux/un.h). */
const PATH_BYTES_LIMIT = 107
/** What `unix-socket` adds to the directory while it prepares the socket: `/.sXXXXXX/s`. */
const STAGING_BYTES = 11

/** What stands for TCP in gRPC's names (https://github.com/grpc/grpc/blob/master/doc/naming.md) and in URLs. */
const TCP_SCHEME = /^(?:tcp[46]?|dns|ipv4|ipv6|xds|https?|grpcs?):/i
const HOST_AND_PORT = /^(?:.*[^:/]|.*\]|):\d{1,5}$|^\d{1,5}$/

// oxlint-disable-next-line no-control-regex -- control characters are what is refused
const CONTROL = /[\u0000-\u001f\u007f]/

const OWNER_ONLY = 0o600
const MODES = ['0600', '0660', '0666']

const MANDATORY = ['cert', 'key', 'ca', 'roles'] as const
const UNIX_OPTIONS = ['role', 'mode', 'group', 'reflection']
const TCP_OPTIONS = [...MANDATORY, 'crl', 'reflection']

/**
 * The address that `text` means; paths are absolute or below `cwd`; `unix:///PATH`, as gRPC clients write it, too. Throws
 * `LISTEN_NO_TCP` for what means a port without TLS, `LISTEN_ADDRESS` for everything else that cannot be listened on.
 */
export function parseListenAddress(
  text: string,
  cwd: string,
  defaults: TlsDefaults = {},
): ListenAddress {
  const refused: Refuse = (problem) => failure('LISTEN_ADDRESS', { address: text, problem })
  if (CONTROL.test(text)) throw refused('it has control characters')
  if (/^(?:unix-abstract:|@)/i.test(text)) throw refused('abstract sockets have no permissions')
  const parts = splitListen(text)
  if (typeof parts === 'string') throw refused(parts)
  if (/^unix:/i.test(text)) return unixAddress(parts, cwd, refused)
  if (/^tcp:/i.test(text)) return tcpAddress(parts, text, cwd, defaults, refused)
  if (TCP_SCHEME.test(text) || HOST_AND_PORT.test(parts.first)) {
    const problem = 'it is written tcp:HOST:PORT and the files for that'
    throw failure('LISTEN_NO_TCP', { address: text, problem })
  }
  throw refused('it starts neither with unix: nor with tcp:')
}

/** As the user may write it, with the port that was found. */
export function listenText(address: ListenAddress, port: number): string {
  if (address.kind === 'unix') return `unix:${address.path}`
  const { host } = address
  return `tcp:${host.includes(':') ? `[${host}]` : host}:${port}`
}

type Refuse = (problem: string) => Error

function unixAddress(parts: ListenParts, cwd: string, refused: Refuse): UnixAddress {
  const options = known(parts, UNIX_OPTIONS, refused)
  const path = socketPath(parts.first.slice('unix:'.length), cwd, refused)
  const modeText = options.get('mode')
  const group = options.get('group')
  const mode = modeOf(modeText ?? (group === undefined ? '0600' : '0660'), refused)
  if (group !== undefined && mode === OWNER_ONLY) {
    throw refused('mode: with 0600 the group could not open it')
  }
  const reflection = switched(options.get('reflection') ?? 'on', refused)
  const role = socketRole(options.get('role'), mode, refused)
  const address = { kind: 'unix', path, role, mode, reflection } as const
  return group === undefined ? address : { ...address, group }
}

function socketPath(written: string, cwd: string, refused: Refuse): string {
  if (written === '' || written.endsWith('/')) throw refused('it names no file')
  if (/^\/\/[^/]/.test(written)) throw refused('a path after // must be absolute: unix:///PATH')
  const path = resolve(cwd, written)
  const bytes = Math.max(byteLength(path), byteLength(dirname(path)) + STAGING_BYTES)
  if (bytes > PATH_BYTES_LIMIT) throw refused('its path is too long for a socket')
  return path
}

function modeOf(text: string, refused: Refuse): number {
  const written = text.padStart(4, '0')
  if (!MODES.includes(written)) throw refused(`mode: ${text} is none of ${MODES.join(', ')}`)
  return Number.parseInt(written, 8)
}

/** Whoever owns the socket may do everything; others only what is said. */
function socketRole(text: string | undefined, mode: number, refused: Refuse): Role {
  if (text === undefined) {
    if (mode === OWNER_ONLY) return 'admin'
    throw refused('role: it must be given where others than the owner may open the socket')
  }
  const role = roleOf(text)
  if (role === undefined) throw refused(`role: ${text} is none of ${ROLES.join(', ')}`)
  return role
}

function tcpAddress(
  parts: ListenParts,
  text: string,
  cwd: string,
  defaults: TlsDefaults,
  refused: Refuse,
): TcpAddress {
  const options = known(parts, TCP_OPTIONS, refused)
  const missing = MANDATORY.filter((name) => !options.has(name) && !defaults[name])
  if (missing.length > 0) {
    const problem = `${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} not given`
    throw failure('LISTEN_NO_TCP', { address: text, problem })
  }
  const { host, port } = hostAndPort(parts.first.slice('tcp:'.length), refused)
  const file = (name: keyof TlsFiles): string =>
    resolve(cwd, options.get(name) ?? defaults[name] ?? '')
  const files = { cert: file('cert'), key: file('key'), ca: file('ca'), roles: file('roles') }
  const hasCrl = options.has('crl') || Boolean(defaults.crl)
  const tls = hasCrl ? { ...files, crl: file('crl') } : files
  const reflection = switched(options.get('reflection') ?? 'off', refused)
  return { kind: 'tcp', host, port, tls, reflection }
}

function hostAndPort(written: string, refused: Refuse): { host: string; port: number } {
  const match = /^(?:\/\/)?(?:\[([0-9a-f:.]+(?:%\w+)?)\]|([^:[\]/\s]+)):(\d{1,5})$/i.exec(written)
  const [, ipv6, name, digits] = match ?? []
  const host = ipv6 ?? name
  if (host === undefined) throw refused('it is not tcp:HOST:PORT; 0.0.0.0 and [::] stand for all')
  const port = Number(digits)
  if (port > 65_535) throw refused(`port: ${port} is more than 65535`)
  return { host, port }
}

function switched(text: string, refused: Refuse): boolean {
  if (text !== 'on' && text !== 'off') throw refused(`reflection: ${text} is neither on nor off`)
  return text === 'on'
}

function known(
  { options }: ListenParts,
  names: readonly string[],
  refused: Refuse,
): ReadonlyMap<string, string> {
  for (const [name] of options) {
    if (!names.includes(name)) throw refused(`${name}: it is none of ${names.join(', ')}`)
  }
  return new Map(options)
}

function byteLength(text: string): number {
  return Buffer.byteLength(text, 'utf8')
}
