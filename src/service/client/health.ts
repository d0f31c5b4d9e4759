/** The standard question whether a service is well: https://github.com/grpc/grpc/blob/master/doc/health-checking.md */
import type { MethodDefinition } from '@grpc/grpc-js'
import { Reader, Writer } from 'protobufjs/minimal.js'

/** `ServingStatus` of grpc.health.v1, by number. */
export const SERVING_STATUSES = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const
export type ServingStatus = (typeof SERVING_STATUSES)[number]

interface HealthRequest {
  readonly service: string
}

export const HEALTH_CHECK: MethodDefinition<HealthRequest, ServingStatus> = {
  path: '/grpc.health.v1.Health/Check',
  requestStream: false,
  responseStream: false,
  requestSerialize: ({ service }) =>
    Buffer.from(Writer.create().uint32(10).string(service).finish()),
  requestDeserialize: (bytes) => ({ service: stringOf(bytes) }),
  responseSerialize: (answer) =>
    Buffer.from(Writer.create().uint32(8).int32(SERVING_STATUSES.indexOf(answer)).finish()),
  responseDeserialize: (bytes) => statusOf(bytes),
}

function stringOf(bytes: Uint8Array): string {
  const reader = Reader.create(bytes)
  let service = ''
  while (reader.pos < reader.len) {
    const tag = reader.uint32()
    if (tag === 10) service = reader.string()
    else reader.skipType(tag & 7)
  }
  return service
}

function statusOf(bytes: Uint8Array): ServingStatus {
  const reader = Reader.create(bytes)
  let answer = 0
  while (reader.pos < reader.len) {
    const tag = reader.uint32()
    if (tag === 8) answer = reader.int32()
    else reader.skipType(tag & 7)
  }
  return SERVING_STATUSES[answer] ?? 'UNKNOWN'
}
