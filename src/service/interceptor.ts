/**
 * What every call goes through before its handler: who calls, whether that may be, and whether its request is small enough and
 * comes in time. Decides before anything of the request is read; a refused call reaches no handler.
 */
import {
  Metadata,
  type ServerInterceptor,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type StatusObject,
  status,
} from '@grpc/grpc-js'
import { failure } from '../errors.js'
import { type Caller, noteCaller } from './caller.js'
import type { ServerLimits } from './limits.js'
import { mayCall } from './permissions.js'
import { OVERSIZED } from './served-service.js'
import { statusOf } from './status.js'

/** What is asked of one listening address, and what it is told. */
export interface CallRules {
  /** Who calls; throws `UNAUTHENTICATED`. */
  identify(call: ServerInterceptingCallInterface): Caller
  /** False for methods that are not there on this address. */
  offers(method: string): boolean
  /** A call was refused; `caller` is unknown for `UNAUTHENTICATED`. */
  refused(method: string, code: RefusalCode, caller: Caller | undefined): void
  readonly limits: ServerLimits
  /** Shared by all addresses. */
  readonly receiving: ReceivingCalls
}

export type RefusalCode =
  'UNAUTHENTICATED' | 'NOT_PERMITTED' | 'SERVICE_BUSY' | 'REQUEST_TOO_LARGE' | 'REQUEST_TOO_SLOW'

/** Calls whose request is still on its way: counted, by caller and in all. */
export class ReceivingCalls {
  readonly #limits: Pick<ServerLimits, 'receiving' | 'receivingPerCaller'>
  readonly #byCaller = new Map<string, number>()
  #count = 0

  constructor(limits: Pick<ServerLimits, 'receiving' | 'receivingPerCaller'>) {
    this.#limits = limits
  }

  get count(): number {
    return this.#count
  }

  hasRoom({ name }: Caller): boolean {
    const { receiving, receivingPerCaller } = this.#limits
    return this.#count < receiving && (this.#byCaller.get(name) ?? 0) < receivingPerCaller
  }

  add({ name }: Caller): void {
    this.#count += 1
    this.#byCaller.set(name, (this.#byCaller.get(name) ?? 0) + 1)
  }

  delete({ name }: Caller): void {
    this.#count -= 1
    const left = (this.#byCaller.get(name) ?? 0) - 1
    if (left > 0) this.#byCaller.set(name, left)
    else this.#byCaller.delete(name)
  }
}

/** The interceptor for calls that come in on one address. */
export function accessInterceptor(rules: CallRules): ServerInterceptor {
  return ({ path }, call) => {
    const method = path.slice(1)
    return new ServerInterceptingCall(call, {
      start: (next) => {
        if (!rules.offers(method)) return call.sendStatus(unimplemented(path))
        const { caller, refusal } = judged(rules, method, call)
        if (refusal !== undefined) return call.sendStatus(refusal)
        const arrival = new Arrival(rules, method, caller, (refused) => call.sendStatus(refused))
        next({
          onReceiveMetadata: (metadata, pass) => {
            // Not before: of a call that was cancelled by now nothing more is heard.
            arrival.begin()
            noteCaller(metadata, caller)
            pass(metadata)
          },
          onReceiveMessage: (message, pass) => {
            if (message === OVERSIZED) return arrival.refuseSize()
            arrival.complete()
            pass(message)
          },
          onReceiveHalfClose: (pass) => {
            arrival.complete()
            pass()
          },
          onCancel: () => arrival.complete(),
        })
      },
    })
  }
}

type Verdict =
  | { readonly caller: Caller; readonly refusal?: undefined }
  | { readonly caller?: undefined; readonly refusal: StatusObject }

function judged(rules: CallRules, method: string, call: ServerInterceptingCallInterface): Verdict {
  let caller: Caller
  try {
    caller = rules.identify(call)
  } catch (thrown) {
    rules.refused(method, 'UNAUTHENTICATED', undefined)
    return { refusal: statusOf(thrown) }
  }
  const { role, name } = caller
  if (!mayCall(role, method)) {
    rules.refused(method, 'NOT_PERMITTED', caller)
    return { refusal: statusOf(failure('NOT_PERMITTED', { caller: name, role, method })) }
  }
  if (!rules.receiving.hasRoom(caller)) {
    rules.refused(method, 'SERVICE_BUSY', caller)
    return { refusal: statusOf(failure('SERVICE_BUSY', { count: rules.receiving.count })) }
  }
  return { caller }
}

/** As grpc-js refuses methods that it does not know. */
function unimplemented(path: string): StatusObject {
  const details = `The server does not implement the method ${path}`
  return { code: status.UNIMPLEMENTED, details, metadata: new Metadata() }
}

/** The first request of a call on its way: counted until it is there, and given up when it takes too long. */
class Arrival {
  readonly #rules: CallRules
  readonly #method: string
  readonly #caller: Caller
  readonly #end: (refusal: StatusObject) => void
  #timer: NodeJS.Timeout | undefined

  constructor(
    rules: CallRules,
    method: string,
    caller: Caller,
    end: (refusal: StatusObject) => void,
  ) {
    this.#rules = rules
    this.#method = method
    this.#caller = caller
    this.#end = end
  }

  begin(): void {
    this.#rules.receiving.add(this.#caller)
    this.#timer = setTimeout(() => this.#refuseTime(), this.#rules.limits.requestMs)
    this.#timer.unref()
  }

  /** It is there, or nobody waits for it any more. Idempotent. */
  complete(): void {
    if (this.#timer === undefined) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#rules.receiving.delete(this.#caller)
  }

  refuseSize(): void {
    this.complete()
    this.#rules.refused(this.#method, 'REQUEST_TOO_LARGE', this.#caller)
    this.#end(statusOf(failure('REQUEST_TOO_LARGE', { method: this.#method })))
  }

  #refuseTime(): void {
    this.complete()
    this.#rules.refused(this.#method, 'REQUEST_TOO_SLOW', this.#caller)
    this.#end(statusOf(failure('REQUEST_TOO_SLOW', { method: this.#method })))
  }
}
