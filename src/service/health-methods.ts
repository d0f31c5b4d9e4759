/** The service `grpc.health.v1.Health`, for servers and for clients. */
import { grpc } from '../gen/plimsoll.js'
import { method } from './method.js'

const { HealthCheckRequest, HealthCheckResponse } = grpc.health.v1

const NAME = 'grpc.health.v1.Health'

export const HEALTH_SERVICE = {
  check: method(NAME, 'Check', HealthCheckRequest, HealthCheckResponse),
  watch: method(NAME, 'Watch', HealthCheckRequest, HealthCheckResponse, true),
} as const
