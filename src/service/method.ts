/**
 * The methods of the service as grpc-js wants them: path and codecs, from the messages that are generated. A test compares
 * them with `baselines.proto`.
 */
import type { MethodDefinition } from '@grpc/grpc-js'
import { plimsoll } from '../gen/plimsoll.js'

const {
  GetBaselineRequest,
  GetBaselineResponse,
  ListBaselinesRequest,
  ListBaselinesResponse,
  WatchLearningRequest,
  WatchLearningResponse,
} = plimsoll.v1

/** What is generated for a message, as far as it is needed here. */
interface Codec<Message> {
  encode(message: Message): { finish(): Uint8Array }
  decode(bytes: Uint8Array): Message
}

/** The service `plimsoll.v1.Baselines`, for servers and for clients. */
export const BASELINES_SERVICE = {
  listBaselines: method('ListBaselines', ListBaselinesRequest, ListBaselinesResponse, false),
  getBaseline: method('GetBaseline', GetBaselineRequest, GetBaselineResponse, false),
  watchLearning: method('WatchLearning', WatchLearningRequest, WatchLearningResponse, true),
} as const

function method<Request, Response>(
  name: string,
  request: Codec<Request>,
  response: Codec<Response>,
  responseStream: boolean,
): MethodDefinition<Request, Response> {
  return {
    path: `/plimsoll.v1.Baselines/${name}`,
    requestStream: false,
    responseStream,
    requestSerialize: (message) => bufferOf(request.encode(message).finish()),
    requestDeserialize: (bytes) => request.decode(bytes),
    responseSerialize: (message) => bufferOf(response.encode(message).finish()),
    responseDeserialize: (bytes) => response.decode(bytes),
  }
}

/** The same memory as a Buffer. */
function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
