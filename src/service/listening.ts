/** One address that is listened on: its connections, and who calls over them. */
import { experimental, type Server, ServerCredentials } from '@grpc/grpc-js'
import type { Socket } from 'node:net'
import { asPlimsollError, asProblem, failure } from '../errors.js'
import type { Role } from './caller.js'
import { type ConnectionCounts, Connections } from './connections.js'
import { accessInterceptor, type CallRules } from './interceptor.js'
import type { ServerLimits } from './limits.js'
import {
  type ListenAddress,
  listenText,
  type TcpAddress,
  type UnixAddress,
} from './listen-address.js'
import { type Reload, TlsEndpoint } from './tls-endpoint.js'
import { publishSocket } from './unix-socket.js'

/** An address that takes clients. */
export interface Listening {
  /** As a user may write it, with the actual port. */
  readonly text: string
  counts(): ConnectionCounts
  /** Takes no more clients; a socket is removed. Never rejects. */
  close(): Promise<void>
  /** Hangs up on all. */
  cut(): void
  /** Hangs up on those whose certificate has expired; nothing without TLS. */
  cutExpired(): void
  /** Reads the files of TLS again, if they changed or `force` says so; undefined without TLS. */
  reload(force: boolean): Promise<Reload | undefined>
}

/** What all addresses of a server share. */
export interface Shared {
  readonly grpc: Server
  readonly limits: ServerLimits
  readonly nowMs: () => number
  readonly rules: Omit<CallRules, 'identify' | 'offers'>
}

const REFLECTION = /^grpc\.reflection\./

/** Listens. Throws `LISTEN_FAILED`, `TLS_UNUSABLE`; nothing is left behind then. */
export function listenOn(address: ListenAddress, shared: Shared): Promise<Listening> {
  return address.kind === 'unix' ? listenUnix(address, shared) : listenTcp(address, shared)
}

async function listenUnix(address: UnixAddress, shared: Shared): Promise<Listening> {
  const caller = { role: address.role, name: `socket:${address.role}` }
  const serve = injector(shared, address, () => caller)
  const connections = new Connections({ limits: shared.limits, serve })
  const { path, mode, group } = address
  const bind = (bound: string): Promise<void> => connections.listen({ path: bound })
  const socket = await publishSocket(path, bind, { mode, group }).catch((thrown: unknown) => {
    connections.close()
    throw thrown
  })
  return {
    text: listenText(address, 0),
    counts: () => connections.counts,
    close: async () => {
      await socket.remove()
      connections.close()
    },
    cut: () => connections.cut(),
    cutExpired: () => undefined,
    reload: async () => undefined,
  }
}

async function listenTcp(address: TcpAddress, shared: Shared): Promise<Listening> {
  const { host, port } = address
  const tls = await TlsEndpoint.open(address.tls, shared.nowMs)
  const inject = injector(shared, address, (call) =>
    tls.callerOf(call.getAuthContext().sslPeerCertificate),
  )
  const roles = new WeakMap<Socket, Role | undefined>()
  const serve = (connection: Socket): void => {
    roles.set(connection, tls.roleOf(connection))
    inject(connection)
  }
  const callerOf = (connection: Socket): string => tls.nameOf(connection)
  const connections = new Connections({ limits: shared.limits, handshaker: tls, callerOf, serve })
  await connections.listen({ host, port }).catch((thrown: unknown) => {
    connections.close()
    const where = listenText(address, port)
    throw failure('LISTEN_FAILED', { path: where, problem: asProblem(thrown) }, thrown)
  })
  const hasOtherRole = (connection: Socket): boolean =>
    roles.get(connection) !== tls.roleOf(connection)
  return {
    text: listenText(address, connections.port),
    counts: () => connections.counts,
    close: async () => connections.close(),
    cut: () => connections.cut(),
    // What has expired has no role.
    cutExpired: () => connections.cutWhere(hasOtherRole),
    reload: async (force) => {
      const reload = await tls.reload(force)
      // Who is still trusted connects again.
      if (reload.trustChanged) connections.cut()
      else if (reload.kind === 'reloaded') connections.cutWhere(hasOtherRole)
      return reload
    },
  }
}

function injector(
  { grpc, limits, rules }: Shared,
  address: ListenAddress,
  identify: CallRules['identify'],
): (connection: Socket) => void {
  const offers = (method: string): boolean => address.reflection || !REFLECTION.test(method)
  const interceptor = accessInterceptor({ ...rules, limits, identify, offers })
  const credentials = experimental.createServerCredentialsWithInterceptors(
    ServerCredentials.createInsecure(),
    [interceptor],
  )
  const injected = grpc.createConnectionInjector(credentials)
  return (connection) => {
    try {
      injected.injectConnection(connection)
    } catch (thrown) {
      // A connection that ended just now.
      connection.destroy(asPlimsollError(thrown))
    }
  }
}
