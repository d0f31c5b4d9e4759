/** Serves a session to other programs while it goes on: the session's events on one side, the gRPC server on the other. */
import type { BaselineStore } from '../baseline/store.js'
import { StoreActions } from './baseline-actions.js'
import type { OnRecord } from './on-record.js'
import { SelectionModes } from './learning-selection.js'
import { parseListenAddress } from '../service/listen-address.js'
import type { ServiceClock } from '../service/learning-source.js'
import { type HeardEvents, LiveLearning } from './live-learning.js'
import type { SessionEvents } from './session-events.js'

/** A session that is served. */
export interface ServedLearning {
  /** As the server has it: `unix:` and an absolute path, or `tcp:` and a host and port. */
  readonly address: string
  /** The events to give to the session; each is told on to `inner`. */
  heard(inner: Partial<SessionEvents>): HeardEvents
  /** What clients change of what is learned; to be told of the session. */
  readonly modes: SelectionModes
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
  store: BaselineStore,
  changing: OnRecord & { readonly stateDirectory: string },
): Promise<ServedLearning> {
  const parsed = parseListenAddress(address, cwd)
  const learning = new LiveLearning(store, () => CLOCK.nowMs())
  // Loading grpc-js nearly doubles the start of a command, and few of them serve.
  const [
    { startServer },
    { baselinesHandlers },
    { BASELINES_SERVICE },
    { AuditService },
    { AUDIT_SERVICE },
  ] = await Promise.all([
    import('../service/server.js'),
    import('../service/baselines-handlers.js'),
    import('../service/baselines-methods.js'),
    import('../service/audit/audit-service.js'),
    import('../service/audit-methods.js'),
  ])
  const modes = new SelectionModes(changing)
  const actions = new StoreActions({
    ...changing,
    store,
    nowMs: () => CLOCK.nowMs(),
    changed: () => undefined,
  })
  const changes = { actions, modes }
  const { handlers, service } = baselinesHandlers({ source: learning, clock: CLOCK, changes })
  const { listEntries, verify } = new AuditService(changing)
  const server = await startServer({
    addresses: [parsed],
    services: [
      { definition: BASELINES_SERVICE, handlers },
      { definition: AUDIT_SERVICE, handlers: { listEntries, verify } },
    ],
    clock: CLOCK,
    stopping: () => service.finish(),
  })
  return {
    address: server.addresses()[0] ?? address,
    heard: (inner) => learning.heard(inner),
    modes,
    stop: () => {
      modes.end()
      return server.stop()
    },
  }
}
