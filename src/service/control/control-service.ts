/**
 * The handlers of `plimsoll.v1.Control`: requests checked, put on record under the caller's name, done by the source, and what came of
 * it put on record. No handler throws.
 */
import type { handleUnaryCall } from '@grpc/grpc-js'
import type { PlimsollError } from '../../errors.js'
import type { plimsoll } from '../../gen/plimsoll.js'
import type { OperatorRecorder } from '../audit/recorder.js'
import { callerOf } from '../caller.js'
import { unary } from '../unary.js'
import { type ControlSource, type ImageMode, MODES } from './control-source.js'
import { Idempotency } from './idempotency.js'
import { recorded } from '../audit/recorded.js'
import { modeOf, reasonOf, referenceOf, sha256Field } from './request-checks.js'
import { Responding } from './responding.js'

type GetPolicyRequest = plimsoll.v1.GetPolicyRequest.$Properties
type GetPolicyResponse = plimsoll.v1.GetPolicyResponse.$Properties
type SetPolicyRequest = plimsoll.v1.SetPolicyRequest.$Properties
type SetPolicyResponse = plimsoll.v1.SetPolicyResponse.$Properties
type ListModesRequest = plimsoll.v1.ListModesRequest.$Properties
type ListModesResponse = plimsoll.v1.ListModesResponse.$Properties
type SetModeRequest = plimsoll.v1.SetModeRequest.$Properties
type SetModeResponse = plimsoll.v1.SetModeResponse.$Properties
type RespondRequest = plimsoll.v1.RespondRequest.$Properties
type RespondResponse = plimsoll.v1.RespondResponse.$Properties
type ReleaseRequest = plimsoll.v1.ReleaseRequest.$Properties
type ReleaseResponse = plimsoll.v1.ReleaseResponse.$Properties

export interface ControlServiceOptions {
  readonly source: ControlSource
  readonly recorder: OperatorRecorder
  /** The first occurrences that are kept, see `firstOccurrences`; undefined: none are. */
  readonly anomalies?: (() => AsyncIterable<plimsoll.v1.Anomaly.$Properties>) | undefined
  readonly stateDirectory: string
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number
  /** Something was done, and what came of it could not be put on record. */
  readonly unrecorded: (error: PlimsollError) => void
}

export class ControlService {
  readonly #options: ControlServiceOptions
  readonly #responding: Responding

  constructor(options: ControlServiceOptions) {
    const { source, recorder, unrecorded, stateDirectory, nowMs } = options
    this.#options = options
    const idempotency = new Idempotency(stateDirectory, nowMs)
    this.#responding = new Responding({ source, recorder, idempotency, unrecorded })
  }

  readonly getPolicy: handleUnaryCall<GetPolicyRequest, GetPolicyResponse> = unary(async () =>
    this.#options.source.policy(),
  )

  readonly setPolicy: handleUnaryCall<SetPolicyRequest, SetPolicyResponse> = unary(
    (request, call) => this.#setPolicy(request, callerOf(call).name),
  )

  readonly listModes: handleUnaryCall<ListModesRequest, ListModesResponse> = unary(async () => ({
    modes: this.#options.source.modes().map(messageOf),
  }))

  readonly setMode: handleUnaryCall<SetModeRequest, SetModeResponse> = unary((request, call) =>
    this.#setMode(request, callerOf(call).name),
  )

  readonly respond: handleUnaryCall<RespondRequest, RespondResponse> = unary((request, call) =>
    this.#responding.respond(request, callerOf(call).name),
  )

  readonly release: handleUnaryCall<ReleaseRequest, ReleaseResponse> = unary((request, call) =>
    this.#release(request, callerOf(call).name),
  )

  async #setPolicy(request: SetPolicyRequest, actor: string): Promise<SetPolicyResponse> {
    const { source, recorder, unrecorded, anomalies } = this.#options
    const reason = reasonOf(request.reason)
    const change = {
      yaml: request.yaml ?? '',
      expectedSha256: sha256Field('expected_sha256', request.expectedSha256),
      dryRun: request.dryRun ?? false,
      anomalies: anomalies?.() ?? none(),
    }
    const before = source.policy()
    const details = { before: before.sha256, dryRun: change.dryRun }
    const changed = await recorded(
      recorder,
      { actor, reason, action: 'SetPolicy', target: before.path, details },
      () => source.setPolicy(change),
      ({ sha256, applied, allowedCount }) => ['done', { sha256, applied, allowedCount }],
      unrecorded,
    )
    return {
      ...changed,
      warnings: [...changed.warnings],
      allowedAnomalies: [...changed.allowedAnomalies],
    }
  }

  async #setMode(request: SetModeRequest, actor: string): Promise<SetModeResponse> {
    const { source, recorder, unrecorded } = this.#options
    const image = referenceOf('image', request.image)
    const mode = modeOf(request.mode)
    const reason = reasonOf(request.reason)
    const set = await recorded(
      recorder,
      { actor, reason, action: 'SetMode', target: image, details: { mode } },
      () => source.setMode({ image, mode, actor, reason }),
      ({ key, imageName }) => ['done', { mode, key, imageName }],
      unrecorded,
    )
    return { mode: messageOf(set) }
  }

  async #release(request: ReleaseRequest, actor: string): Promise<ReleaseResponse> {
    const { source, recorder, unrecorded } = this.#options
    const incident = referenceOf('incident', request.incident)
    const reason = reasonOf(request.reason)
    const released = await recorded(
      recorder,
      { actor, reason, action: 'Release', target: incident },
      () => source.release({ incident, actor, reason }),
      (result) => ['done', { ...result }],
      unrecorded,
    )
    return { ...released, details: [...released.details] }
  }
}

function messageOf({ key, mode, ...rest }: ImageMode): plimsoll.v1.ImageMode.$Properties {
  return { ...rest, baselineKey: key, mode: MODES.indexOf(mode) + 1 }
}

async function* none(): AsyncGenerator<never> {}
