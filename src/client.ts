/**
 * The client of plimsoll's service, for programs: `import { connect } from 'plimsoll'`.
 *
 *   const client = connect({ address: 'unix:/var/lib/plimsoll/plimsoll.sock' })
 *   const place = await resumable('/var/lib/my-siem/cursor')
 *   for await (const event of client.watch(place.from({ earliest: true }))) {
 *     if (event.anomaly) await handOn(event.anomaly)
 *     await place.done(event)
 *   }
 */
export {
  type CallOptions,
  connect,
  type ConnectOptions,
  type PlimsollClient,
  type ServiceCalls,
  type UnaryCall,
} from './service/client/connect.js'
export { PlimsollClientError } from './service/client/client-error.js'
export { type CursorFile, resumable } from './service/client/cursor-file.js'
export { type EventFile, eventFile, type EventLine } from './service/client/event-file.js'
export type { ServingStatus } from './service/client/health.js'
export type { RequestOf, ResponseOf } from './service/client/methods.js'
export type { WatchEvent, WatchRequest } from './service/client/position.js'
export type { ClientTls } from './service/client/tls.js'
export type { WatchOptions, WatchState } from './service/client/watch.js'
/** The messages, with their enums: `plimsoll.v1.Severity.SEVERITY_HIGH`. */
export { plimsoll } from './gen/plimsoll.js'
