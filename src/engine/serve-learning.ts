/** Serves a session to other programs while it goes on: the session's events on one side, the gRPC server on the other. */
import type { BaselineStore } from '../baseline/store.js'
import { parseListenAddress } from '../service/listen-address.js'
import type { ServiceClock } from '../service/learning-source.js'
import { type HeardEvents, LiveLearning } from './live-learning.js'
import type { SessionEvents } from './session.js'

/** A session that is served. */
export interface ServedLearning {
  /** As the server has it: `unix:` and an absolute path. */
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
 * `LISTEN_NO_TCP`, `LISTEN_FAILED`.
 */
export async function serveLearning(
  address: string,
  cwd: string,
  store: Pick<BaselineStore, 'list'>,
): Promise<ServedLearning> {
  const parsed = parseListenAddress(address, cwd)
  const learning = new LiveLearning(store, () => CLOCK.nowMs())
  // Loading grpc-js nearly doubles the start of a command, and few of them serve.
  const { startServer } = await import('../service/server.js')
  const server = await startServer({ address: parsed, source: learning, clock: CLOCK })
  return {
    address: `unix:${parsed.path}`,
    heard: (inner) => learning.heard(inner),
    stop: () => server.stop(),
  }
}
