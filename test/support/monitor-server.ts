/** `MonitorService` on a unix socket of its own, served as `server` does it, with the caller that the test says. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Server, ServerCredentials, type UntypedServiceImplementation } from '@grpc/grpc-js'
import { noteCaller } from '../../src/service/caller.js'
import { MONITOR_SERVICE } from '../../src/service/monitor-methods.js'
import {
  MonitorService,
  type MonitorServiceOptions,
} from '../../src/service/monitor/monitor-service.js'

export interface MonitorServer {
  readonly service: MonitorService
  readonly socketPath: string
  close(): void
}

/** The caller is `socket:` and what the client sends as `user`, or `viewer`. */
export async function serveMonitor(options: MonitorServiceOptions): Promise<MonitorServer> {
  const directory = mkdtempSync(join(tmpdir(), 'plim-'))
  const socketPath = join(directory, 's')
  const service = new MonitorService(options)
  const server = new Server({ 'grpc.enable_channelz': 0 })
  const { watch, getAnomaly, listAnomalies, getTimeline, getStats } = service
  const handlers: UntypedServiceImplementation = {
    watch: (call: Parameters<typeof watch>[0]) => {
      const user = String(call.metadata.get('user')[0] ?? 'viewer')
      noteCaller(call.metadata, { role: 'viewer', name: `socket:${user}` })
      watch(call)
    },
    getAnomaly,
    listAnomalies,
    getTimeline,
    getStats,
  }
  server.addService(MONITOR_SERVICE, handlers)
  await new Promise<void>((resolve, reject) => {
    const bound = (error: Error | null): void => (error ? reject(error) : resolve())
    server.bindAsync(`unix:${socketPath}`, ServerCredentials.createInsecure(), bound)
  })
  const close = (): void => {
    service.stop()
    server.forceShutdown()
    rmSync(directory, { recursive: true, force: true })
  }
  return { service, socketPath, close }
}
