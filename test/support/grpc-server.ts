/** A plain grpc-js server on a unix socket for tests of handlers, with a caller for every call, and a client of it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  Client,
  credentials,
  type handleUnaryCall,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type ServiceError,
} from '@grpc/grpc-js'
import type { Test } from 'tap'
import { type Caller, noteCaller } from '../../src/service/caller.js'

/** Calls a method; rejects with the `ServiceError` of a status that is not OK. */
export type Call = <Request, Response>(
  method: MethodDefinition<Request, Response>,
  request: Request,
) => Promise<Response>

type Handler = handleUnaryCall<object, object>

/** Serves the methods with the handlers until the test ends. `caller` is who every call is from. */
export async function served(
  t: Test,
  services: readonly (readonly [ServiceDefinition, object])[],
  caller: () => Caller = () => ({ role: 'admin', name: 'socket:admin' }),
): Promise<Call> {
  const server = new Server()
  for (const [methods, handlers] of services) {
    const named = Object.keys(methods).map((name): [string, Handler] => {
      const handler = (handlers as Readonly<Record<string, Handler>>)[name]
      return [
        name,
        (call, answer) => {
          noteCaller(call.metadata, caller())
          handler?.(call, answer)
        },
      ]
    })
    server.addService(methods, Object.fromEntries(named))
  }
  // Sockets have short paths; those of test directories are long.
  const directory = mkdtempSync(join(tmpdir(), 'plimsoll-'))
  const path = join(directory, 's')
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    )
  })
  const client = new Client(`unix:${path}`, credentials.createInsecure())
  t.teardown(() => {
    client.close()
    server.forceShutdown()
    rmSync(directory, { recursive: true, force: true })
  })
  return (method, request) =>
    new Promise((resolve, reject) => {
      const { requestSerialize, responseDeserialize } = method
      client.makeUnaryRequest(
        method.path,
        requestSerialize,
        responseDeserialize,
        request,
        (error: ServiceError | null, response) => {
          if (error !== null) reject(error)
          else if (response === undefined) reject(new Error(`${method.path}: no response`))
          else resolve(response)
        },
      )
    })
}
