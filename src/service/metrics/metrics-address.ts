/**
 * Where the metrics are served, as a user writes it: `HOST:PORT`, `:PORT` or `PORT` on loopback, or `unix:PATH`. The host is an
 * address, not a name, so that no name server decides who can reach them. Pure.
 */
import { isIP } from 'node:net'
import { failure } from '../../errors.js'
import { parseListenAddress } from '../listen-address.js'

export type MetricsAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

const LOOPBACK = '127.0.0.1'
const PORT_LIMIT = 65_535

/** The address that `text` means. Throws `METRICS_ADDRESS` for what is none, `LISTEN_ADDRESS` for a path that is none. */
export function parseMetricsAddress(text: string, cwd: string): MetricsAddress {
  if (/^unix:/i.test(text)) {
    const address = parseListenAddress(text, cwd)
    if (address.kind === 'unix') return { kind: 'unix', path: address.path }
  }
  const refused = (problem: string): Error => failure('METRICS_ADDRESS', { address: text, problem })
  const parts = /^(?:(?<six>\[[^\]]*\])|(?<host>[^:]*)):(?<port>\d+)$|^(?<alone>\d+)$/.exec(text)
  if (parts?.groups === undefined) throw refused('it is neither HOST:PORT nor unix:PATH')
  const { six = '', host = '', port = '', alone = '' } = parts.groups
  const number = Number(port || alone)
  if (number > PORT_LIMIT) throw refused(`there is no port ${number}`)
  const written = six === '' ? host : six.slice(1, -1)
  const named = written === '' && six === '' ? LOOPBACK : written
  const address = named === 'localhost' ? LOOPBACK : named
  if (isIP(address) !== (six === '' ? 4 : 6)) throw refused('its host is no IP address')
  return { kind: 'tcp', host: address, port: number }
}

/** As a user writes it. */
export function metricsAddressText(address: MetricsAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`
}

/** Whether other hosts can reach it. */
export function isExposed(address: MetricsAddress): boolean {
  return address.kind === 'tcp' && address.host !== '::1' && !address.host.startsWith('127.')
}
