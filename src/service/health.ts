/**
 * The standard health service: how each service is, and all of them together under the empty name. A service serves from the
 * start on, until it is said otherwise. Of a client that does not read, one state waits at most: the latest.
 */
import type {
  handleServerStreamingCall,
  handleUnaryCall,
  ServerWritableStream,
} from '@grpc/grpc-js'
import { failure } from '../errors.js'
import { grpc } from '../gen/plimsoll.js'
import { statusOf } from './status.js'

type Request = grpc.health.v1.HealthCheckRequest.$Properties
type Response = grpc.health.v1.HealthCheckResponse.$Properties

const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = grpc.health.v1.HealthCheckResponse.ServingStatus

type ServingStatus = grpc.health.v1.HealthCheckResponse.ServingStatus

/** Clients that may watch at a time. */
export const HEALTH_WATCHERS = 32

export class Health {
  readonly #serving: Map<string, boolean>
  readonly #watches = new Set<HealthWatch>()
  #isStopping = false

  /** `services` are the full names of what is served. */
  constructor(services: readonly string[]) {
    this.#serving = new Map(services.map((service) => [service, true]))
  }

  readonly check: handleUnaryCall<Request, Response> = ({ request }, answer) => {
    const service = request.service ?? ''
    const status = this.#statusOf(service)
    if (status !== SERVICE_UNKNOWN) return answer(null, { status })
    answer(statusOf(failure('SERVICE_NOT_FOUND', { service: service.slice(0, 200) })))
  }

  readonly watch: handleServerStreamingCall<Request, Response> = (call) => {
    if (this.#watches.size >= HEALTH_WATCHERS) {
      call.emit('error', statusOf(failure('TOO_MANY_WATCHERS', { count: this.#watches.size })))
      return
    }
    const watch = new HealthWatch(call, () => this.#statusOf(call.request.service ?? ''))
    this.#watches.add(watch)
    const gone = (): void => void this.#watches.delete(watch)
    call.on('cancelled', gone)
    call.on('close', gone)
  }

  /** Says how a service is from now on. What is not served is left alone. */
  set(service: string, serving: boolean): void {
    if (!this.#serving.has(service)) return
    this.#serving.set(service, serving)
    this.#tell()
  }

  /** The service stops: nothing serves any more, and who watches is told so. */
  finish(): void {
    this.#isStopping = true
    this.#tell()
    for (const watch of this.#watches) watch.finish()
  }

  #tell(): void {
    for (const watch of this.#watches) watch.send()
  }

  #statusOf(service: string): ServingStatus {
    const serving =
      service === '' ? [...this.#serving.values()].every(Boolean) : this.#serving.get(service)
    if (serving === undefined) return SERVICE_UNKNOWN
    return serving && !this.#isStopping ? SERVING : NOT_SERVING
  }
}

class HealthWatch {
  readonly #call: ServerWritableStream<Request, Response>
  readonly #current: () => ServingStatus
  #sent: ServingStatus | undefined
  #hasRoom = true
  #isFinished = false

  constructor(call: ServerWritableStream<Request, Response>, current: () => ServingStatus) {
    this.#call = call
    this.#current = current
    call.on('drain', () => {
      this.#hasRoom = true
      this.send()
    })
    this.send()
  }

  /** Sends how it is, unless the client knows. */
  send(): void {
    if (this.#hasRoom) {
      const status = this.#current()
      if (status !== this.#sent) {
        this.#sent = status
        this.#hasRoom = this.#call.write({ status })
      }
    }
    if (this.#isFinished && this.#hasRoom) this.#call.end()
  }

  finish(): void {
    this.#isFinished = true
    this.send()
  }
}
