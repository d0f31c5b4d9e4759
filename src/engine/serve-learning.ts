/** Serves a session to other programs while it goes on: the session's events on one side, the gRPC server on the other. */
import type { BaselineStore } from '../baseline/store.js'
import { parseListenAddress } from '../service/listen-address.js'
import type { ServiceClock } from '../service/learning-source.js'
import { type HeardEvents, LiveLearning } from './live-learning.js'
import type { SessionEvents } from './session.js'

/** A session that is served. */
export interface ServedLearning {
  /** As the server has it: `unix:` and an absolute path, or `tcp:` and a host and port. */
  readonly address: string
  /** The events to give to the session; each is told on to `inner`. */
  heard(inner: Partial<SessionEvents>): HeardEvents
  /** Tells the clients that the session is over and stops the server. Never rejects; takes two seconds at most. */
  stop(): Promise<void>
}

const CLOCK: ServiceClock = {
  nowMs: () => Date.now(),
  every: (intervalMs, tick) => {
    const timer = setInterval(tick, intervalMs)
    return () => clearInterval(timer)
  },
}

/**
 * Starts to serve on `address`, relative to `cwd`; the store is read when a client asks. Throws `LISTEN_ADDRESS`,
 * `LISTEN_NO_TCP`, `LISTEN_FAILED`, `TLS_UNUSABLE`.
 */
export async function serveLearning(
  address: string,
  cwd: string,
  store: Pick<BaselineStore, 'list'>,
): Promise<ServedLearning> {
  const parsed = parseListenAddress(address, cwd)
  const learning = new LiveLearning(store, () => CLOCK.nowMs())
  // Loading grpc-js nearly doubles the start of a command, and few of them serve.
  const [{ startServer }, { BaselinesService }, { BASELINES_SERVICE }] = await Promise.all([
    import('../service/server.js'),
    import('../service/baselines-service.js'),
    import('../service/baselines-methods.js'),
  ])
  const service = new BaselinesService({ source: learning, clock: CLOCK })
  const { listBaselines, getBaseline, watchLearning } = service
  const handlers = { listBaselines, getBaseline, watchLearning }
  const server = await startServer({
    addresses: [parsed],
    services: [{ definition: BASELINES_SERVICE, handlers }],
    clock: CLOCK,
    stopping: () => service.finish(),
  })
  return {
    address: server.addresses()[0] ?? address,
    heard: (inner) => learning.heard(inner),
    stop: () => server.stop(),
  }
}
