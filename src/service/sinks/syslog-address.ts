/** Where syslog is sent, as a user writes it: `unix:PATH`, `udp:HOST[:PORT]`, `tcp:HOST[:PORT]`, `tls:HOST[:PORT]`. Pure. */
import { pathOf, type Refuse } from './sink-options.js'

export type SyslogAddress =
  | { readonly transport: 'unix'; readonly path: string }
  | { readonly transport: 'udp'; readonly host: string; readonly port: number }
  | { readonly transport: 'tcp' | 'tls'; readonly host: string; readonly port: number }

/** RFC 5426, RFC 6587 (syslog-conn), RFC 5425. */
const PORTS = { udp: 514, tcp: 601, tls: 6514 } as const

export function parseSyslogAddress(
  written: string,
  cwd: string | undefined,
  refuse: Refuse,
): SyslogAddress {
  const [, transport = '', rest = ''] = /^(unix|udp|tcp|tls):(.*)$/.exec(written) ?? []
  switch (transport) {
    case 'unix':
      return { transport, path: pathOf('its path', rest, cwd, refuse) }
    case 'udp':
      return { transport, ...hostAndPort(rest, PORTS.udp, refuse) }
    case 'tcp':
    case 'tls':
      return { transport, ...hostAndPort(rest, PORTS[transport], refuse) }
    default:
      throw refuse('its target is none of unix:PATH, udp:HOST:PORT, tcp:HOST:PORT, tls:HOST:PORT')
  }
}

function hostAndPort(
  written: string,
  defaultPort: number,
  refuse: Refuse,
): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, digits] =
    /^(?:\[([0-9A-Fa-f:.%\w]+)\]|([\w.-]+))(?::(\d{1,5}))?$/.exec(written) ?? []
  const host = bracketed ?? plain
  if (host === undefined) throw refuse('its target is no HOST:PORT; IPv6 addresses are in brackets')
  const port = digits === undefined ? defaultPort : Number(digits)
  if (port < 1 || port > 65_535) throw refuse('its port is not from 1 to 65535')
  return { host, port }
}
