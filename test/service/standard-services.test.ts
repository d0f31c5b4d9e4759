/** The standard services beside plimsoll's own: health and reflection. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import {
  Client,
  type ClientReadableStream,
  credentials,
  type MethodDefinition,
  type ServiceError,
} from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import { grpc } from '../../src/gen/plimsoll.js'
import { DescriptorIndex } from '../../src/service/descriptor-index.js'
import { HEALTH_WATCHERS } from '../../src/service/health.js'
import { HEALTH_SERVICE } from '../../src/service/health-methods.js'
import { Reflection } from '../../src/service/reflection.js'
import {
  REFLECTION_SERVICE,
  REFLECTION_SERVICE_ALPHA,
} from '../../src/service/reflection-methods.js'
import type { RunningServer } from '../../src/service/server.js'
import { until } from '../support/live/until.js'
import { unixAddress } from '../support/served-learning.js'
import { serveStubs, socketDirectory } from '../support/served-stubs.js'
import { METHODS } from '../support/stub-services.js'

type Answer = grpc.health.v1.HealthCheckResponse.$Properties
const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = grpc.health.v1.HealthCheckResponse.ServingStatus

class HealthClient {
  readonly #client: Client

  constructor(t: Test, path: string) {
    this.#client = new Client(`unix:${path}`, credentials.createInsecure())
    t.teardown(() => this.#client.close())
  }

  check(service: string): Promise<Answer | Pick<ServiceError, 'code' | 'details'>> {
    const { path, requestSerialize, responseDeserialize } = HEALTH_SERVICE.check
    return new Promise((resolve) => {
      const done = (error: ServiceError | null, answer?: Answer): void =>
        resolve(error ?? answer ?? {})
      this.#client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service }, done)
    })
  }

  /** What was told so far is in `told`, at its end how it ended. */
  watch(
    t: Test,
    service: string,
  ): { told: (number | string)[]; stream: ClientReadableStream<Answer> } {
    const { path, requestSerialize, responseDeserialize } = HEALTH_SERVICE.watch
    const told: (number | string)[] = []
    const stream = this.#client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      { service },
    )
    stream.on('data', ({ status }: Answer) => told.push(status ?? 0))
    stream.on('end', () => told.push('end'))
    stream.on('error', ({ code }: ServiceError) => told.push(`error ${code}`))
    t.teardown(() => stream.cancel())
    return { told, stream }
  }
}

async function served(t: Test): Promise<{ server: RunningServer; health: HealthClient }> {
  const path = join(socketDirectory(t), 's')
  const { server } = await serveStubs(t, [unixAddress(path)])
  return { server, health: new HealthClient(t, path) }
}

const MONITOR = 'plimsoll.v1.Monitor'

t.test('they are what the .proto files say', async (t) => {
  const own = [HEALTH_SERVICE, REFLECTION_SERVICE, REFLECTION_SERVICE_ALPHA].flatMap(
    (service) => Object.values(service) as MethodDefinition<unknown, unknown>[],
  )
  const declared = METHODS.filter(({ name }) => name.startsWith('grpc.'))
  t.equal(own.length, declared.length)
  for (const { definition } of declared) {
    const { path, requestStream, responseStream } = definition
    t.match(
      own.find((each) => each.path === path),
      { path, requestStream, responseStream },
      path,
    )
  }
})

t.test('each service is as it was said to be, and all are if each is', async (t) => {
  const { server, health } = await served(t)
  for (const service of ['', MONITOR, 'plimsoll.v1.Audit']) {
    t.match(await health.check(service), { status: SERVING }, service)
  }
  server.setHealth(MONITOR, false)
  t.match(await health.check(MONITOR), { status: NOT_SERVING })
  t.match(await health.check(''), { status: NOT_SERVING })
  t.match(await health.check('plimsoll.v1.Audit'), { status: SERVING })
  server.setHealth(MONITOR, true)
  t.match(await health.check(''), { status: SERVING })
  server.setHealth('no.such.Service', false)
  t.match(await health.check(''), { status: SERVING })
  const details = 'no service is called x\\u000ay'
  t.match(await health.check('x\ny'), { code: 5, details })
  t.match(await health.check('__proto__'), { code: 5 })
})

t.test('who watches is told at once, whenever it changes, and at the end', async (t) => {
  const { server, health } = await served(t)
  const monitor = health.watch(t, MONITOR)
  const all = health.watch(t, '')
  const unknown = health.watch(t, 'no.such.Service')
  await until(
    'the first states',
    () => monitor.told.length + all.told.length + unknown.told.length === 3,
  )
  server.setHealth(MONITOR, false)
  server.setHealth(MONITOR, false)
  server.setHealth('plimsoll.v1.Audit', false)
  await until('the change', () => monitor.told.length === 2)
  server.setHealth(MONITOR, true)
  await until('the next', () => monitor.told.length === 3)
  await server.stop()
  await until('the end', () => [monitor, all, unknown].every(({ told }) => told.at(-1) === 'end'))
  t.same(monitor.told, [SERVING, NOT_SERVING, SERVING, NOT_SERVING, 'end'])
  t.same(all.told, [SERVING, NOT_SERVING, 'end'])
  t.same(unknown.told, [SERVICE_UNKNOWN, 'end'])
})

t.test('so many may watch, and others take the place of those that are gone', async (t) => {
  const { health } = await served(t)
  const watches = Array.from({ length: HEALTH_WATCHERS }, () => health.watch(t, ''))
  await until('all to watch', () => watches.every(({ told }) => told.length === 1))
  const refused = health.watch(t, '')
  await until('the refusal', () => refused.told.length > 0)
  t.equal(refused.told[0], 'error 8')
  watches[0]?.stream.cancel()
  await until('its place', async () => {
    const next = health.watch(t, '')
    await until('an answer', () => next.told.length > 0)
    await turn()
    return next.told[0] === SERVING
  })
})

t.test('reflection answers each kind of request, and says what it does not have', async (t) => {
  const index = new DescriptorIndex(readFileSync('proto/descriptor.binpb'))
  const reflection = new Reflection(index, ['b.B', 'a.A'])
  const files = { fileDescriptorResponse: { fileDescriptorProto: [Uint8Array] } }
  const service = [{ name: 'a.A' }, { name: 'b.B' }]
  const refused = (errorCode: number): object => ({ errorResponse: { errorCode } })
  const cases: readonly [request: object, response: object][] = [
    [{ listServices: '' }, { listServicesResponse: { service } }],
    [{ fileByFilename: 'plimsoll/v1/audit.proto' }, files],
    [{ fileContainingSymbol: 'plimsoll.v1.Audit.Verify' }, files],
    [{ fileByFilename: 'audit.proto' }, refused(5)],
    [{ fileContainingSymbol: 'toString' }, refused(5)],
    [{ fileContainingSymbol: '' }, refused(5)],
    [
      { allExtensionNumbersOfType: 'plimsoll.v1.Anomaly' },
      { allExtensionNumbersResponse: { baseTypeName: 'plimsoll.v1.Anomaly' } },
    ],
    [{ allExtensionNumbersOfType: 'x' }, refused(5)],
    [
      { fileContainingExtension: { containingType: 'plimsoll.v1.Anomaly', extensionNumber: 1 } },
      refused(5),
    ],
    [{}, refused(3)],
  ]
  for (const [given, response] of cases) {
    const request = grpc.reflection.v1.ServerReflectionRequest.fromObject({ host: 'h', ...given })
    const answer = reflection.answer(request)
    t.match(answer, { validHost: 'h', ...response }, JSON.stringify(given))
    t.equal(answer.originalRequest, request)
  }
})
