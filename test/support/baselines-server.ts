/**
 * `plimsoll.v1.Baselines` over a unix socket on a store in a directory of its own, with every collaborator at hand: who calls is
 * noted as the server's check would, and what gets on record is kept.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  Client,
  credentials,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerInterceptor,
  ServerInterceptingCall,
  type ServiceError,
} from '@grpc/grpc-js'
import type { Test } from 'tap'
import { BaselineStore } from '../../src/baseline/store.js'
import { StoreActions } from '../../src/engine/baseline-actions.js'
import { failure, type PlimsollError } from '../../src/errors.js'
import type { OperatorIntent, OperatorRecorder } from '../../src/service/audit/recorder.js'
import type { BaselineChanged, LearningModes } from '../../src/service/baseline-actions.js'
import { baselinesHandlers } from '../../src/service/baselines-handlers.js'
import { BASELINES_SERVICE } from '../../src/service/baselines-methods.js'
import { noteCaller } from '../../src/service/caller.js'
import { plain } from './service-client.js'
import { FakeClock, FakeSource } from './service-source.js'

export const CALLER = 'cert:CN=alice'

/** Keeps what gets on record, in order; fails on demand. */
export class FakeRecorder implements OperatorRecorder {
  readonly begun: OperatorIntent[] = []
  readonly ended: { readonly outcome: string; readonly details: unknown }[] = []
  fails: 'never' | 'begin' | 'end' = 'never'

  async begin(intent: OperatorIntent): ReturnType<OperatorRecorder['begin']> {
    if (this.fails === 'begin') throw unwritable()
    this.begun.push(intent)
    return {
      end: async (outcome, details) => {
        if (this.fails === 'end') throw unwritable()
        this.ended.push({ outcome, details })
      },
    }
  }
}

function unwritable(): PlimsollError {
  return failure('AUDIT_UNWRITABLE', { path: '/state/audit', problem: 'no space' })
}

type Methods = typeof BASELINES_SERVICE
type Unary = Exclude<keyof Methods, 'watchLearning'>
type RequestOf<M> = M extends MethodDefinition<infer Request, infer _> ? Request : never
type ResponseOf<M> = M extends MethodDefinition<infer _, infer Response> ? Response : never

export interface BaselinesServer {
  readonly stateDirectory: string
  readonly store: BaselineStore
  readonly source: FakeSource
  readonly recorder: FakeRecorder
  readonly actions: StoreActions
  readonly changes: BaselineChanged[]
  readonly troubles: PlimsollError[]
  readonly call: <Name extends Unary>(
    name: Name,
    request: RequestOf<Methods[Name]>,
  ) => Promise<ResponseOf<Methods[Name]>>
}

export interface BaselinesServerOptions {
  readonly modes?: LearningModes
  /** Instead of one in the state directory. */
  readonly storeIn?: (stateDirectory: string) => BaselineStore
}

export async function baselinesServer(
  t: Test,
  { modes = NO_MODES, storeIn }: BaselinesServerOptions = {},
): Promise<BaselinesServer> {
  const stateDirectory = mkdtempSync(join(tmpdir(), 'plim-'))
  const store = storeIn?.(stateDirectory) ?? new BaselineStore(stateDirectory)
  const source = new FakeSource()
  const recorder = new FakeRecorder()
  const changes: BaselineChanged[] = []
  const troubles: PlimsollError[] = []
  const actions = new StoreActions({
    store,
    stateDirectory,
    recorder,
    nowMs: () => 50_000,
    changed: (change) => void changes.push(change),
    troubled: (error) => void troubles.push(error),
  })
  const { handlers } = baselinesHandlers({
    source,
    clock: new FakeClock(),
    changes: { actions, modes },
  })
  const server = new Server({ interceptors: [asCaller] })
  server.addService(BASELINES_SERVICE, handlers)
  const target = `unix:${join(stateDirectory, 's')}`
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(target, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    )
  })
  const client = new Client(target, credentials.createInsecure(), {
    'grpc.max_receive_message_length': 4 * 1024 * 1024,
  })
  t.teardown(() => {
    client.close()
    server.forceShutdown()
    rmSync(stateDirectory, { recursive: true })
  })
  const call = async (name: Unary, request: unknown): Promise<unknown> => {
    const method = BASELINES_SERVICE[name] as MethodDefinition<unknown, unknown>
    return new Promise((resolve, reject) => {
      const answered = (error: ServiceError | null, response: unknown): void =>
        error ? reject(error) : resolve(plain(response))
      const { path, requestSerialize, responseDeserialize } = method
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, answered)
    })
  }
  return {
    stateDirectory,
    store,
    source,
    recorder,
    actions,
    changes,
    troubles,
    call: call as BaselinesServer['call'],
  }
}

/** What the server's own check does. */
const asCaller: ServerInterceptor = (_method, call) =>
  new ServerInterceptingCall(call, {
    start: (next) =>
      next({
        onReceiveMetadata: (metadata, received) => {
          noteCaller(metadata, { role: 'analyst', name: CALLER })
          received(metadata)
        },
      }),
  })

const NO_MODES: LearningModes = {
  start: () => Promise.reject(failure('LEARNING_FIXED', { problem: 'it learns a command' })),
  stop: () => Promise.reject(failure('LEARNING_FIXED', { problem: 'it learns a command' })),
}
