/** A server of stub services on a TLS port and on sockets, for tests of who gets in. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { credentials } from '@grpc/grpc-js'
import type { Test } from 'tap'
import type { ServiceClock } from '../../src/service/learning-source.js'
import type { ListenAddress } from '../../src/service/listen-address.js'
import { type RunningServer, type ServerOptions, startServer } from '../../src/service/server.js'
import type { Certificates, Presented } from './certificates.js'
import { RawClient, type Reached, stubServices } from './stub-services.js'

/** The time that it is, moved by hand; timers go off by hand. */
export class MovedClock implements ServiceClock {
  movedMs = 0
  readonly #ticks = new Set<() => void>()

  nowMs(): number {
    return Date.now() + this.movedMs
  }

  every(_intervalMs: number, tick: () => void): () => void {
    this.#ticks.add(tick)
    return () => void this.#ticks.delete(tick)
  }

  tick(): void {
    for (const tick of this.#ticks) tick()
  }
}

export interface ServedStubs {
  readonly server: RunningServer
  readonly clock: MovedClock
  readonly reached: Reached[]
  /** Ports of the addresses over TCP, in their order. */
  readonly ports: readonly number[]
}

export function tlsAddress({ files }: Certificates, reflection = true): ListenAddress {
  return { kind: 'tcp', host: '127.0.0.1', port: 0, tls: files, reflection }
}

/** A short path: those of test directories may be too long for a socket. */
export function socketDirectory(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'plim-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

export async function serveStubs(
  t: Test,
  addresses: readonly ListenAddress[],
  options: Partial<ServerOptions> = {},
): Promise<ServedStubs> {
  const reached: Reached[] = []
  const clock = new MovedClock()
  const services = stubServices((call) => reached.push(call))
  const server = await startServer({ addresses, services, clock, ...options })
  t.teardown(() => server.stop(0))
  const ports = server.addresses().flatMap((text) => {
    const [, port] = /^tcp:.*:(\d+)$/.exec(text) ?? []
    return port === undefined ? [] : [Number(port)]
  })
  return { server, clock, reached, ports }
}

export function tlsClient(t: Test, port: number, ca: Buffer, presented: Presented = {}): RawClient {
  const { key = null, cert = null } = presented
  const client = new RawClient(`127.0.0.1:${port}`, credentials.createSsl(ca, key, cert))
  t.teardown(() => client.close())
  return client
}

export function socketClient(t: Test, path: string): RawClient {
  const client = new RawClient(`unix:${path}`, credentials.createInsecure())
  t.teardown(() => client.close())
  return client
}
