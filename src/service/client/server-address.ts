/** Where a service is, as a user writes it: `unix:PATH` or `tcp:HOST:PORT`. Pure. */
import { resolve } from 'node:path'
import { failure } from '../../errors.js'

export type ServerAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }

// oxlint-disable-next-line no-control-regex -- control characters are what is refused
const CONTROL = /[\u0000-\u001f\u007f]/
const TCP = /^tcp:(?:\/\/)?(?:\[([0-9a-f:.%]+)\]|([^:[\]/]+)):(\d{1,5})$/i

/** The address that `text` means; a path may be relative to `cwd`. Throws `USAGE` for what is none. */
export function parseServerAddress(text: string, cwd: string): ServerAddress {
  const written = /^unix:(?:\/\/(?=\/))?(.+)$/is.exec(text)?.[1]
  if (written !== undefined && !CONTROL.test(written)) {
    return { kind: 'unix', path: resolve(cwd, written) }
  }
  const [, v6, name, digits] = TCP.exec(text) ?? []
  const host = v6 ?? name
  const port = Number(digits)
  if (host !== undefined && !CONTROL.test(host) && port > 0 && port < 65_536) {
    return { kind: 'tcp', host, port }
  }
  throw failure('USAGE', {
    problem: `${text} is no address of a service: give unix:PATH or tcp:HOST:PORT`,
  })
}

/** The same, as it is shown and as `parseServerAddress` takes it. */
export function addressText(address: ServerAddress): string {
  return address.kind === 'unix' ? `unix:${address.path}` : `tcp:${hostAndPort(address)}`
}

/** The name that gRPC knows it by; a host may have several IP addresses. */
export function targetOf(address: ServerAddress): string {
  return address.kind === 'unix' ? `unix:${address.path}` : `dns:${hostAndPort(address)}`
}

function hostAndPort({ host, port }: Extract<ServerAddress, { readonly kind: 'tcp' }>): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
