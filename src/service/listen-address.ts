/**
 * Where the service listens, as a user writes it: `unix:PATH`. Nothing else is offered: over TCP anyone who reaches the port
 * could read what a host runs, and abstract sockets have no permissions. Pure.
 */
import { dirname, resolve } from 'node:path'
import { failure } from '../errors.js'

export interface ListenAddress {
  /** Absolute, without control characters, short enough to be bound. */
  readonly path: string
}

/** `sun_path` has 108 bytes, the last of which is a NUL (include/uapi/linux/un.h). */
const PATH_BYTES_LIMIT = 107
/** What `unix-socket` adds to the directory while it prepares the socket: `/.sXXXXXX/s`. */
const STAGING_BYTES = 11

/** What stands for TCP in gRPC's names (https://github.com/grpc/grpc/blob/master/doc/naming.md) and in URLs. */
const TCP_SCHEME = /^(?:tcp[46]?|dns|ipv4|ipv6|xds|https?|grpcs?):/i
const HOST_AND_PORT = /^(?:.*[^:/]|.*\]|):\d{1,5}$|^\d{1,5}$/

// oxlint-disable-next-line no-control-regex -- control characters are what is refused
const CONTROL = /[\u0000-\u001f\u007f]/

/**
 * The address that `text` means: `unix:` and a path, absolute or below `cwd`; `unix:///PATH`, as gRPC clients write it, too.
 * Throws `LISTEN_NO_TCP` for what means a port, `LISTEN_ADDRESS` for everything else that cannot be listened on.
 */
export function parseListenAddress(text: string, cwd: string): ListenAddress {
  const refused = (problem: string): Error => failure('LISTEN_ADDRESS', { address: text, problem })
  if (!/^unix:/i.test(text)) {
    if (/^(?:unix-abstract:|@)/i.test(text)) throw refused('abstract sockets have no permissions')
    if (TCP_SCHEME.test(text) || HOST_AND_PORT.test(text)) {
      throw failure('LISTEN_NO_TCP', { address: text })
    }
    throw refused('it does not start with unix:')
  }
  const written = text.slice('unix:'.length)
  if (written === '' || written.endsWith('/')) throw refused('it names no file')
  if (CONTROL.test(written)) throw refused('its path has control characters')
  if (/^\/\/[^/]/.test(written)) throw refused('a path after // must be absolute: unix:///PATH')
  const path = resolve(cwd, written)
  const bytes = Math.max(byteLength(path), byteLength(dirname(path)) + STAGING_BYTES)
  if (bytes > PATH_BYTES_LIMIT) throw refused('its path is too long for a socket')
  return { path }
}

function byteLength(text: string): number {
  return Buffer.byteLength(text, 'utf8')
}
