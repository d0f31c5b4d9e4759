/**
 * The gRPC server: started on its addresses with the services it is given, health and reflection beside them, and stopped
 * within a deadline. Who may reach it is `listening`, who may call what is `interceptor`.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { logVerbosity, Server, setLogVerbosity } from '@grpc/grpc-js'
import type { PlimsollError } from '../errors.js'
import { PACKAGE_ROOT } from '../version.js'
import type { ConnectionCounts } from './connections.js'
import { DescriptorIndex } from './descriptor-index.js'
import { guardStreams } from './grpc-guard.js'
import { Health } from './health.js'
import { HEALTH_SERVICE } from './health-methods.js'
import { type CallRules, ReceivingCalls } from './interceptor.js'
import type { ServiceClock } from './learning-source.js'
import { largestRequest, LIMITS, type ServerLimits } from './limits.js'
import type { ListenAddress } from './listen-address.js'
import { type Listening, listenOn } from './listening.js'
import { Reflection } from './reflection.js'
import { REFLECTION_SERVICE, REFLECTION_SERVICE_ALPHA } from './reflection-methods.js'
import { boundedDefinition, type ServedService, serviceName } from './served-service.js'

/** What is told while it runs. */
export interface ServerEvents {
  /** A call reached no handler. Texts are from the client: bound and escape them. */
  readonly refused: CallRules['refused']
  /** The files of TLS were read again; with an error, what was in use is kept. */
  readonly tlsReloaded: (address: string, error: PlimsollError | undefined) => void
}

export interface ServerOptions {
  /** At least one. */
  readonly addresses: readonly ListenAddress[]
  readonly services: readonly ServedService[]
  readonly clock: ServiceClock
  readonly events?: Partial<ServerEvents>
  readonly limits?: Partial<ServerLimits>
  /** No more clients are taken: streams that would go on for ever are to be ended now. */
  readonly stopping?: () => void
}

/** How a server is doing. */
export interface ServerCounts extends ConnectionCounts {
  /** As in `RunningServer.addresses`. */
  readonly address: string
}

/** A server that answers. */
export interface RunningServer {
  /** What it listens on, in the order given, as a user may write it: with the actual port. */
  addresses(): readonly string[]
  /** One entry per address. */
  counts(): readonly ServerCounts[]
  /** Says whether a service (its full name) can be used from now on; all can at first. */
  setHealth(service: string, serving: boolean): void
  /** Reads the files of TLS again, changed or not. Never rejects: `tlsReloaded` is told what came of it. */
  reloadTls(): Promise<void>
  /**
   * Takes no more clients, removes the sockets, tells who watches that it is over, and waits until what is under way is done, at
   * most `deadlineMs`; then the connections are cut. Idempotent, never rejects.
   */
  stop(deadlineMs?: number): Promise<void>
}

/** A client that reads at all is done by then. */
const STOP_MS = 2000

/** Files of TLS are looked at, and connections whose certificate has expired are cut, so often. */
export const TEND_MS = 5000

/** Starts to listen. Throws `LISTEN_FAILED`, `TLS_UNUSABLE`; nothing is left behind then. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  // It prints what clients send, on stderr, as often as they like.
  setLogVerbosity(logVerbosity.NONE)
  const limits: ServerLimits = { ...LIMITS, ...options.limits }
  const { clock } = options
  const health = new Health(options.services.map(serviceName))
  const grpc = await grpcServer(options.services, health, limits)
  const refused: CallRules['refused'] = (...refusal) => options.events?.refused?.(...refusal)
  const rules = { limits, receiving: new ReceivingCalls(limits), refused }
  const listening: Listening[] = []
  try {
    for (const address of options.addresses) {
      listening.push(await listenOn(address, { grpc, limits, nowMs: () => clock.nowMs(), rules }))
    }
  } catch (thrown) {
    await Promise.all(listening.map((each) => each.close()))
    grpc.forceShutdown()
    throw thrown
  }
  const reload = async (force: boolean): Promise<void> => {
    for (const each of listening) {
      const result = await each.reload(force)
      if (result === undefined || result.kind === 'unchanged') continue
      const error = result.kind === 'failed' ? result.error : undefined
      options.events?.tlsReloaded?.(each.text, error)
    }
  }
  const stopTending = clock.every(TEND_MS, () => {
    for (const each of listening) each.cutExpired()
    void reload(false)
  })
  const stop = async (deadlineMs: number): Promise<void> => {
    stopTending()
    await Promise.all(listening.map((each) => each.close()))
    options.stopping?.()
    health.finish()
    await shutDown(grpc, deadlineMs)
    for (const each of listening) each.cut()
  }
  let stopped: Promise<void> | undefined
  return {
    addresses: () => listening.map(({ text }) => text),
    counts: () => listening.map((each) => ({ address: each.text, ...each.counts() })),
    setHealth: (service, serving) => health.set(service, serving),
    reloadTls: () => reload(true),
    stop: (deadlineMs = STOP_MS) => (stopped ??= stop(deadlineMs)),
  }
}

async function grpcServer(
  services: readonly ServedService[],
  health: Health,
  limits: ServerLimits,
): Promise<Server> {
  const server = new Server({
    'grpc.max_receive_message_length': largestRequest(limits),
    'grpc.max_send_message_length': limits.responseBytes,
    'grpc.max_concurrent_streams': limits.callsPerConnection,
    'grpc.keepalive_time_ms': limits.askMs,
    'grpc.keepalive_timeout_ms': limits.aliveMs,
    'grpc.enable_channelz': 0,
  })
  guardStreams(server)
  const { check, watch } = health
  const served = [...services, { definition: HEALTH_SERVICE, handlers: { check, watch } }]
  const definitions = [REFLECTION_SERVICE, REFLECTION_SERVICE_ALPHA]
  const names = [...served, ...definitions.map((definition) => ({ definition }))].map(serviceName)
  const { serverReflectionInfo } = new Reflection(await readDescriptors(), names)
  const handlers = { serverReflectionInfo }
  for (const each of [...served, ...definitions.map((definition) => ({ definition, handlers }))]) {
    server.addService(boundedDefinition(each, limits), each.handlers)
  }
  return server
}

/** The descriptors of all that is declared, served or not. */
async function readDescriptors(): Promise<DescriptorIndex> {
  return new DescriptorIndex(await readFile(join(PACKAGE_ROOT, 'proto', 'descriptor.binpb')))
}

/** Waits for what is under way, at most so long, then ends it. */
async function shutDown(server: Server, deadlineMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  await new Promise<void>((resolve) => {
    timer = setTimeout(resolve, deadlineMs)
    server.tryShutdown(() => resolve())
  })
  clearTimeout(timer)
  // Harmless after a shutdown that came to its end.
  server.forceShutdown()
}
