/** The service Baselines on a unix socket, as `learn --listen` serves it. */
import { BASELINES_SERVICE } from '../../src/service/baselines-methods.js'
import {
  BaselinesService,
  type BaselinesServiceOptions,
} from '../../src/service/baselines-service.js'
import type { UnixAddress } from '../../src/service/listen-address.js'
import { type RunningServer, startServer } from '../../src/service/server.js'
import { FakeClock } from './service-source.js'

/** A socket for its owner alone. */
export function unixAddress(path: string): UnixAddress {
  return { kind: 'unix', path, role: 'admin', mode: 0o600, reflection: true }
}

export function serveBaselines({
  path,
  ...options
}: BaselinesServiceOptions & { readonly path: string }): Promise<RunningServer> {
  const service = new BaselinesService(options)
  const { listBaselines, getBaseline, watchLearning } = service
  return startServer({
    addresses: [unixAddress(path)],
    services: [
      { definition: BASELINES_SERVICE, handlers: { listBaselines, getBaseline, watchLearning } },
    ],
    clock: new FakeClock(),
    stopping: () => service.finish(),
  })
}
