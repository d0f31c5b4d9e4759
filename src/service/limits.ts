/** What the server bounds, so that no client and no crowd of them can take it from the others. */
import { FILE_LIMIT_BYTES } from '../baseline/codec.js'

export interface ServerLimits {
  /** Clients at a time, per address; more are hung up on. */
  readonly connections: number
  /** Of those, with one name in their certificates; who comes by one socket cannot be told apart. */
  readonly connectionsPerCaller: number
  /**
   * Connections per address that have not said yet that they speak HTTP/2, over TLS where it is asked for. One more takes the
   * place of the oldest of whoever has most of them.
   */
  readonly pending: number
  /** What a connection has for that, from when it was accepted. */
  readonly setUpMs: number
  /** Calls at a time on one connection. */
  readonly callsPerConnection: number
  /** Calls at a time whose request is still on its way, in all and of one caller; who comes by one socket is one caller. */
  readonly receiving: number
  readonly receivingPerCaller: number
  /** What a request has to arrive. */
  readonly requestMs: number
  /** Bytes of a request, unless `largeRequests` has its method. */
  readonly requestBytes: number
  /** Full names of methods that take more, with their limits. */
  readonly largeRequests: ReadonlyMap<string, number>
  /** Bytes of a response. */
  readonly responseBytes: number
  /** A peer that was silent for so long is asked whether it is there, and cut if it does not answer in `aliveMs`. */
  readonly askMs: number
  readonly aliveMs: number
}

const KIB = 1024
const MIB = 1024 * KIB

export const LIMITS: ServerLimits = {
  connections: 512,
  connectionsPerCaller: 256,
  pending: 256,
  setUpMs: 5000,
  callsPerConnection: 64,
  receiving: 256,
  receivingPerCaller: 64,
  requestMs: 10_000,
  requestBytes: 64 * KIB,
  largeRequests: new Map([['plimsoll.v1.Control/SetPolicy', MIB]]),
  // A baseline, at worst.
  responseBytes: FILE_LIMIT_BYTES,
  askMs: 30_000,
  aliveMs: 10_000,
}

/** The largest request that any method takes. */
export function largestRequest({ requestBytes, largeRequests }: ServerLimits): number {
  return Math.max(requestBytes, ...largeRequests.values())
}

/** Bytes that a request of that method may have. */
export function requestLimit(limits: ServerLimits, method: string): number {
  return limits.largeRequests.get(method) ?? limits.requestBytes
}
