/**
 * Responses on request, each done once: requests are known by their caller and key. The incident of a request that names none is
 * derived from them, so that doing it again, by whichever process, comes to the same incident, for which it is done already.
 */
import { createHash } from 'node:crypto'
import { plimsoll } from '../../gen/plimsoll.js'
import { asPlimsollError, type PlimsollError } from '../../errors.js'
import type { ResponseResult } from '../../respond/request.js'
import { recordedAs } from '../audit/outcome.js'
import type { OperatorRecorder } from '../audit/recorder.js'
import { actionResultOf } from './action-result.js'
import type { ControlSource, ResponseOrder } from './control-source.js'
import type { Idempotency } from './idempotency.js'
import { recorded } from '../audit/recorded.js'
import { actionOf, idempotencyKeyOf, incidentOf, reasonOf, referenceOf } from './request-checks.js'

type RespondRequest = plimsoll.v1.RespondRequest.$Properties
type RespondResponse = plimsoll.v1.RespondResponse.$Properties

export interface RespondingOptions {
  readonly source: Pick<ControlSource, 'respond'>
  readonly recorder: OperatorRecorder
  readonly idempotency: Idempotency
  /** It was done, and that is not on record. */
  readonly unrecorded: (error: PlimsollError) => void
}

const { RespondResponse: Response } = plimsoll.v1

export class Responding {
  readonly #options: RespondingOptions
  /** By id: what is being done, and for which request. */
  readonly #underWay = new Map<string, Promise<unknown>>()

  constructor(options: RespondingOptions) {
    this.#options = options
  }

  /** Does what is asked for, or answers what came of it before. `caller` is its name. */
  async respond(request: RespondRequest, caller: string): Promise<RespondResponse> {
    const key = idempotencyKeyOf(request.idempotencyKey)
    const id = createHash('sha256')
      .update(JSON.stringify([caller, key]))
      .digest('hex')
    const order: Omit<ResponseOrder, 'isRepeat'> = {
      container: referenceOf('container', request.container),
      action: actionOf(request.action),
      reason: reasonOf(request.reason),
      incident: incidentOf(request.incident) ?? `op-${id.slice(0, 32)}`,
      dryRun: request.dryRun ?? false,
      afterwards: request.thaw === true ? 'thaw' : 'keep-frozen',
      actor: caller,
    }
    // One that comes while the first is being done is answered when that is done.
    for (let first; (first = this.#underWay.get(id)) !== undefined;) await first
    const done = this.#once(id, order)
    const settled = done.then(
      () => undefined,
      () => undefined,
    )
    this.#underWay.set(id, settled)
    try {
      return await done
    } finally {
      this.#underWay.delete(id)
    }
  }

  async #once(id: string, order: Omit<ResponseOrder, 'isRepeat'>): Promise<RespondResponse> {
    const { idempotency, unrecorded } = this.#options
    const begun = await idempotency.begin(id, JSON.stringify(order))
    if (begun.kind === 'answered') {
      const { result } = Response.decode(begun.answer)
      return { result: result ?? null, repeatedRequest: true }
    }
    const isRepeat = begun.kind === 'unfinished'
    const done = await this.#act({ ...order, isRepeat })
    const response = { result: actionResultOf(done) }
    await idempotency.done(id, Response.encode(response).finish()).catch((thrown: unknown) => {
      unrecorded(asPlimsollError(thrown))
    })
    return { ...response, repeatedRequest: isRepeat && done.outcome === 'already' }
  }

  #act(order: ResponseOrder): Promise<ResponseResult> {
    const { source, recorder, unrecorded } = this.#options
    const { actor, reason, container, action, incident, dryRun, afterwards, isRepeat } = order
    const details = { response: action, incident, dryRun, afterwards, isRepeat }
    return recorded(
      recorder,
      { actor, action: 'Respond', target: container, reason, details },
      () => source.respond(order),
      recordedAs,
      unrecorded,
    )
  }
}
