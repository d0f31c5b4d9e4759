/**
 * Methods of services as grpc-js wants them: path and codecs, from the messages that are generated. A test compares them with
 * the `.proto` files.
 */
import type { MethodDefinition } from '@grpc/grpc-js'

/** What is generated for a message, as far as it is needed here. */
export interface Codec<Message> {
  encode(message: Message): { finish(): Uint8Array }
  decode(bytes: Uint8Array): Message
}

/** A method of `service` (its full name), with one request and, unless `responseStream`, one response. */
export function method<Request, Response>(
  service: string,
  name: string,
  request: Codec<Request>,
  response: Codec<Response>,
  responseStream = false,
): MethodDefinition<Request, Response> {
  return {
    path: `/${service}/${name}`,
    requestStream: false,
    responseStream,
    requestSerialize: (message) => bufferOf(request.encode(message).finish()),
    requestDeserialize: (bytes) => request.decode(bytes),
    responseSerialize: (message) => bufferOf(response.encode(message).finish()),
    responseDeserialize: (bytes) => response.decode(bytes),
  }
}

/** The same memory as a Buffer. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
