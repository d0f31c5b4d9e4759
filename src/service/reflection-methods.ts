/** The services `grpc.reflection.v1.ServerReflection` and `v1alpha`, whose messages are the same on the wire. */
import type { MethodDefinition } from '@grpc/grpc-js'
import { grpc } from '../gen/plimsoll.js'
import { method } from './method.js'

const { ServerReflectionRequest, ServerReflectionResponse } = grpc.reflection.v1

export type ReflectionRequest = grpc.reflection.v1.ServerReflectionRequest.$Properties
export type ReflectionResponse = grpc.reflection.v1.ServerReflectionResponse.$Properties

type ReflectionService = Readonly<
  Record<'serverReflectionInfo', MethodDefinition<ReflectionRequest, ReflectionResponse>>
>

export const REFLECTION_SERVICE = reflection('v1')
export const REFLECTION_SERVICE_ALPHA = reflection('v1alpha')

function reflection(version: string): ReflectionService {
  const name = `grpc.reflection.${version}.ServerReflection`
  const unary = method(
    name,
    'ServerReflectionInfo',
    ServerReflectionRequest,
    ServerReflectionResponse,
    true,
  )
  return { serverReflectionInfo: { ...unary, requestStream: true } }
}
