/** A service as it is given to the server, and with the limits of its requests. */
import type {
  MethodDefinition,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { requestLimit, type ServerLimits } from './limits.js'

/** A service and what answers its calls; a method without a handler is answered with UNIMPLEMENTED. */
export interface ServedService {
  // oxlint-disable-next-line typescript/no-explicit-any -- as grpc-js declares services of any messages
  readonly definition: Readonly<Record<string, MethodDefinition<any, any>>>
  // oxlint-disable-next-line typescript/no-explicit-any -- handlers of any messages
  readonly handlers: Readonly<Record<string, (call: any, answer?: any) => void>>
}

/** Takes the place of a request that is larger than its method takes: grpc-js has one limit for all methods. */
export const OVERSIZED: unique symbol = Symbol('oversized request')

/** Its full name: `plimsoll.v1.Monitor`. */
export function serviceName({ definition }: Pick<ServedService, 'definition'>): string {
  const [first] = Object.values(definition)
  return first === undefined ? '' : first.path.slice(1, first.path.lastIndexOf('/'))
}

/** The definition, with requests that are too large turned into `OVERSIZED` before they are decoded. */
export function boundedDefinition(
  { definition }: ServedService,
  limits: ServerLimits,
): ServiceDefinition<UntypedServiceImplementation> {
  const bounded = Object.entries(definition).map(([name, method]) => {
    const limit = requestLimit(limits, method.path.slice(1))
    const requestDeserialize = (bytes: Buffer): unknown =>
      bytes.length > limit ? OVERSIZED : (method.requestDeserialize(bytes) as unknown)
    return [name, { ...method, requestDeserialize }]
  })
  return Object.fromEntries(bounded) as ServiceDefinition<UntypedServiceImplementation>
}
