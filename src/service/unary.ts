/** Unary handlers as grpc-js wants them, of functions that return or reject. */
import type { handleUnaryCall, ServerUnaryCall } from '@grpc/grpc-js'
import { statusOf } from './status.js'

/** The handler that answers what `work` resolves to, and with the status of what it throws or rejects with. Never throws. */
export function unary<Request, Response>(
  work: (request: Request, call: ServerUnaryCall<Request, Response>) => Promise<Response>,
): handleUnaryCall<Request, Response> {
  return (call, answer) => {
    // Within a promise, so that a throw before the first await is a status as well.
    void (async (): Promise<Response> => work(call.request, call))().then(
      (response) => answer(null, response),
      (thrown: unknown) => answer(statusOf(thrown)),
    )
  }
}
