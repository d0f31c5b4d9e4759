/**
 * Every method of the services by its name, for clients. What a method takes and answers follows from its name: `GetStats` has
 * the messages `GetStatsRequest` and `GetStatsResponse`. A test compares the names with the `.proto` files.
 */
import type { MethodDefinition } from '@grpc/grpc-js'
import { plimsoll } from '../../gen/plimsoll.js'
import { bufferOf } from '../method.js'
import type { Plain } from './plain.js'

/** Methods with one answer. */
export const UNARY = {
  Monitor: ['GetAnomaly', 'ListAnomalies', 'GetTimeline', 'GetStats'],
  Baselines: [
    'ListBaselines',
    'GetBaseline',
    'DiffBaselines',
    'ListCandidates',
    'SealBaseline',
    'ApproveItems',
    'RejectItems',
    'MergeBaselines',
    'ExportProfile',
    'StartLearning',
    'StopLearning',
  ],
  Control: ['GetPolicy', 'SetPolicy', 'ListModes', 'SetMode', 'Respond', 'Release'],
  Audit: ['ListEntries', 'Verify'],
} as const

/** Methods that answer with a stream. */
export const STREAMS = {
  Monitor: ['Watch'],
  Baselines: ['WatchLearning'],
  Control: [],
  Audit: [],
} as const

export type ServiceName = keyof typeof UNARY
export type UnaryName = (typeof UNARY)[ServiceName][number]
export type StreamName = (typeof STREAMS)[ServiceName][number]
export type MethodName = UnaryName | StreamName

type Codecs = typeof plimsoll.v1
type Fields<Message extends keyof Codecs> = Codecs[Message] extends {
  encode(message: infer Properties): unknown
}
  ? Properties
  : never

/** What the method takes; every field may be left out. */
export type RequestOf<Name extends MethodName> = Fields<`${Name}Request`>
/** What it answers, as plain values. */
export type ResponseOf<Name extends MethodName> = Plain<Fields<`${Name}Response`>>

/** What is generated for a message, as far as it is needed here. */
export interface MessageType {
  encode(message: object): { finish(): Uint8Array }
  decode(bytes: Uint8Array): object
  fromObject(object: object): object
  toObject(message: object, options: object): object
}

/** The messages of a method. */
export function messagesOf(name: MethodName): { request: MessageType; response: MessageType } {
  const types = plimsoll.v1 as unknown as Readonly<Record<string, MessageType | undefined>>
  const request = types[`${name}Request`]
  const response = types[`${name}Response`]
  if (request === undefined || response === undefined) throw new Error(`no messages of ${name}`)
  return { request, response }
}

/** 64-bit numbers as numbers, since all of them stay below 2^53; enums as numbers; fields that were not sent as their defaults. */
const AS_PLAIN = { longs: Number, defaults: true, oneofs: true }

/** The method as grpc-js wants it; answers are plain values. */
export function definitionOf<Name extends MethodName>(
  service: ServiceName,
  name: Name,
): MethodDefinition<RequestOf<Name>, ResponseOf<Name>> {
  const { request, response } = messagesOf(name)
  return {
    path: `/plimsoll.v1.${service}/${name}`,
    requestStream: false,
    responseStream: (STREAMS[service] as readonly string[]).includes(name),
    requestSerialize: (message) => bufferOf(request.encode(message as object).finish()),
    requestDeserialize: (bytes) => request.decode(bytes) as RequestOf<Name>,
    responseSerialize: (message) => bufferOf(response.encode(message as object).finish()),
    responseDeserialize: (bytes) =>
      response.toObject(response.decode(bytes), AS_PLAIN) as ResponseOf<Name>,
  }
}
