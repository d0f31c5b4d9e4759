/**
 * The handlers of `plimsoll.v1.Baselines` that change something: decisions, merges, what is learned. Each is done under the
 * name of its caller and for a reason, and is on record before it is done. No handler throws.
 */
import type { handleUnaryCall, Metadata } from '@grpc/grpc-js'
import { Baseline } from '../baseline/baseline.js'
import { decodeBaseline } from '../baseline/codec.js'
import { contentHashOf } from '../baseline/content-hash.js'
import { imageKeyOf } from '../baseline/image-identity.js'
import { NO_DECISIONS } from '../baseline/verdicts.js'
import type { plimsoll } from '../gen/plimsoll.js'
import type {
  BaselineActions,
  Decided,
  DecideRequest,
  LearningModes,
  Responsible,
} from './baseline-actions.js'
import { answered } from './baselines-answer.js'
import { type BaselinesAtHand, selected } from './baselines-read.js'
import * as fields from './baselines-request.js'
import { callerOf } from './caller.js'

type SealRequest = plimsoll.v1.SealBaselineRequest.$Properties
type SealResponse = plimsoll.v1.SealBaselineResponse.$Properties
/** Approving and rejecting take and give the same. */
type ItemsRequest = plimsoll.v1.ApproveItemsRequest.$Properties
type ItemsResponse = plimsoll.v1.ApproveItemsResponse.$Properties
type MergeRequest = plimsoll.v1.MergeBaselinesRequest.$Properties
type MergeResponse = plimsoll.v1.MergeBaselinesResponse.$Properties
type LearningRequest = plimsoll.v1.StartLearningRequest.$Properties
type LearningResponse = plimsoll.v1.StartLearningResponse.$Properties

export interface BaselinesWriteOptions extends BaselinesAtHand {
  readonly modes: LearningModes
}

/** Baselines that one request may merge, of either kind. */
const MERGE_LIMIT = 64
/** All uploads of a request together; what the server takes at a time. */
const UPLOAD_BYTES = 64 * 1024

interface Call<Request> {
  readonly request: Request
  readonly metadata: Metadata
}

export class BaselinesWrite {
  readonly #options: BaselinesWriteOptions
  readonly #actions: BaselineActions
  readonly #modes: LearningModes

  constructor(options: BaselinesWriteOptions) {
    this.#options = options
    this.#actions = options.actions
    this.#modes = options.modes
  }

  readonly sealBaseline: handleUnaryCall<SealRequest, SealResponse> = (call, answer) => {
    answered(this.#seal(call), answer)
  }

  readonly approveItems: handleUnaryCall<ItemsRequest, ItemsResponse> = (call, answer) => {
    answered(this.#decide(call, 'approved'), answer)
  }

  readonly rejectItems: handleUnaryCall<ItemsRequest, ItemsResponse> = (call, answer) => {
    answered(this.#decide(call, 'rejected'), answer)
  }

  readonly mergeBaselines: handleUnaryCall<MergeRequest, MergeResponse> = (call, answer) => {
    answered(this.#merge(call), answer)
  }

  readonly startLearning: handleUnaryCall<LearningRequest, LearningResponse> = (call, answer) => {
    answered(this.#learning(call, 'start'), answer)
  }

  readonly stopLearning: handleUnaryCall<LearningRequest, LearningResponse> = (call, answer) => {
    answered(this.#learning(call, 'stop'), answer)
  }

  async #seal(call: Call<SealRequest>): Promise<SealResponse> {
    const { reference, contentHash } = call.request
    const ref = fields.referenceOf(reference)
    const request = { ref, contentHash: fields.contentHashOf(contentHash), ...responsible(call) }
    return decidedMessage(await this.#actions.seal(request))
  }

  async #decide(
    call: Call<ItemsRequest>,
    verdict: DecideRequest['verdict'],
  ): Promise<ItemsResponse> {
    const { reference, contentHash, items, allCandidates } = call.request
    const ref = fields.referenceOf(reference)
    const texts = items ?? []
    if (texts.length > 0 === (allCandidates ?? false)) {
      throw fields.badRequest('items', 'name some, or set all_candidates')
    }
    return decidedMessage(
      await this.#actions.decide({
        ref,
        contentHash: fields.contentHashOf(contentHash),
        verdict,
        items: allCandidates ? 'candidates' : texts,
        ...responsible(call),
      }),
    )
  }

  async #merge(call: Call<MergeRequest>): Promise<MergeResponse> {
    const selectors = call.request.baselines ?? []
    const uploads = call.request.uploads ?? []
    if (selectors.length + uploads.length === 0) {
      throw fields.badRequest('baselines', 'there is nothing to merge')
    }
    for (const [field, list] of Object.entries({ baselines: selectors, uploads })) {
      if (list.length > MERGE_LIMIT) throw fields.badRequest(field, `more than ${MERGE_LIMIT}`)
    }
    const wanted = selectors.map((each, n) => fields.selectorOf(each, `baselines[${n}]`))
    const who = responsible(call)
    const baselines = uploadedOf(uploads)
    for (const each of wanted) baselines.push((await selected(this.#options, each)).baseline)
    const { baseline, changed } = await this.#actions.merge({ baselines, ...who })
    const { image, revision, runCount } = baseline
    return { key: imageKeyOf(image), revision, changed, runs: runCount }
  }

  async #learning(call: Call<LearningRequest>, what: 'start' | 'stop'): Promise<LearningResponse> {
    const ref = fields.referenceOf(call.request.image, 'image')
    const { by, reason } = responsible(call)
    const modes = this.#modes
    const change = await (what === 'start'
      ? modes.start(ref, by, reason)
      : modes.stop(ref, by, reason))
    return { key: change.key, changed: change.changed }
  }
}

function responsible({
  request,
  metadata,
}: Call<{ readonly reason?: string | null }>): Responsible {
  return { by: callerOf({ metadata }).name, reason: fields.reasonOf(request.reason) }
}

function decidedMessage({ baseline, items }: Decided): ItemsResponse {
  return {
    key: imageKeyOf(baseline.image),
    revision: baseline.revision,
    itemCount: items.length,
    contentHash: contentHashOf(baseline),
  }
}

/** What was observed in them. Whoever wrote the file could have put any name under the decisions in it. */
function uploadedOf(uploads: readonly Uint8Array[]): Baseline[] {
  const bytes = uploads.reduce((sum, { length }) => sum + length, 0)
  if (bytes > UPLOAD_BYTES) {
    throw fields.badRequest(
      'uploads',
      `they have ${bytes} bytes, at most ${UPLOAD_BYTES} are taken`,
    )
  }
  return uploads.map((upload, n) => {
    const decoded = decodeBaseline(upload)
    if ('problem' in decoded) throw fields.badRequest(`uploads[${n}]`, decoded.problem)
    const snapshot = decoded.baseline.snapshot()
    return Baseline.of({ ...snapshot, revision: 0, decisions: NO_DECISIONS })
  })
}
